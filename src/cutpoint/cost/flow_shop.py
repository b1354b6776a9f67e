"""The two-machine flow shop: the device computes while the link still sends."""

from collections.abc import Iterable


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
