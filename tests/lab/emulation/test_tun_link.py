"""Links between namespaces."""

import statistics

import pytest

from cutpoint.exceptions import ConfigurationError
from cutpoint.lab.emulation.link_check import (
    LinkKind,
    LinkSetting,
    cold_transfer_s,
    constant_transfers,
    traced_transfers,
)
from cutpoint.lab.emulation.namespaces import FarHost, ip, run_tool, why_no_namespaces
from cutpoint.lab.emulation.tun_link import TunLink
from cutpoint.lab.traces import Trace, default_traces
from cutpoint.simulation.rate_schedule import RateSchedule

pytestmark = pytest.mark.alone

MISSING = why_no_namespaces()
needs_namespaces = pytest.mark.skipif(bool(MISSING), reason=MISSING or "nothing is missing")
SIZE_BYTES = 100_000


@needs_namespaces
@pytest.mark.soak
@pytest.mark.parametrize(("link", "delay_s"), [("TUN", 0.01), ("TUN", 0.0), ("tbf", 0.0)])
def test_the_links_agree(link: LinkKind, delay_s: float) -> None:
    """Medians of transfers over the user-space link and the kernel's are within 5 %."""
    setting = LinkSetting(2e6, delay_s)
    found, reference = (
        constant_transfers(each, setting, (SIZE_BYTES, 5 * SIZE_BYTES), 9)
        for each in ("user space", link)
    )
    for ours, theirs in zip(found, reference, strict=True):
        ratio = statistics.median(ours.took_s) / statistics.median(theirs.took_s)
        assert ratio == pytest.approx(1.0, abs=0.05)


@needs_namespaces
def test_a_link_of_packets_plays_a_trace_from_a_position() -> None:
    """An outage at the place it is put to is sat out."""
    trace = Trace("gap", RateSchedule(((1.0, 4e6), (0.2, 0.0)), repeat=True))
    setting = LinkSetting(2e6, 0.0, trace, position_s=1.0)
    (found,) = traced_transfers("TUN", [setting], SIZE_BYTES, 2)
    assert setting.due_s(SIZE_BYTES) == pytest.approx(0.225)
    assert min(found.took_s) >= 0.22


@needs_namespaces
def test_a_link_of_packets_obeys_and_its_host_is_gone_afterwards() -> None:
    """Everything but a reset, which is for connections."""
    link = TunLink(jitter_s=1e-3, loss=0.001)
    with link:
        name = link.host.name
        assert link.address == link.host.far_address
        link.set_rate(1e6, None)
        link.set_delay(1e-3, 1e-3)
        link.partition("up")
        link.stall(0.01)
        link.heal()
        link.disturb(0.0, 0.0)
        link.play(default_traces()[0].up, None, 5.0)
    with pytest.raises(ConfigurationError, match="failed"):
        ip("netns", "delete", name)
    with pytest.raises(RuntimeError, match="not started"):
        _ = link.host


@needs_namespaces
@pytest.mark.soak
def test_a_new_connection_begins_slowly() -> None:
    """TCP's window opens round trip by round trip: that the user-space link leaves out."""
    setting = LinkSetting(10e6, 0.02)
    assert cold_transfer_s(setting, SIZE_BYTES, 1) > 1.5 * setting.due_s(SIZE_BYTES)


def test_what_is_out_of_range_or_missing_is_an_error() -> None:
    """Before anything is started; a tool that is not there is named."""
    with pytest.raises(ValueError, match="delay_s must be at least 0"):
        TunLink(delay_s=-1.0)
    with pytest.raises(ValueError, match="queue_bytes must be at least 0"):
        TunLink(queue_bytes=-1.0)
    with pytest.raises(ConfigurationError, match="install iproute2"):
        run_tool("no-such-tool-of-cutpoint")
    with pytest.raises(ValueError, match="plays no trace"):
        traced_transfers("user space", [LinkSetting(1e6, 0.0)], SIZE_BYTES, 1)
    assert FarHost("far", "a", "b", "10.0.0.1", "10.0.0.2").prefix[-1] == "far"
