"""From a row of the cut table to a plan."""

import numpy as np

from cutpoint.cost import CutTable, Prediction
from cutpoint.graph import Cut
from cutpoint.records import DEVICE, Leg, Plan


def best_row(prediction: Prediction) -> int:
    """
    Give the row that answers soonest.

    Ties go to the earlier row: device-only before server-only before a split.
    """
    return int(np.argmin(prediction.latency_s))


def plan_for(table: CutTable, row: int, prediction: Prediction, server: str | None) -> Plan:
    """
    Give the plan of one row.

    Parameters
    ----------
    server
        Address of the server; unused for device-only.

    Raises
    ------
    ValueError
        If the row uses a server and none is named.
    """
    cut = table.cuts[row]
    if cut.placement != "device" and server is None:
        raise ValueError(f"row {row} ({cut.id}) uses a server, and none is named")
    legs = legs_of(cut, server or "", table.codecs_of(row))
    return Plan(cut.placement, cut.id, legs, prediction.parts(row))


def legs_of(cut: Cut, server: str, codecs: tuple[str, ...]) -> tuple[Leg, ...]:
    """
    Give the legs of a cut: one on the device, or two with what crosses between them.

    Parameters
    ----------
    codecs
        Of each crossing value, in their order.
    """
    if cut.placement == "device":
        return (Leg(DEVICE, None),)
    return Leg(DEVICE, cut.id, cut.crossing, codecs), Leg(server, None)
