"""Servers that freeze, and links that carry nothing."""

import logging

import pytest

from cutpoint.lab.faults.network_namespace import can_make_namespaces, network_namespace
from cutpoint.lab.faults.outages import (
    AFFECTED_S,
    FREEZE_BACK_S,
    PARTITION_BACK_S,
    Outage,
    cable_setting,
    outage_setting,
    run_freeze,
    run_outage,
    run_partition,
)
from cutpoint.lab.fork_server import ForkServer

pytestmark = pytest.mark.alone

_log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def at(tmp_path_factory, fork_server):
    """Give a client with a server behind a link; the faults come one after the other."""
    with outage_setting(tmp_path_factory.mktemp("outages"), fork_server) as at:
        yield at


def assert_survived(outage: Outage) -> None:
    """Every answer is right, and offloading has come back."""
    assert outage.problems == []
    assert outage.back_s < float("inf")


def test_a_frozen_server_costs_few_requests(at):
    """The first requests are given up in time, the rest stay on the device until it is back."""
    outage = run_freeze(at, 0.6, num_before=5)
    assert_survived(outage)
    assert outage.num_affected <= 5


@pytest.mark.parametrize("side", ["both", "up", "down"])
def test_a_partition_costs_few_requests(at, side):
    """Whichever direction carries nothing: the device goes on alone until it heals."""
    outage = run_partition(at, 0.4, side, num_before=5)
    assert_survived(outage)
    assert outage.num_affected <= 5


@pytest.mark.soak
@pytest.mark.skipif(not can_make_namespaces(), reason="network namespaces need root and `ip`")
def test_a_pulled_cable_is_over_soon(tmp_path):
    """The same with the kernel's own network: another namespace, and a cable pulled there."""
    with (
        network_namespace() as other,
        ForkServer(other.prefix) as fork_server,
        cable_setting(tmp_path, fork_server, other.host) as at,
    ):
        for duration_s in (3.0, 10.0):
            outage = run_outage(at, "pulled cable", duration_s, other.pull, other.plug)
            _log.info("%s", outage)
            assert_survived(outage)
            assert outage.affected_s <= AFFECTED_S
            assert outage.back_s <= PARTITION_BACK_S


@pytest.mark.soak
@pytest.mark.parametrize("duration_s", [0.2, 1.0, 10.0])
def test_a_freeze_is_over_soon(at, duration_s):
    """At most 1 s of traffic is affected, and it is back 2 s after the server goes on."""
    for _ in range(3):
        outage = run_freeze(at, duration_s)
        _log.info("%s", outage)
        assert_survived(outage)
        assert outage.affected_s <= AFFECTED_S
        assert outage.back_s <= FREEZE_BACK_S


@pytest.mark.soak
@pytest.mark.parametrize("side", ["both", "up", "down"])
@pytest.mark.parametrize("duration_s", [3.0, 10.0])
def test_a_partition_is_over_soon(at, side, duration_s):
    """At most 1 s of traffic is affected, and it is back 3 s after the link is."""
    outage = run_partition(at, duration_s, side)
    _log.info("%s", outage)
    assert_survived(outage)
    assert outage.affected_s <= AFFECTED_S
    assert outage.back_s <= PARTITION_BACK_S
