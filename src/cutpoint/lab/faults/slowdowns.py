"""A server that becomes five times slower and says that all is well."""

import itertools
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean, median

from cutpoint.lab.faults.history import Ended
from cutpoint.lab.faults.invariants import violations
from cutpoint.lab.faults.models import feeds, write_two_loops
from cutpoint.lab.faults.setting import setting
from cutpoint.lab.faults.throttle import throttled
from cutpoint.lab.fork_server import ForkServer
from cutpoint.units import from_mbit_per_s

LEFT_WITHIN = 10
"""Requests after which another choice must have been made."""

MOST_SWITCHES = 2
SHARE = 0.2
_NUM_BEFORE = 20
_ROUNDS = 160
_SLOWDOWN = 4.0
_NUM_AFTER, _BACK_TIMEOUT_S = 3, 30.0

BACK_WITHIN_S = 10.0
"""From the end of the slow-down until the server is used again."""


@dataclass(frozen=True)
class Slowdown:
    """
    One slowed server.

    Parameters
    ----------
    means
        By what it was slowed.
    before_s, slowed_s, local_s
        Median offloaded latency before, that of the answers that a server gave while slowed,
        and the device's own; ``None`` where there was none.
    left_after
        Requests offloaded after the slow-down began, until the first that was not.
    num_slowed, num_switches
        Requests while it was slow, and how often the choice changed among them.
    regret
        Mean latency while slow over that of the best fixed choice, less 1.
    problems
        What broke an invariant.
    is_foreign
        Whether the server was not cutpoint's: one that tells neither times nor load.
    back_after_s
        From the end of the slow-down to the begin of the first request that a server answered,
        the two after it included; ``None`` where that was not waited for.
    """

    means: str
    before_s: float
    slowed_s: float | None
    local_s: float | None
    left_after: int
    num_slowed: int
    num_switches: int
    regret: float
    problems: list[str] = field(default_factory=list)
    is_foreign: bool = False
    back_after_s: float | None = None


def run_slowdown(
    folder: Path,
    fork_server: ForkServer,
    num_slowed: int = 40,
    *,
    is_foreign: bool = False,
    recovers: bool = False,
) -> Slowdown:
    """
    Slow the server of a busy client to a fifth.

    Parameters
    ----------
    folder
        The model is written there.
    num_slowed
        Requests while it is slow.
    is_foreign
        Whether the server is not cutpoint's.
    recovers
        Whether to wait until the server is used again once it is quick.
    """
    rate = from_mbit_per_s(400.0)
    model = write_two_loops(folder / "slowed.onnx", 1, _ROUNDS)
    with setting(
        fork_server,
        model,
        feeds(3),
        server=fork_server.foreign_server(str(model)) if is_foreign else None,
        delay_s=0.0025,
        up_bytes_per_s=rate,
        down_bytes_per_s=rate,
        slowdown=_SLOWDOWN,
    ) as at:
        at.settle()
        before = [at.client.run() for _ in range(_NUM_BEFORE)]
        with throttled(at.server.pid, SHARE) as means:
            slowed = [at.client.run() for _ in range(num_slowed)]
        recovered_s = at.history.now_s()
        back_after_s = None
        if recovers:
            at.settle(_NUM_AFTER, _BACK_TIMEOUT_S)
            *_, first, _, _ = at.history.ended
            back_after_s = first.began_s - recovered_s
        judged = _judged(means, before, slowed, violations(at.history))
        return replace(judged, is_foreign=is_foreign, back_after_s=back_after_s)


def num_switches(requests: list[Ended]) -> int:
    """Count how often another cut was chosen than for the request before."""
    return sum(a.cut != b.cut for a, b in itertools.pairwise(requests))


def _judged(means: str, before: list[Ended], slowed: list[Ended], problems: list[str]) -> Slowdown:
    usual = [each.latency_s for each in before if each.is_offloaded]
    late = [each.latency_s for each in slowed if each.is_offloaded]
    alone = [each.latency_s for each in slowed if each.planned == "device"]
    best_s = min(mean(part) for part in (late, alone) if part)
    return Slowdown(
        means=means,
        before_s=median(usual),
        slowed_s=median(late) if late else None,
        local_s=median(alone) if alone else None,
        left_after=next(
            (idx for idx, each in enumerate(slowed) if each.planned == "device"), len(slowed)
        ),
        num_slowed=len(slowed),
        num_switches=num_switches(slowed),
        regret=mean(each.latency_s for each in slowed) / best_s - 1,
        problems=problems,
    )
