"""Rows of a table that are taken whatever the conditions: each is one fixed choice, replayed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cutpoint.cost import CutTable, predict
from cutpoint.graph import Cut, Graph
from cutpoint.planning import cuts_to_hold, plan_for
from cutpoint.policies import Situation
from cutpoint.records import InferenceRecord, Plan

_PATIENCE_S = 20.0
"""A row that takes longer than this is given up, and its record says so."""


@dataclass(frozen=True)
class FixedRow:
    """
    One cut and codec.

    Parameters
    ----------
    cut, codec
        By id and name.
    name
        For people; that of no other row.
    """

    cut: str
    codec: str
    name: str

    @classmethod
    def of(cls, table: CutTable, row: int) -> "FixedRow":
        """Give a row of a table of a model that is fed pixels."""
        cut, codec = table.cuts[row], table.codecs[row]
        return cls(cut.id, codec, f"row {_described(cut, codec)}")


class Chosen:
    """
    The policy of a session that takes the row it is told, whatever is believed.

    Its plans ask for patience: a row is seen through to its end even where the device would have
    been sooner.

    Parameters
    ----------
    patience_s
        About how long.
    """

    name = "chosen"
    needs_every_candidate = True  # its table has rows that others beat everywhere, too
    is_steady = False

    def __init__(self, patience_s: float = _PATIENCE_S) -> None:
        self._patience_s = patience_s
        self.row: FixedRow | None = None

    def candidates(self, graph: Graph) -> Sequence[Cut]:
        """Give the cuts that cutpoint's own policy holds: every fixed choice is one of its rows."""
        return cuts_to_hold(graph)

    def decide(self, situation: Situation) -> Plan:
        """Give the plan of the row; device-only, with the reason, where it cannot be taken."""
        table, wanted = situation.table, self.row
        prediction = predict(table, situation.conditions)
        row = 0 if wanted is None else table.find(wanted.cut, wanted.codec)
        if row is None or not situation.conditions.is_server_usable:
            reason = situation.conditions.unavailable or "there is no such row now"
            plan = plan_for(table, 0, prediction, situation.server)
            return plan if row == 0 else replace(plan, note=reason)
        plan = plan_for(table, row, prediction, situation.server)
        if not table.is_offloaded[row]:
            return plan
        patient = replace(plan.predicted, upload_s=max(plan.predicted.upload_s, self._patience_s))
        return replace(plan, predicted=patient)

    def observe(self, record: InferenceRecord) -> None:
        """Learn nothing."""


def _described(cut: Cut, codec: str) -> str:
    if cut.placement == "device":
        return "device-only"
    if cut.placement == "server":
        return f"server-only {codec}"
    return f"split at {', '.join(cut.crossing)} {codec}"
