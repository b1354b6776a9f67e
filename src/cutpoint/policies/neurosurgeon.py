"""Neurosurgeon as a policy."""

from cutpoint.estimation import LoadFactor, SingleTransfer
from cutpoint.planning.schemes.neurosurgeon import Neurosurgeon as NeurosurgeonPlanner
from cutpoint.policies.linear_order import OfOneOrder
from cutpoint.policies.sensing_scheme import Senses, SensingScheme


class Neurosurgeon(OfOneOrder, SensingScheme):
    """
    Neurosurgeon: the best cut point of a chain, by bandwidth and server load [1]_.

    A DAG is laid out in its topological order first, the variant that DADS [2]_ compared with:
    prefixes of that order are the only cuts it looks at. The server's load is one factor on its
    time; queueing, the cost of a message and the way back do not count.

    Notes
    -----
    A reconstruction, recalled. Unknown: how bandwidth is measured (here by the latest single
    transfer, as a public re-implementation does), how the load level K enters its latency models
    (here the slow-down that the server told last, as a factor on its time), and what the energy
    target weighs. Its latency models per layer type are the table's measured times here:
    `LoadPart` is the scheme whose regression takes their place.

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

    def new_senses(self) -> Senses:
        """Give the rate of the latest transfer, and K as it was told last."""
        return Senses(SingleTransfer(), LoadFactor(window=1))
