"""DADS as a policy: the light half of its loop."""

from cutpoint.planning.schemes.dads_light import DADS_SETTING
from cutpoint.policies.published import Published


class Dads(Published):
    """
    DADS under light load: the cut with the least device, upload and server time [1]_.

    The bandwidth is all that changes: messages and the way back take no time, the server is
    idle and the device as it was profiled. Each decision is made anew from the latest
    bandwidth, without smoothing or hysteresis, as in its Algorithm 3.

    Notes
    -----
    The minimum cut is found among the rows of the table, which hold the cuts that are best under
    some condition; `cutpoint.planning.PLANNERS` has the minimum cut itself, as
    ``dads-light``. To come: its own estimate of the bandwidth from two pings, and the heavy
    half (a cut for throughput, the switch between the two, the request for fewer frames).

    References
    ----------
    .. [1] Hu, C., Bao, W., Wang, D., Liu, F. (2019). Dynamic Adaptive DNN Surgery for
           Inference Acceleration on the Edge. *IEEE INFOCOM*, 1423 - 1431. Sections II and III.
    """

    name = "dads"
    setting = DADS_SETTING
