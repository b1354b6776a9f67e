"""What must hold whatever fails: each law looks at a history and gives what breaks it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from cutpoint.lab.faults.history import Ended, History

LATE_BY_S = 0.05
"""An answer may come this much after its deadline."""

LEAST_ANSWERED = 0.999
RETURN_WITHIN = 0.1
"""After a fault the offloaded share and the median latency are this near to those before."""


@dataclass(frozen=True)
class Footprint:
    """
    What a process takes.

    Parameters
    ----------
    rss_bytes
        Resident memory.
    num_files, num_threads
        Open descriptors, threads.
    """

    rss_bytes: int
    num_files: int
    num_threads: int


def wrong_answers(history: History) -> list[str]:
    """I1: no answer is wrong."""
    return [f"{_name(each)}: wrong answer" for each in history.ended if each.is_right is False]


def lost_or_doubled(history: History) -> list[str]:
    """I2: each request that began ends exactly once, with an answer or an error."""
    begun = Counter((each.client, each.number) for each in history.invoked)
    ended = Counter((each.client, each.number) for each in history.ended)
    found = [f"{key[0]} {key[1]}: began {num} times" for key, num in begun.items() if num != 1]
    found += [
        f"{key[0]} {key[1]}: ended {ended[key]} times, began {begun[key]}"
        for key in begun.keys() | ended.keys()
        if ended[key] != begun[key]
    ]
    found += [
        f"{_name(each)}: both an answer and an error, or neither"
        for each in history.ended
        if (each.is_right is None) == (each.error is None)
    ]
    return found


def late_answers(history: History, deadline_s: float) -> list[str]:
    """I3: every answer or error comes by its deadline, and a little."""
    return [
        f"{_name(each)}: ended after {each.latency_s:.3f} s, deadline {deadline_s:.3f} s"
        for each in history.ended
        if each.latency_s > deadline_s + LATE_BY_S
    ]


def unanswered(history: History) -> list[str]:
    """I4: with the device to fall back on, requests are answered."""
    ended = history.ended
    failed = [each for each in ended if each.error is not None]
    if len(failed) <= (1 - LEAST_ANSWERED) * len(ended):
        return []
    return [f"{_name(each)}: {each.error}" for each in failed]


def not_back(before: Sequence[Ended], after: Sequence[Ended]) -> list[str]:
    """I5: after the fault as much is offloaded, as quickly, as before it."""
    if not before or not after:
        return [f"{len(before)} requests before the fault and {len(after)} after it: none to tell"]
    found = []
    shares = [sum(each.is_offloaded for each in part) / len(part) for part in (before, after)]
    if shares[1] < (1 - RETURN_WITHIN) * shares[0]:
        found.append(f"offloaded {shares[0]:.0%} before the fault, {shares[1]:.0%} after it")
    middles_s = [median(each.latency_s for each in part) for part in (before, after)]
    if middles_s[1] > (1 + RETURN_WITHIN) * middles_s[0]:
        found.append(f"median {middles_s[0]:.4f} s before the fault, {middles_s[1]:.4f} s after it")
    return found


def has_grown(
    before: Footprint, after: Footprint, rss_slack_bytes: int = 20_000_000, slack: int = 4
) -> list[str]:
    """I6: memory, files and threads are as many after as before."""
    found = []
    if after.rss_bytes > before.rss_bytes + rss_slack_bytes:
        found.append(f"memory grew from {before.rss_bytes} to {after.rss_bytes} bytes")
    if after.num_files > before.num_files + slack:
        found.append(f"open files grew from {before.num_files} to {after.num_files}")
    if after.num_threads > before.num_threads + slack:
        found.append(f"threads grew from {before.num_threads} to {after.num_threads}")
    return found


def unexplained(history: History) -> list[str]:
    """I7: whoever looks at a record sees why its plan was not carried out."""
    found = []
    for each in history.ended:
        has_fallen_back = each.planned in ("server", "split") and each.placement == "device"
        if has_fallen_back and not each.fallback_reason:
            found.append(f"{_name(each)}: the device finished alone and nothing says why")
        if has_fallen_back and not each.failed_in:
            found.append(f"{_name(each)}: no phase is named in which the server failed")
    return found


def violations(history: History, deadline_s: float | None = None) -> list[str]:
    """Give everything in a history that breaks I1 to I4 or I7."""
    found = wrong_answers(history) + lost_or_doubled(history) + unanswered(history)
    found += unexplained(history)
    if deadline_s is not None:
        found += late_answers(history, deadline_s)
    return found


def _name(each: Ended) -> str:
    return f"{each.client} {each.number}"
