"""Johnson's rule: the order of a two-machine flow shop."""


def johnson_key(compute_s: float, send_s: float) -> tuple[int, float]:
    """
    Give the sort key of a job: first those that send longer than they compute.

    Those by increasing compute time, the others by decreasing send time: optimal for
    independent jobs [1]_.

    References
    ----------
    .. [1] Johnson, S. M. (1954). Optimal two- and three-stage production schedules with
           setup times included. *Naval Research Logistics Quarterly*, 1(1), 61 - 68.
    """
    return (0, compute_s) if compute_s < send_s else (1, -send_s)
