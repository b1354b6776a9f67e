"""A server frozen or cut off for a while under traffic: who is affected, and when it is over."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import numpy as np

from cutpoint.lab.faults.client import Traffic
from cutpoint.lab.faults.history import Ended, Fault
from cutpoint.lab.faults.invariants import violations
from cutpoint.lab.faults.models import feeds, write_two_loops
from cutpoint.lab.faults.setting import Setting, setting
from cutpoint.lab.fork_server import ForkServer
from cutpoint.lab.link_commands import Side
from cutpoint.units import from_mbit_per_s

AFFECTED_S = 1.0
"""First affected request begins -> last affected request begins."""

FREEZE_BACK_S = 2.0
PARTITION_BACK_S = 3.0
"""End of the fault -> first offloaded request begins."""

_NUM_BEFORE = 30
_BACK_TIMEOUT_S = 30.0
_ROUNDS = 60
_SLOWDOWN = 12.0
"""The device needs some 0.15 s: a fifth of that where it offloads."""

_UNAFFECTED = 2.0
"""An offloaded answer within this many times the 99th percentile before the fault is as usual."""


@dataclass(frozen=True)
class Outage:
    """
    One outage and what it did to the traffic.

    Parameters
    ----------
    kind
        What was done.
    duration_s
        How long.
    usual_p99_s, local_s
        99th percentile of the offloaded latency before, and what the device needs alone.
    num_affected, affected_s
        Requests that lost time to the fault, and first begin -> last begin of them.
    worst_s
        Largest latency of an affected request.
    back_s
        End of the fault -> first offloaded request begins.
    num_requests, problems
        Of the whole run, and what broke an invariant.
    """

    kind: str
    duration_s: float
    usual_p99_s: float
    local_s: float
    num_affected: int
    affected_s: float
    worst_s: float
    back_s: float
    num_requests: int
    problems: list[str] = field(default_factory=list)

    @property
    def beyond_s(self) -> float:
        """What the worst affected request took beyond the usual and the device's own time."""
        return self.worst_s - self.usual_p99_s - self.local_s


@contextmanager
def outage_setting(folder: Path, fork_server: ForkServer) -> Iterator[Setting]:
    """Give a device so slow that it offloads, to a server 5 ms away."""
    rate = from_mbit_per_s(400.0)
    with setting(
        fork_server,
        write_two_loops(folder / "outage.onnx", 1, _ROUNDS),
        feeds(3),
        delay_s=0.0025,
        up_bytes_per_s=rate,
        down_bytes_per_s=rate,
        slowdown=_SLOWDOWN,
    ) as at:
        yield at


@contextmanager
def cable_setting(folder: Path, fork_server: ForkServer, host: str) -> Iterator[Setting]:
    """Give the same device, with a server at another address and nothing emulated between."""
    with setting(
        fork_server,
        write_two_loops(folder / "cable.onnx", 1, _ROUNDS),
        feeds(3),
        arguments=("--host", host, "--insecure"),
        is_direct=True,
        slowdown=_SLOWDOWN,
    ) as at:
        yield at


def run_freeze(at: Setting, duration_s: float, num_before: int = _NUM_BEFORE) -> Outage:
    """Stop the server's process for a time."""
    thaw = at.server.thaw
    return run_outage(at, "freeze", duration_s, at.server.freeze, thaw, num_before)


def run_partition(
    at: Setting, duration_s: float, side: Side, num_before: int = _NUM_BEFORE
) -> Outage:
    """Let the link carry nothing in one or both directions for a time."""

    def begin() -> None:
        at.link.partition(side)

    return run_outage(at, f"partition {side}", duration_s, begin, at.link.heal, num_before)


def run_outage(
    at: Setting,
    kind: str,
    duration_s: float,
    begin: Callable[[], None],
    end: Callable[[], None],
    num_before: int = _NUM_BEFORE,
) -> Outage:
    """
    Do something to the world for a time, under traffic, and undo it.

    Parameters
    ----------
    kind
        Its name in history and report.
    begin, end
        Do and undo it.
    num_before
        Requests before it, which say what is usual.
    """
    history = at.history
    at.settle()
    before = [at.client.run() for _ in range(num_before)]
    passing = Event()
    with Traffic(at.client):
        history.add(Fault(kind, "server", began_s := history.now_s()))
        begin()
        passing.wait(duration_s)
        end()
        history.add(Fault("heal", "server", healed_s := history.now_s()))
        _wait_for_offloading(at, healed_s)
    return _judged(at, kind, duration_s, before, (began_s, healed_s))


def _wait_for_offloading(at: Setting, healed_s: float) -> None:
    """Let the traffic go on until a request that began after the fault was offloaded."""
    waiting = Event()
    while at.history.now_s() < healed_s + _BACK_TIMEOUT_S:
        if any(each.is_offloaded for each in at.history.begun_within(healed_s)):
            return
        waiting.wait(0.01)


def _judged(
    at: Setting,
    kind: str,
    duration_s: float,
    before: list[Ended],
    times_s: tuple[float, float],
) -> Outage:
    began_s, healed_s = times_s
    offloaded_s = [each.latency_s for each in before if each.is_offloaded]
    usual_s = float(np.percentile(offloaded_s, 99)) if offloaded_s else 0.0
    since = [each for each in at.history.ended if each.ended_s >= began_s]
    affected = [each for each in since if _is_affected(each, usual_s)]
    back = [each for each in since if each.began_s >= healed_s and each.is_offloaded]
    local_s = [each.latency_s for each in since if each.planned == "device"]
    tails_s = [each.tail_s for each in affected if each.placement == "device"]
    begins_s = [each.began_s for each in affected]
    return Outage(
        kind=kind,
        duration_s=duration_s,
        usual_p99_s=usual_s,
        local_s=float(np.median(local_s or tails_s or [0.0])),
        num_affected=len(affected),
        affected_s=max(begins_s) - min(begins_s) if affected else 0.0,
        worst_s=max((each.latency_s for each in affected), default=0.0),
        back_s=back[0].began_s - healed_s if back else float("inf"),
        num_requests=len(before) + len(since),
        problems=violations(at.history),
    )


def _is_affected(ended: Ended, usual_s: float) -> bool:
    """Tell whether a request lost time: it failed, was given up, or waited the fault out."""
    if ended.error is not None or ended.lost_s > 0:
        return True
    return ended.is_offloaded and ended.latency_s > _UNAFFECTED * usual_s
