"""Servers that die while a session connects to them."""

from threading import Event, Thread

import pytest

from cutpoint.lab.faults.invariants import violations
from cutpoint.lab.faults.outages import outage_setting

pytestmark = pytest.mark.alone

_DELAYS_S = (0.0, 0.1)


@pytest.mark.parametrize(
    "delays_s",
    [_DELAYS_S, pytest.param(tuple(i / 50 for i in range(30)), marks=pytest.mark.soak)],
    ids=["few", "many"],
)
def test_a_kill_while_the_session_connects_loses_nothing(tmp_path, fork_server, delays_s):
    """Handshake, first probes, first requests: whatever is cut short, the device answers."""
    with outage_setting(tmp_path, fork_server) as at:

        def kill_again(delay_s: float) -> None:
            at.restart()
            Event().wait(delay_s)
            at.server.kill()
            at.restart()

        for delay_s in delays_s:
            at.settle(1)
            at.server.kill()
            killer = Thread(target=kill_again, args=(delay_s,))
            killer.start()
            while killer.is_alive():
                at.client.run()
        at.settle()
        assert violations(at.history) == []
