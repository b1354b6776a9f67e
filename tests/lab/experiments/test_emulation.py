"""The experiment about emulated links and devices."""

from pathlib import Path

import pytest

from cutpoint.lab.emulation.iperf import IperfRun
from cutpoint.lab.emulation.link_check import LinkSetting, Transfers
from cutpoint.lab.emulation.quota_check import QuotaRun
from cutpoint.lab.emulation.stretch_check import StretchRun, stretch_runs
from cutpoint.lab.emulation.survey import ColdStart, Extent, Survey
from cutpoint.lab.emulation.survey_text import plot_survey, plot_traces, survey_text
from cutpoint.lab.experiments.emulation import EmulationExperiment, _claims, _rows
from cutpoint.lab.experiments.experiment import Options
from cutpoint.lab.experiments.registry import entry_named
from cutpoint.lab.traces import default_traces

PLAIN = LinkSetting(1e6, 0.01)
PLACE = LinkSetting(1e6, 0.01, default_traces()[1], 3.0)


def _survey(**changes) -> Survey:
    due_s = PLACE.due_s(100_000)
    fields = {
        "transfers": (
            Transfers("user space", PLAIN, 100_000, (0.12, 0.123, 0.2)),
            Transfers("TUN", PLAIN, 100_000, (0.12,)),
        ),
        "traced": (
            Transfers("user space", PLACE, 100_000, (1.04 * due_s,)),
            Transfers("TUN", PLACE, 100_000, (due_s,)),
        ),
        "cold": (ColdStart(PLAIN, 100_000, 0.3),),
        "iperf": (IperfRun(1e6, 0.99e6, 200_000), IperfRun(2e6, 2.01e6, 200_000)),
        "stretched": (
            StretchRun("big", 8.0, 0.01, (0.088, 0.09, 0.2), (0.011, 0.011, 0.011)),
            StretchRun("tiny", 8.0, 0.001, (0.02,), (0.001,)),
        ),
        "limited": (QuotaRun("big", 0.2, (0.21,), (0.04,)),),
        "missing": (),
    }
    return Survey(**{**fields, **changes})


def test_claims_are_about_medians_and_the_worst_of_them() -> None:
    """Each with its bound; a net too small to be claimed about is left out."""
    values = [(round(claim.value, 4), claim.bound, claim.holds) for claim in _claims(_survey())]
    assert values == [
        (0.04, 0.05, True),
        (0.04, 0.05, True),
        (0.01, 0.03, True),
        (0.0227, 0.05, True),
    ]


def test_a_link_that_is_off_breaks_the_claim_that_compares_it() -> None:
    """And no claim is made about links and tools that are not there."""
    slow = (
        Transfers("user space", PLAIN, 100_000, (0.12,)),
        Transfers("tbf", PLAIN, 100_000, (0.1,)),
    )
    claims = list(_claims(_survey(transfers=slow, traced=_survey().traced[:1], iperf=())))
    assert [claim.holds for claim in claims] == [False, True, True]
    assert "tbf" in claims[0].name
    assert not any("iperf3" in claim.name for claim in claims)


def test_rows_and_text_tell_of_everything_measured() -> None:
    """One row per link, size and device; due times stand beside them."""
    found = _survey(missing=("no tool",))
    rows = list(_rows(found, 0))
    assert len({(row.model, row.link, row.policy) for row in rows}) == len(rows) == 7
    assert rows[0].note == "due: 0.1200 s"
    text = survey_text(found)
    for words in (
        "| 8 Mbit/s, 10 ms | 100 KB | 120.0 ms | +2.5% | +0.0% |  |",
        "| lte-strolling at 3 s, 10 ms | 100 KB |",
        "| 8 Mbit/s | 7.920 Mbit/s | -1.00% | 200000 |",
        "| big | 10.0 ms | 8 | 8.18 | +2.3% | 1.10 |",
        "| big | 0.2 | +5.0% |",
        "- no tool",
    ):
        assert words in text


def test_the_pictures_are_drawn(tmp_path: Path) -> None:
    """All links in one, each trace that was played in the other."""
    for draw in (plot_survey, plot_traces):
        draw(_survey(), tmp_path / f"{draw.__name__}.png")
    assert {path.suffix for path in tmp_path.iterdir()} == {".png"}


def test_a_stretched_net_takes_its_factor_times_its_own_time(six_convs: Path) -> None:
    """At least; and a factor that four inferences do not fit into is left out."""
    quick, *rest = stretch_runs("six", six_convs, (4.0, 1e6), 0.3)
    assert rest == []
    assert quick.factor == 4.0
    # What one sleep takes too long is taken off the next: all together keep the factor.
    assert sum(quick.latency_s) > 3 * sum(quick.cpu_s)
    assert quick.coldness > 0
    assert quick.error == pytest.approx(quick.reached / 4 - 1)


def test_the_experiment_says_what_the_registry_says() -> None:
    """Name and summary."""
    assert entry_named("emulation").summary == EmulationExperiment.summary


def test_the_experiment_measures_what_it_can_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Along the traces it is given; nothing is claimed by tools and rights that are not there."""
    monkeypatch.setattr("cutpoint.lab.emulation.survey.find_iperf", lambda: None)
    monkeypatch.setattr("cutpoint.lab.emulation.survey.why_no_namespaces", lambda: "no root")
    (tmp_path / "fast.csv").write_text("seconds,up_mbit_per_s\n0,80\n1,40\n")
    extent = Extent((80.0,), 0.5, 1, 1, nets=(), shares=())
    outcome = EmulationExperiment(extent).run(Options(traces=tmp_path))
    report = outcome.report
    assert report.environment.traces == ("fast",)
    assert report.environment.notes[0] == "no root"
    assert any("iperf3 is not in PATH" in note for note in report.environment.notes)
    assert {row.policy for row in report.rows} == {"user space"}
    assert not any("by iperf3" in claim.name for claim in report.claims)
    assert not report.claims[-1].holds, "no device was stretched"
    assert "iperf3 is not in PATH" in outcome.text
