"""The baselines that never change their mind: device-only, server-only, one cut."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cutpoint.cost import predict
from cutpoint.graph import DEVICE_ONLY, SERVER_ONLY, Cut, Graph, cut_at
from cutpoint.planning import plan_for
from cutpoint.policies.policy import Situation, alone
from cutpoint.records import InferenceRecord, Plan


class Fixed:
    """
    Always the same cut; device-only while the server cannot be used.

    Parameters
    ----------
    at
        ``"device"``, ``"server"``, or names of the crossing values joined by commas.
    """

    needs_every_candidate = True
    is_steady = True

    def __init__(self, at: str) -> None:
        self.name = at
        self._crossing = () if at in ("device", "server") else tuple(sorted(at.split(",")))
        self._cut_id = {"device": DEVICE_ONLY, "server": SERVER_ONLY}.get(at, "")

    def candidates(self, graph: Graph) -> Sequence[Cut]:
        """
        Give its one cut; none for the two ends.

        Raises
        ------
        InvalidCutError
            If the graph cannot be cut at these values.
        """
        if not self._crossing:
            return ()
        cut = cut_at(graph, self._crossing)
        self._cut_id = cut.id
        return (cut,)

    def decide(self, situation: Situation) -> Plan:
        """Give the plan of its cut, or device-only."""
        prediction = predict(situation.table, situation.conditions)
        row = situation.table.find(self._cut_id)
        if row is not None and np.isfinite(prediction.latency_s[row]):
            return plan_for(situation.table, row, prediction, situation.server)
        plan = plan_for(situation.table, 0, prediction, situation.server)
        if row is None and situation.conditions.is_server_usable:
            return replace(plan, note=f"server {situation.server} has no tail behind {self.name}")
        if situation.conditions.is_server_usable and self._cut_id == SERVER_ONLY:
            return replace(plan, note="the table forbids to send the inputs")
        return alone(plan, situation)

    def observe(self, record: InferenceRecord) -> None:
        """Learn nothing."""
