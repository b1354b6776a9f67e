"""Neurosurgeon as a policy."""

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import UNUSABLE_S, predict
from cutpoint.estimation import LoadFactor, SingleTransfer
from cutpoint.planning.schemes.neurosurgeon import Neurosurgeon as NeurosurgeonPlanner
from cutpoint.policies.linear_order import OfOneOrder
from cutpoint.policies.policy import Situation
from cutpoint.policies.published import Ready
from cutpoint.policies.sensing_scheme import Senses, SensingScheme
from cutpoint.records import Conditions


class Neurosurgeon(OfOneOrder, SensingScheme):
    """
    Neurosurgeon: the best cut point of a chain, by bandwidth and server load [1]_.

    A DAG is laid out in its topological order first, the variant that DADS [2]_ compared with:
    prefixes of that order are the only cuts it looks at. The server's load is one factor on its
    time; queueing, the cost of a message and the way back do not count. Where a session's objective
    is energy, its other target is taken: the joules of computing and of sending, the least of all
    cut points. Waiting for the server costs nothing by it.

    Notes
    -----
    A reconstruction, recalled, the target of energy (device time by its watts, upload by those of
    the radio) included. Unknown: how bandwidth is measured (here by the latest single transfer,
    as a public re-implementation does), how the load level K enters its latency models (here the
    slow-down that the server told last, as a factor on its time), and how it models what each
    layer draws (here one figure of the device). Its latency models per layer type are the table's
    measured times here: `LoadPart` is the scheme whose regression takes their place.

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

    def _best(
        self,
        worth: NDArray[np.float64],
        ready: Ready,
        believed: Conditions,
        situation: Situation,
    ) -> int:
        objective = situation.objective
        if objective.unit != "J":
            return super()._best(worth, ready, believed, situation)
        # [1], as recalled: argmin over i of P_device sum(TM) + P_radio D_i / B.
        power, found = objective.power, predict(ready.table, self.setting.seen(believed))
        joules = (
            power.compute_w * found.head_s
            + power.send_w * found.upload_s
            + power.send_w_per_bytes_per_s * ready.table.up_bytes
        )[ready.rows]
        return int(np.where(worth < UNUSABLE_S, joules, np.inf).argmin())
