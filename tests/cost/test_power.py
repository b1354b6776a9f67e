import json
from dataclasses import asdict, replace
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.cost import (
    POWER_PROFILES,
    PowerProfile,
    Prediction,
    energy_j,
    head_rows,
    power_profile,
    predict,
)
from cutpoint.cost.limits import NO_LIMITS
from cutpoint.exceptions import CostError, PlannerError
from cutpoint.records import Conditions, LinkConditions, LoadConditions, Parts
from cutpoint.testing.tables import SHAPES, random_table

POWER = PowerProfile("board", 8.0, 2.0, 4.0, 3.0, "a meter", 0.5, 0.25)
LINK = LinkConditions(4.0, 8.0, 1.0, 0.5)
UNLIMITED = LinkConditions(inf, inf, 0.0, 0.0)

seconds = st.floats(0, 1e3)


def test_each_part_has_its_watts() -> None:
    """Computing, sending, receiving and waiting are charged apart, and bytes beside them."""
    parts = Parts(head_s=1, encode_s=2, upload_s=3, wait_s=4, tail_s=5, download_s=6)
    by_time_j = 8 * (1 + 2) + 4 * 3 + 3 * 6 + 2 * (4 + 5)
    by_bytes_j = 0.5 * (3 - 1) * 4 + 0.25 * (6 - 0.5) * 8
    assert energy_j(parts, POWER, Conditions(LINK)) == by_time_j + by_bytes_j


def test_a_byte_costs_the_same_at_any_bandwidth() -> None:
    """What the rate adds is a figure per byte: only the time on the link falls with bandwidth."""
    power = replace(POWER, send_w=0.0)
    for bandwidth in (1.0, 10.0, 1000.0):
        link = LinkConditions(bandwidth, 1.0, 0.0, 0.0)
        parts = Parts(upload_s=100 / bandwidth)
        assert energy_j(parts, power, Conditions(link)) == pytest.approx(0.5 * 100)


def test_a_lost_offload_is_finished_by_computing() -> None:
    """After an offload that was lost the tail ran on the device: it computed, not waited."""
    parts = Parts(head_s=1, lost_s=2, tail_s=3)
    assert energy_j(parts, POWER, Conditions(LINK)) == 8 * (1 + 3) + 4 * 2


@given(
    columns=st.lists(st.tuples(*[seconds] * 6), min_size=1, max_size=5),
    link=st.sampled_from([LINK, UNLIMITED, None]),
)
def test_rows_are_charged_as_parts_are(
    columns: list[tuple[float, ...]], link: LinkConditions | None
) -> None:
    """A prediction's row costs what its parts cost, whatever the link."""
    prediction = Prediction(*np.array(columns).T)
    conditions = Conditions(link)
    rows_j = energy_j(prediction, POWER, conditions)
    alone_j = [energy_j(prediction.parts(row), POWER, conditions) for row in range(len(columns))]
    assert rows_j.tolist() == alone_j
    assert min(alone_j) >= 0


def test_a_server_out_of_reach_costs_for_ever() -> None:
    """Rows that cannot answer cost infinitely much, the device's own row does not."""
    table = random_table(np.random.default_rng(0), SHAPES["chain"])
    rows = head_rows(table, (0, 1, table.everything), NO_LIMITS)
    conditions = Conditions(None, LoadConditions())
    free = PowerProfile("free", 1.0, 0.0, 0.0, 0.0, "nowhere")
    for power in (POWER, free):
        joules = energy_j(predict(rows, conditions), power, conditions)
        expected = power.compute_w * float(table.device_s.sum())
        assert joules.tolist() == [inf, inf, expected]


@pytest.mark.parametrize(
    "field",
    [
        "compute_w",
        "idle_w",
        "send_w",
        "receive_w",
        "send_w_per_bytes_per_s",
        "receive_w_per_bytes_per_s",
    ],
)
@pytest.mark.parametrize("figure", [-1.0, nan, inf])
def test_figures_are_watts(field: str, figure: float) -> None:
    """A figure that is negative, infinite or NaN is refused by name."""
    with pytest.raises(CostError, match=rf"'board': {field} is"):
        replace(POWER, **{field: figure})


def test_published_radio_figures_are_those_of_the_paper() -> None:
    """Sending at 1 Mbit/s over LTE adds 438.39 mW to the base of 1288.04 mW and the board."""
    power = power_profile("raspberry-pi-4b-lte")
    one_mbit_per_s = 1e6 / 8
    sending_w = power.send_w + power.send_w_per_bytes_per_s * one_mbit_per_s
    receiving_w = power.receive_w + power.receive_w_per_bytes_per_s * one_mbit_per_s
    assert sending_w == pytest.approx(2.7 + 1.28804 + 0.43839)
    assert receiving_w == pytest.approx(2.7 + 1.28804 + 0.05197)
    assert all("MobiSys 2012" in each.source for each in POWER_PROFILES.values())


def test_every_named_profile_is_given_by_its_name() -> None:
    """Names are those of the profiles, and computing draws more than idling."""
    for name, power in POWER_PROFILES.items():
        assert power_profile(name) is power
        assert power.name == name
        assert power.compute_w > power.idle_w


def test_a_file_holds_the_same_fields(tmp_path: Path) -> None:
    """A JSON file of the fields is read as it was written; rates may be left out."""
    path = tmp_path / "board.json"
    path.write_text(json.dumps(asdict(POWER)))
    assert power_profile(path) == POWER
    fields = {k: v for k, v in asdict(POWER).items() if not k.endswith("per_s")}
    path.write_text(json.dumps(fields))
    assert power_profile(str(path)).send_w_per_bytes_per_s == 0.0


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "board.json"),
        ('{"name": "board"', "truncated"),
        ('{"name": "board"}', "compute_w"),
        (json.dumps(asdict(POWER) | {"idle_w": "2 W"}), r"idle_w"),
        (json.dumps(asdict(POWER) | {"idle_w": -2}), "idle_w is -2"),
        (json.dumps(asdict(POWER) | {"sendw": 2}), "sendw"),
        (json.dumps(asdict(POWER)).replace("2.0", "NaN"), "damaged"),
    ],
)
def test_a_damaged_file_is_refused(text: str, match: str, tmp_path: Path) -> None:
    """Whatever is wrong in a file is told with the file's name and the field."""
    path = tmp_path / "board.json"
    path.write_text(text)
    with pytest.raises(CostError, match=r"board\.json") as caught:
        power_profile(path)
    assert caught.match(match)


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    """What is neither a name nor a file is refused with the names there are."""
    for wrong in ("toaster", tmp_path / "absent.json", tmp_path, "nul\0"):
        with pytest.raises(PlannerError, match="raspberry-pi-4b-wifi, raspberry-pi-4b-lte"):
            power_profile(wrong)
