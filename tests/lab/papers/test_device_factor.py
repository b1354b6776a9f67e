"""A device's factor from one printed cell."""

import pytest

from cutpoint.exceptions import ExperimentError
from cutpoint.lab.papers.device_factor import device_factor, speedup_at
from cutpoint.lab.papers.links import link_conditions
from cutpoint.lab.papers.paper_net import PaperNet
from cutpoint.planning import planner_named
from cutpoint.records import Conditions


@pytest.mark.parametrize("speedup", [1.5, 2.41, 8.32])
@pytest.mark.parametrize("uplink", [1.1, 18.88])
def test_at_the_factor_the_planner_gains_what_was_printed(
    net: PaperNet, uplink: float, speedup: float
) -> None:
    """Found on one cell, and nothing else can be found there."""
    dads, conditions = planner_named("dads-light"), link_conditions(uplink)
    factor = device_factor(net, conditions, dads, speedup)
    assert speedup_at(net, factor, conditions, dads) == pytest.approx(speedup, rel=1e-6)
    assert speedup_at(net, 0.9 * factor, conditions, dads) < speedup


def test_a_cell_that_no_device_gives_is_refused(net: PaperNet) -> None:
    """A server that cannot be used never makes anything quicker."""
    with pytest.raises(ExperimentError, match="no device is slow enough for resnet18"):
        device_factor(net, Conditions(), planner_named("dads-light"), 2.0)
    with pytest.raises(ExperimentError, match="1 x"):
        device_factor(net, link_conditions(1.0), planner_named("dads-light"), 1.0)
