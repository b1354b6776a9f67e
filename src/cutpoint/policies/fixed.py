"""The baselines that never change their mind: device-only, server-only, one cut; one codec."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cutpoint.cost import predict
from cutpoint.exceptions import InvalidCutError, PlannerError
from cutpoint.graph import DEVICE_ONLY, SERVER_ONLY, Cut, Graph, cut_at
from cutpoint.planning import plan_for
from cutpoint.policies.policy import Situation, alone
from cutpoint.records import RAW, InferenceRecord, Plan

_ENDS = {"device": DEVICE_ONLY, "server": SERVER_ONLY}

_CODEC = re.compile(r"[a-z][a-z0-9]*(?:[-+][a-z0-9]+)*(?::[0-9]+)?")
"""What a codec's name looks like; whether there is such a codec is no matter of planning."""


class Fixed:
    """
    Always the same cut and codec; device-only while the server cannot be used.

    Where the codec cannot be used, for the server does not know it or it is struck, the values
    travel raw: an answer is never further from the exact one than was asked for.

    Parameters
    ----------
    at
        ``"device"``, ``"server"``, or names of the crossing values joined by commas; behind it
        ``@`` and a codec, such as ``"a,b@uint8+zstd"``.
    others
        Names of policies: told to who mistyped one of them, for that is taken for a value.

    Raises
    ------
    PlannerError
        If it names a codec for device-only, which sends nothing.
    """

    needs_every_candidate = True
    is_steady = True

    def __init__(self, at: str, others: Sequence[str] = ()) -> None:
        self.name = at
        self._others = others
        self._where, self.codec = _parted(at)
        self._cut_id = _ENDS.get(self._where, "")
        if self._cut_id == DEVICE_ONLY and self.codec != RAW:
            raise PlannerError(
                f"policy {at!r}: device-only sends nothing, so there is nothing to encode as "
                f"{self.codec!r}; leave the codec out, or name a cut or 'server'"
            )

    codec: str
    """The codec it asks for; raw where it names none."""

    def candidates(self, graph: Graph) -> Sequence[Cut]:
        """
        Give its one cut; none for the two ends.

        Raises
        ------
        InvalidCutError
            If the graph cannot be cut at these values.
        """
        if self._where in _ENDS:
            return ()
        if graph.values.keys() >= set(self.name.split(",")):
            self._where, self.codec = self.name, RAW  # a value may have an @ in its name
        cut = self._cut_of(graph)
        self._cut_id = cut.id
        return (cut,)

    def decide(self, situation: Situation) -> Plan:
        """Give the plan of its cut, or device-only."""
        table = situation.table
        prediction = predict(table, situation.conditions)
        row = table.find(self._cut_id, self.codec)
        is_raw_instead = row is None and self.codec != RAW
        if is_raw_instead:
            row = table.find(self._cut_id)
        if row is not None and np.isfinite(prediction.latency_s[row]):
            plan = plan_for(table, row, prediction, situation.server)
            return replace(plan, note=self._why_raw(situation)) if is_raw_instead else plan
        plan = plan_for(table, 0, prediction, situation.server)
        if row is None and situation.conditions.is_server_usable:
            note = f"server {situation.server} has no tail behind {self._where}"
            return replace(plan, note=note)
        if situation.conditions.is_server_usable and self._cut_id == SERVER_ONLY:
            return replace(plan, note="the table forbids to send the inputs")
        return alone(plan, situation)

    def observe(self, record: InferenceRecord) -> None:
        """Learn nothing."""

    def _cut_of(self, graph: Graph) -> Cut:
        names = self._where.split(",")
        try:
            return cut_at(graph, names)
        except InvalidCutError as error:
            if not self._others or graph.values.keys() >= set(names):
                raise
            known = ", ".join(self._others)
            raise InvalidCutError(f"{error}; nor is it a policy: {known}, device, server") from None

    def _why_raw(self, situation: Situation) -> str:
        return (
            f"raw instead of {self.codec}: server {situation.server} does not decode it, the "
            "tolerance forbids it here, or it encodes none of the values"
        )


def _parted(at: str) -> tuple[str, str]:
    where, _, codec = at.rpartition("@")
    return (where, codec) if where and _CODEC.fullmatch(codec) else (at, RAW)
