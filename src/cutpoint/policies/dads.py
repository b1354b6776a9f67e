"""DADS as a policy: the light half of its loop."""

from cutpoint.estimation import TwoSizePing
from cutpoint.planning.schemes.dads_light import DADS_SETTING
from cutpoint.policies.sensing_scheme import Senses, SensingScheme


class Dads(SensingScheme):
    """
    DADS under light load: the cut with the least device, upload and server time [1]_.

    The bandwidth is all that changes: messages and the way back take no time, the server is
    idle and the device as it was profiled. The bandwidth is that of two pings of different sizes
    (Section II-C). Each decision is made anew from the latest one, without smoothing or hysteresis,
    as in its Algorithm 3.

    Notes
    -----
    Section IV says ``iperf`` where Section II-C says ``ping``; the latter is taken.
    The minimum cut is found among the rows of the table, which hold the cuts that are best under
    some condition; `cutpoint.planning.PLANNERS` has the minimum cut itself, as
    ``dads-light``. The heavy half (a cut for throughput, the switch between the two, the request
    for fewer frames) is a matter of streams, not of one inference at a time.

    References
    ----------
    .. [1] Hu, C., Bao, W., Wang, D., Liu, F. (2019). Dynamic Adaptive DNN Surgery for
           Inference Acceleration on the Edge. *IEEE INFOCOM*, 1423 - 1431. Sections II and III.
    """

    name = "dads"
    setting = DADS_SETTING

    def new_senses(self) -> Senses:
        """Give the two-size ping; the server's load is not in the paper's light half."""
        return Senses(TwoSizePing())
