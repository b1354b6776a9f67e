"""The links of published tables."""

import pytest

from cutpoint.exceptions import ExperimentError
from cutpoint.lab.papers.links import link_conditions, payload_rate, world_of
from cutpoint.records import Conditions
from cutpoint.simulation.world import true_conditions


def test_a_world_is_what_its_conditions_say() -> None:
    """At any time, and for ever."""
    conditions = link_conditions(5.85)
    for at_s in (0.0, 1234.5):
        true = true_conditions(world_of(conditions), at_s)
        assert true.link is not None
        assert conditions.link is not None
        assert true.link.bandwidth_up_bytes_per_s == pytest.approx(5.85e6 / 8)
        assert true.link.round_trip_s == conditions.link.round_trip_s
    with pytest.raises(ExperimentError, match="has a link"):
        world_of(Conditions())


@pytest.mark.parametrize(("mbit_per_s", "share"), [(0.13, 0.86), (1.1, 0.86), (5.85, 0.96)])
def test_frames_take_their_share_of_a_slow_link(mbit_per_s: float, share: float) -> None:
    """More the smaller the pieces are; next to nothing of a quick one."""
    rate = mbit_per_s * 1e6 / 8
    assert payload_rate(rate) / rate == pytest.approx(share, abs=0.01)
    assert payload_rate(1e8) > 0.999e8
    framed = link_conditions(mbit_per_s, is_framed=True).link
    assert framed is not None
    assert framed.bandwidth_up_bytes_per_s == payload_rate(rate)
    assert framed.bandwidth_down_bytes_per_s == rate
