"""Neurosurgeon as a policy."""

from cutpoint.planning.schemes.neurosurgeon import Neurosurgeon as NeurosurgeonPlanner
from cutpoint.policies.linear_order import OfOneOrder


class Neurosurgeon(OfOneOrder):
    """
    Neurosurgeon: the best cut point of a chain, by bandwidth and server load [1]_.

    A DAG is laid out in its topological order first, the variant that DADS [2]_ compared with:
    prefixes of that order are the only cuts it looks at. The server's load is one factor on its
    time; queueing, the cost of a message and the way back do not count.

    Notes
    -----
    A reconstruction, recalled: how the load level K enters its latency models is unknown. To
    come: K from pings of the server, and the energy target.

    References
    ----------
    .. [1] Kang, Y., Hauswald, J., Gao, C., Rovinski, A., Mudge, T., Mars, J., Tang, L.
           (2017). Neurosurgeon: Collaborative Intelligence Between the Cloud and Mobile
           Edge. *ACM ASPLOS*, 615 - 629.
    .. [2] Hu, C., Bao, W., Wang, D., Liu, F. (2019). Dynamic Adaptive DNN Surgery for
           Inference Acceleration on the Edge. *IEEE INFOCOM*, 1423 - 1431. Section V.
    """

    name = "neurosurgeon"
    setting = NeurosurgeonPlanner.setting
