"""The bench of shares runs, adds up what it counts, and its report holds every number."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from cutpoint.lab.experiments.experiment import Options, Stopwatch
from cutpoint.lab.experiments.shares import shares_outcome
from cutpoint.lab.experiments.writer import write_outcome
from cutpoint.lab.shares.contenders import CODEC_SETS, INPUTS, JPEG, UINT8
from cutpoint.lab.shares.grid import USUAL_LINKS
from cutpoint.lab.shares.measured_net import SERVERS
from cutpoint.lab.shares.table_text import percent, table
from cutpoint.lab.shares_bench import USUAL_SET, SharesBench, run_shares_bench

POINTS = len(USUAL_LINKS.conditions) * len(SERVERS)


@pytest.fixture(scope="module")
def bench() -> SharesBench:
    """Run it on one small net."""
    said: list[str] = []
    found = run_shares_bench(["squeezenet"], quick=True, listener=said.append)
    assert said[-1].startswith("1/1 squeezenet: ")
    return found


def test_every_condition_is_counted_for_every_input_and_set(bench: SharesBench) -> None:
    """Points per net, kind of server, link and device add up to the grid."""
    for coding in INPUTS:
        for codecs in CODEC_SETS:
            total = bench.total(coding, codecs)
            assert total.num_points == POINTS
            assert total == bench.total(coding, codecs, "squeezenet")
            servers = [bench.of_server(server, coding, codecs) for server in SERVERS]
            assert sum(each.num_best for each in servers) == total.num_best
    for coding in (UINT8, JPEG):
        assert bench.at(coding, USUAL_SET).num_best == bench.total(coding, USUAL_SET).num_best
        link = bench.at(coding, USUAL_SET, USUAL_LINKS.bandwidths_bytes_per_s[0])
        assert link.num_points == POINTS / USUAL_LINKS.shape[0]
        device = bench.at(coding, USUAL_SET, device_slowdown=5.0)
        assert device.num_points == POINTS / USUAL_LINKS.shape[1]
        links = [row.tally for row in bench.links if row.coding == coding]
        assert sum(each.num_over_5 for each in links) == bench.total(coding, USUAL_SET).num_over_5


def test_better_codecs_win_more_and_smaller_inputs_lose_more(bench: SharesBench) -> None:
    """On a net that shrinks early: raw floats rarely, uint8+zstd often, hardly against a JPEG."""
    raw, usual = bench.total(UINT8, "raw"), bench.total(UINT8, USUAL_SET)
    assert raw.best < usual.best
    assert raw.num_over_5 <= usual.num_over_5
    assert bench.total(JPEG, USUAL_SET).best < usual.best / 2


def test_the_report_holds_every_number(bench: SharesBench, tmp_path: Path) -> None:
    """The files say what was counted, beside the earlier figures."""
    outcome = shares_outcome(bench, Stopwatch("shares", Options()))
    write_outcome(outcome, tmp_path)
    told = msgspec.json.decode((tmp_path / "shares.json").read_bytes())
    details = msgspec.convert(
        {**told["details"], "environment": told["environment"]["host"]}, SharesBench
    )
    assert replace(details, environment=bench.environment) == bench
    (row,) = outcome.report.rows
    assert (row.model, row.latency_s.mean) == ("squeezenet", bench.nets[0].whole_s)
    text = (tmp_path / "shares.md").read_text()
    total = bench.total(UINT8, USUAL_SET)
    assert f"| {percent(total.best)} ({percent(total.over_5)}), " in text
    assert f"| uint8 | {percent(total.device)} | " in text
    assert "Beside the earlier figures" in text
    assert (tmp_path / "shares.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (0.394, "39 %"), (0.0995, "10 %"), (0.0333, "3.3 %"), (0.0004, "0.04 %"),
     (1e-5, "under 0.01 %"),
     (1.0, "100 %")],
)  # fmt: skip
def test_shares_are_written_as_people_do(share: float, text: str) -> None:
    """Digits enough to tell small shares from none."""
    assert percent(share) == text
    assert percent(share, "+").removeprefix("+") == text


def test_a_table_has_a_line_per_row() -> None:
    """Heads, a rule, and the rows."""
    assert table(["a", "b"], [["1", "2"]]) == ["| a | b |", "| --- | --- |", "| 1 | 2 |"]
