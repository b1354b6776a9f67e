"""LoADPart as a policy."""

from cutpoint.planning.schemes.loadpart import LoadPart as LoadPartPlanner
from cutpoint.policies.linear_order import OfOneOrder


class LoadPart(OfOneOrder):
    """
    LoADPart: the best prefix of the topological order, by bandwidth and load factor [1]_.

    The scan over prefixes compares with full-local execution, and counts the return of the
    outputs; k slows the server by one factor. Queueing and the cost of a message do not
    count. Partitions are kept: both hosts hold the segments of every row.

    Notes
    -----
    A reconstruction: the abstract was at hand, the algorithm is recalled. To come: windowed
    means of probes for bandwidth and k, k measured on the server against its regression, and
    latencies from that regression in place of the profile.

    References
    ----------
    .. [1] Liu, H., Zheng, W., Li, L., Guo, M. (2022). LoADPart: Load-Aware Dynamic
           Partition of Deep Neural Networks for Edge Offloading. *IEEE ICDCS*, 481 - 491.
    """

    name = "loadpart"
    setting = LoadPartPlanner.setting
