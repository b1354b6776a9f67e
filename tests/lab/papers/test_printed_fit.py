"""What the printed figures say about the test bed they are from."""

import pytest

from cutpoint.lab.papers.implied import implied_speedups
from cutpoint.lab.papers.paper_net import PaperNet
from cutpoint.lab.papers.printed_dads import SAVED_ON_CLOUD, SPEEDUPS
from cutpoint.lab.papers.printed_fit import PrintedFit, printed_fit


def test_cloud_only_lies_on_a_line_over_the_seconds_of_a_bit() -> None:
    """The four uplinks within two per cent: one cloud, one input."""
    fit = printed_fit()
    assert fit.worst < 0.02
    for uplink, saved in SAVED_ON_CLOUD.items():
        printed = 1 / (SPEEDUPS["resnet18", uplink] * (1 - saved))
        line = fit.cloud_share + fit.input_mbit_per_edge_s / uplink
        assert line == pytest.approx(printed, rel=fit.worst * 1.02)


def test_hosts_follow_from_the_size_of_the_input() -> None:
    """Twice the bytes mean twice the seconds on both."""
    fit = PrintedFit(cloud_share=0.1, input_mbit_per_edge_s=0.2, worst=0.0)
    assert fit.edge_s(100_000) == pytest.approx(4.0)
    assert fit.cloud_s(200_000) == pytest.approx(0.8)


def test_a_planner_gains_less_than_the_hosts_differ(net: PaperNet) -> None:
    """On the test bed as implied, offloading is bounded by the cloud's own time."""
    fit = printed_fit()
    found = implied_speedups(net, fit, (0.13, 1.1, 18.88))
    assert 1 <= found[0.13] <= found[1.1] <= found[18.88] < 1 / fit.cloud_share
