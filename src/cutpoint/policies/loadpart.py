"""LoADPart as a policy."""

from collections.abc import Sequence
from dataclasses import replace

from cutpoint.cost import CutTable, Predictor
from cutpoint.estimation import BurstProbe, LoadFactor
from cutpoint.graph import Cut, Graph
from cutpoint.planning.schemes.loadpart import LoadPart as LoadPartPlanner
from cutpoint.policies.linear_order import OfOneOrder
from cutpoint.policies.row_regression import RowRegression
from cutpoint.policies.sensing_scheme import Senses, SensingScheme


class LoadPart(OfOneOrder, SensingScheme):
    """
    LoADPart: the best prefix of the topological order, by bandwidth and load factor [1]_.

    The scan over prefixes compares with full-local execution, and counts the return of the
    outputs; k slows the server by one factor. Queueing and the cost of a message do not count.
    Latencies are a regression's, by node type, in place of the profile. Bandwidth and k are means
    of the latest probes and reports. Partitions are kept: both hosts hold the segments of every
    row, and what was computed of a table stays with it.

    Parameters
    ----------
    device, server
        What `cutpoint.cost.fit` made of profiles of other models on each host, as the paper trains
        its regressions; ``None`` fits one on the times of the table's own rows.

    Notes
    -----
    A reconstruction: the abstract was at hand, the algorithm is recalled, and a follow-on's code
    was read. Unknown: the features of the regression, the periods of probing and of k, and every
    figure of its tables. The probes are the follow-on's, about a second of traffic each. k comes
    with the server's reports and counts as 1 again when it has heard none for ten seconds. Before
    it was asked for its candidates there is no graph to take features from: it goes by the table.

    References
    ----------
    .. [1] Liu, H., Zheng, W., Li, L., Guo, M. (2022). LoADPart: Load-Aware Dynamic
           Partition of Deep Neural Networks for Edge Offloading. *IEEE ICDCS*, 481 - 491.
    """

    name = "loadpart"
    setting = LoadPartPlanner.setting

    def __init__(self, device: Predictor | None = None, server: Predictor | None = None) -> None:
        super().__init__()
        self._device = device
        self._server = server
        self._regression: RowRegression | None = None

    def candidates(self, graph: Graph) -> Sequence[Cut]:
        """
        Give the shortlist of the cuts that it looks at, and take the features of the graph.

        Raises
        ------
        MissingDependencyError
            If SciPy is not installed, without which there is no regression.
        """
        if self._regression is None:
            self._regression = RowRegression(graph, self._device, self._server)
        return super().candidates(graph)

    def seen_table(self, table: CutTable) -> CutTable:
        """Give the table with times by regression: F and G of [1], as recalled."""
        if self._regression is None:
            return table
        head_s, tail_s = self._regression.times(table)
        return replace(table, head_s=head_s, tail_s=tail_s)

    def new_senses(self) -> Senses:
        """Give means of burst probes, and of k."""
        return Senses(BurstProbe(), LoadFactor())
