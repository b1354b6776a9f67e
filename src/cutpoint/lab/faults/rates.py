"""A link that collapses in mid-upload, and one that flaps."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from threading import Event, Thread

import numpy as np

from cutpoint.lab.faults.aim import aimed_at
from cutpoint.lab.faults.client import ObservedClient
from cutpoint.lab.faults.history import Ended
from cutpoint.lab.faults.invariants import violations
from cutpoint.lab.faults.models import feeds, write_two_loops
from cutpoint.lab.faults.setting import Setting, setting
from cutpoint.lab.faults.slowdowns import num_switches
from cutpoint.lab.fork_server import ForkServer
from cutpoint.lab.link_process import LinkProcess
from cutpoint.units import from_mbit_per_s

FAST, SLOW = from_mbit_per_s(20.0), from_mbit_per_s(1.0)
ADDED_S = 0.1
"""Change of rate -> answer, beyond what the device needs for the tail."""

RIGHT_SHARE = 0.95
LEARNT_AFTER = 3
"""Requests after a change of rate from which on the choice is judged."""

FLAP_S = 2.0
MOST_BEYOND_BEST = 1.1
"""Mean latency on a flapping link over that of the best fixed choice."""

_ROWS = 1024
_ROUNDS = 10
_SLOWDOWN = 40.0
"""The device needs some 0.8 s: with the server it is 0.5 s at the fast rate, 8.5 s at the slow."""

_BACK_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Collapse:
    """
    One fall of the rate in mid-upload, and its return.

    Parameters
    ----------
    added_s
        Change of rate -> answer.
    tail_s
        What the device needed for the tail; 0 where the server answered all the same.
    is_hit
        Whether the rate fell while the values were being sent.
    num_right, num_judged
        Choices at the slow rate after the first few, and those that were the quicker one.
    back_s
        Return of the rate -> first offloaded request begins.
    """

    added_s: float
    tail_s: float
    is_hit: bool
    num_right: int
    num_judged: int
    back_s: float


@dataclass(frozen=True)
class CollapseCampaign:
    """All falls, and what broke an invariant."""

    collapses: list[Collapse]
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Flapping:
    """
    The same flapping link under several choices.

    Parameters
    ----------
    mean_s
        Latency by policy.
    num_switches, num_requests, duration_s
        Of the policy that chooses.
    problems
        What broke an invariant.
    """

    mean_s: dict[str, float]
    num_switches: int
    num_requests: int
    duration_s: float
    problems: list[str] = field(default_factory=list)

    @property
    def beyond_best(self) -> float:
        """Mean latency of the choosing policy over that of the best fixed choice."""
        return self.mean_s["cutpoint"] / min(self.mean_s["device"], self.mean_s["server"])


def run_collapses(
    folder: Path,
    fork_server: ForkServer,
    num_falls: int,
    *,
    num_slow: int = 12,
    rows: int = _ROWS,
) -> CollapseCampaign:
    """
    Let the rate fall from 20 to 1 Mbit/s in mid-upload, and return, so often.

    Parameters
    ----------
    folder
        The model is written there.
    num_falls
        How often.
    num_slow
        Requests at the slow rate.
    rows
        Of the input, 1 KiB each; everything takes as long as there are rows.
    """
    rng = np.random.default_rng(5)
    with _at_fast_rate(folder, fork_server, "cutpoint", rows) as at:
        falls = [_fall(at, float(rng.uniform(0.3, 0.6)), num_slow) for _ in range(num_falls)]
        return CollapseCampaign(falls, violations(at.history))


def run_flapping(folder: Path, fork_server: ForkServer, duration_s: float) -> Flapping:
    """
    Change the rate between 20 and 1 Mbit/s every 2 s, under each policy for as long.

    Parameters
    ----------
    folder
        The model is written there.
    duration_s
        Of each policy's turn.
    """
    runs: dict[str, list[Ended]] = {}
    problems: list[str] = []
    for policy in ("device", "server", "cutpoint"):
        with _at_fast_rate(folder, fork_server, policy) as at:
            if policy != "device":
                at.settle()
            with _flapping(at.link):
                runs[policy] = _run_for(at.client, duration_s)
            problems += violations(at.history)
    return Flapping(
        mean_s={name: mean(each.latency_s for each in run) for name, run in runs.items()},
        num_switches=num_switches(runs["cutpoint"]),
        num_requests=len(runs["cutpoint"]),
        duration_s=duration_s,
        problems=problems,
    )


def _fall(at: Setting, share: float, num_slow: int) -> Collapse:
    """Let the rate fall when this share of the upload is done, and return after some requests."""
    history = at.history
    at.settle()
    record = at.session.last_record
    assert record is not None
    delay_s = share * record.measured.upload_s
    fell_s: list[float] = []

    def fall() -> None:
        at.link.set_rate(SLOW, SLOW)
        fell_s.append(history.now_s())

    with aimed_at("upload", delay_s, fall):
        hit = at.client.run()
    if not fell_s:
        fall()
    slow = [at.client.run() for _ in range(num_slow)]
    at.link.set_rate(FAST, FAST)
    returned_s = history.now_s()
    back = at.client.run_until(lambda each: each.is_offloaded, _BACK_TIMEOUT_S, 0.05)
    judged = slow[LEARNT_AFTER:]
    return Collapse(
        added_s=hit.ended_s - fell_s[0],
        tail_s=hit.tail_s if hit.placement == "device" else 0.0,
        is_hit=hit.planned != "device" and fell_s[0] < hit.ended_s,
        num_right=sum(each.planned == "device" for each in judged),
        num_judged=len(judged),
        back_s=back.began_s - returned_s,
    )


@contextmanager
def _at_fast_rate(
    folder: Path, fork_server: ForkServer, policy: str, rows: int = _ROWS
) -> Iterator[Setting]:
    with setting(
        fork_server,
        write_two_loops(folder / "rates.onnx", 1, _ROUNDS, rows=rows, kept_rows=rows, copies=0),
        feeds(3, rows),
        delay_s=0.005,
        up_bytes_per_s=FAST,
        down_bytes_per_s=FAST,
        slowdown=_SLOWDOWN,
        policy=policy,
    ) as at:
        yield at


@contextmanager
def _flapping(link: LinkProcess) -> Iterator[None]:
    """Change the rate while the block lasts; it is fast again afterwards."""
    stopped = Event()

    def flap() -> None:
        is_slow = False
        while not stopped.wait(FLAP_S):
            is_slow = not is_slow
            rate = SLOW if is_slow else FAST
            link.set_rate(rate, rate)

    thread = Thread(target=flap, daemon=True)
    thread.start()
    yield
    stopped.set()
    thread.join()
    link.set_rate(FAST, FAST)


def _run_for(client: ObservedClient, duration_s: float) -> list[Ended]:
    until_s = client.history.now_s() + duration_s
    done: list[Ended] = []
    while client.history.now_s() < until_s:
        done.append(client.run())
    return done


def added_median_s(campaign: CollapseCampaign) -> float:
    """Give the median of what the falls added beyond the tail."""
    return median(each.added_s - each.tail_s for each in campaign.collapses)
