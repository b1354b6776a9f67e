"""The path-wise schedule: independent paths, each of which sends from its end."""

from collections.abc import Sequence

from cutpoint.exceptions import PlannerError
from cutpoint.planning.cuts.ancestry import is_single, successors
from cutpoint.planning.schedules.johnson import johnson_key


def paths_of(predecessors: Sequence[int]) -> list[list[int]] | None:
    """
    Give the independent paths a DAG consists of, each from its first vertex to its end.

    Returns
    -------
    list or None
        ``None`` if a vertex has two predecessors or two successors.
    """
    following = successors(predecessors)
    if not all(map(is_single, (*predecessors, *following))):
        return None
    paths = []
    for first, needed in enumerate(predecessors):
        if needed:
            continue
        path = [first]
        while following[path[-1]]:
            path.append(following[path[-1]].bit_length() - 1)
        paths.append(path)
    return paths


def path_order(
    compute_s: Sequence[float], send_s: Sequence[float], predecessors: Sequence[int]
) -> tuple[int, ...]:
    """
    Order independent paths, each as one job, by Johnson's rule [1]_.

    Parameters
    ----------
    compute_s, send_s
        Seconds of each vertex on the device, and of what it sends on the link.
    predecessors
        Per vertex, in topological order, those it needs directly, as a bit mask.

    Returns
    -------
    tuple of int
        Optimal if only the ends of the paths send: see `sends_from_ends`.

    Raises
    ------
    PlannerError
        If the DAG is not one of independent paths.

    Notes
    -----
    Reconstruction: of the paper only the abstract was available. It names an optimal
    path-wise scheduler for independent paths and not how it is built; this one was
    derived and is held against brute force.

    References
    ----------
    .. [1] Duan, Y., Wu, J. (2021). Computation Offloading Scheduling for Deep Neural
           Network Inference in Mobile Computing. *IEEE/ACM IWQoS*. Path-wise scheduler.
    """
    paths = paths_of(predecessors)
    if paths is None:
        raise PlannerError("a path-wise schedule needs independent paths: use the general one")

    def key(path: list[int]) -> tuple[int, float]:
        # Path-wise scheduler of [1] (reconstruction): path i is the job (A_i, B_i).
        return johnson_key(
            sum(compute_s[vertex] for vertex in path), sum(send_s[vertex] for vertex in path)
        )

    return tuple(vertex for path in sorted(paths, key=key) for vertex in path)


def sends_from_ends(send_s: Sequence[float], predecessors: Sequence[int]) -> bool:
    """Tell whether no vertex that another one needs sends anything."""
    return not any(
        sent_s > 0 and after for sent_s, after in zip(send_s, successors(predecessors), strict=True)
    )
