"""What is planned of a net: where a split pays."""

import numpy as np
import pytest

from cutpoint.lab.advising.planned import GRID, PlannedNet, planned_net, verdict_of
from cutpoint.lab.advising.text import verdict_text
from cutpoint.lab.shares.contenders import CODEC_SETS, UINT8, Contenders
from cutpoint.lab.shares.measured_net import SAME, MeasuredNet
from cutpoint.lab.shares.tally import Latencies


@pytest.fixture(scope="module")
def planned(net: MeasuredNet) -> PlannedNet:
    """Plan the net of pools."""
    return planned_net(Contenders(net))


def latencies(end_s: float, split_s: dict[tuple[int, int, int, int], float]) -> Latencies:
    """Give ends that are the same everywhere, and splits that are worse but at some points."""
    ends = np.full(GRID.shape, end_s)
    splits = np.full(GRID.shape, 2 * end_s)
    for place, each in split_s.items():
        splits[place] = each
    return Latencies(ends, ends, splits)


def test_a_verdict_says_where_a_split_pays_and_how_much() -> None:
    """A saving of less than 5 % is none; the most is told with its conditions."""
    points = {(1, 3, 0, 0): 0.6, (4, 4, 1, 0): 0.9, (6, 0, 0, 0): 0.97}
    found = verdict_of("toy", UINT8, latencies(1.0, points))
    assert found.pays
    assert found.share == pytest.approx(2 / np.prod(GRID.shape))
    assert found.mean == pytest.approx((0.4 + 0.1) / 2)
    assert found.links == (2, 20)
    assert (found.best.mbit_per_s, found.best.device, found.best.load) == (2, 10, 1)
    assert found.best.saved == pytest.approx(0.4)


def test_a_net_that_never_gains_is_said_not_to() -> None:
    """No links, no mean; words that say what to do instead."""
    found = verdict_of("toy", UINT8, latencies(1.0, {(6, 0, 0, 0): 0.97}))
    assert (found.pays, found.share, found.mean, found.links) == (False, 0.0, 0.0, None)
    net = PlannedNet("toy", 1.0, dict.fromkeys((UINT8, "jpeg"), found), {}, (0, 0, 0, 0), ())
    assert verdict_text(net) == "choose between device and server"


def test_the_point_to_confirm_has_its_split(planned: PlannedNet, net: MeasuredNet) -> None:
    """What crosses it is the split whose latency was planned there."""
    place = planned.place
    assert GRID.device_slowdowns[place[1]] == 10
    contenders, found = Contenders(net), planned.latencies[UINT8]
    conditions = GRID.conditions[int(np.ravel_multi_index(place, GRID.shape))]
    codecs = CODEC_SETS["uint8+zstd"]
    assert planned.crossing == contenders.best_split(SAME, codecs, conditions)
    assert planned.crossing
    savings = 1 - found.split_s[2:, place[1], 0, 0] / found.end_s[2:, place[1], 0, 0]
    assert savings.argmax() == place[0] - 2
