"""DIAMOND as a policy: a reconstruction."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import PowerProfile, Setting, energy_j, predict
from cutpoint.estimation import MonitoredLoad, TinyProbes
from cutpoint.graph import Cut, Graph, candidate_cuts
from cutpoint.planning.objective import DEFAULT_POWER
from cutpoint.policies.policy import Situation
from cutpoint.policies.published import Ready
from cutpoint.policies.sensing_scheme import Senses, SensingScheme
from cutpoint.records import Conditions


class Diamond(SensingScheme):
    """
    DIAMOND: light profiling of the network, and a server that runs requests together [1]_.

    ``T = D + a + s / B + W + E(b) + return``: device time and sizes by the profile, the line
    of the network from two tiny probes and every offload, the wait and the execution time by batch
    from the server's load monitor. Only block boundaries are cut: places where one value crosses.
    Of cuts that take about as long the one that costs the device the least energy is taken.

    Parameters
    ----------
    power
        What the device draws.
    latency_tolerance
        Share of the least latency by which a cut that costs less energy may take longer.

    Notes
    -----
    A reconstruction: abstract, highlights and a page of summary were at hand. Unknown: the sizes of
    its probes, the formula of its estimator, how often it asks the server, which of Triton's
    counters it reads, how it weighs energy, and every figure. The line is fitted by recursive least
    squares here; E(b) is that of the average batch, scaled to each cut by its idle time. Where the
    server tells by how much its requests ran slower than alone, batches included, that is its E(b)
    over E(1): it is taken, and times by batch only where it is not told.

    References
    ----------
    .. [1] Ahn, J., Lee, Y., Ahn, J., Ko, J. (2023). Server load and network-aware adaptive deep
           learning inference offloading for edge platforms. *Internet of Things*, 21, 100644.
    """

    name = "diamond"
    setting = Setting(device_load=False)

    def __init__(
        self, power: PowerProfile = DEFAULT_POWER, latency_tolerance: float = 0.05
    ) -> None:
        super().__init__()
        self._power = power
        self._most_times = 1 + latency_tolerance

    def cuts_of(self, graph: Graph) -> Sequence[Cut]:
        """Give the block boundaries: cuts behind which one value crosses."""
        return candidate_cuts(graph)

    def may_take(self, cut: Cut) -> bool:
        """Tell whether one value crosses."""
        return len(cut.crossing) == 1

    def new_senses(self) -> Senses:
        """Give the probes with the recursive fit, and the server's load monitor."""
        return Senses(TinyProbes(), MonitoredLoad())

    def _best(
        self,
        worth: NDArray[np.float64],
        ready: Ready,
        believed: Conditions,
        situation: Situation,
    ) -> int:
        power = situation.objective.power if situation.objective.unit == "J" else self._power
        is_near = worth <= self._most_times * worth.min()
        if int(is_near.sum()) == 1:
            return int(worth.argmin())
        seen = self.setting.seen(believed)
        joules = energy_j(predict(ready.table, seen), power, seen)[ready.rows]
        return int(np.where(is_near, joules, np.inf).argmin())
