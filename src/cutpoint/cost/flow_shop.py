"""The two-machine flow shop: the device computes while the link still sends."""

from collections.abc import Iterable


def makespan_of_runs(runs: Iterable[tuple[float, float, int]]) -> float:
    """
    Give when the last transfer of runs of equal jobs ends, however many jobs there are.

    Parameters
    ----------
    runs
        Seconds on the device and on the link of one job, and how many of it follow
        each other.

    Notes
    -----
    In a run the link waits for the first job, or for the last: the jobs between are
    ready before it, or it is idle before each.
    """
    computed_s, sent_s = 0.0, 0.0
    for compute_s, send_s, num in runs:
        if send_s > 0 and num:
            sent_s = max(
                sent_s + num * send_s,
                computed_s + compute_s + num * send_s,
                computed_s + num * compute_s + send_s,
            )
        computed_s += num * compute_s
    return max(computed_s, sent_s)


def makespan(jobs: Iterable[tuple[float, float]], link_free_at_s: float = 0.0) -> float:
    """
    Give when the last transfer ends.

    Parameters
    ----------
    jobs
        Seconds on the device and on the link of each job, in the order in which they run;
        the link takes them first come, first served.
    link_free_at_s
        When the link is done with what it had before.
    """
    computed_s, sent_s = 0.0, link_free_at_s
    for compute_s, send_s in jobs:
        computed_s += compute_s
        if send_s > 0:
            sent_s = max(sent_s, computed_s) + send_s
    return max(computed_s, sent_s)
