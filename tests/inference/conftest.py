"""Plans of the three placements."""

from collections.abc import Callable

import pytest

from cutpoint.records import DEVICE, Leg, Parts, Placement, Plan

_LEGS = {
    "device": (Leg(DEVICE, None),),
    "split": (Leg(DEVICE, "0123456789ab", ("a",), ("raw",)), Leg("edge:8001", None)),
    "server": (Leg(DEVICE, "server-only", ("x",), ("raw",)), Leg("edge:8001", None)),
}


@pytest.fixture(scope="session")
def plan_of() -> Callable[[Placement], Plan]:
    """Give the writer of plans."""

    def write(placement: Placement) -> Plan:
        legs = _LEGS[placement]
        return Plan(placement, legs[0].up_to_cut or "device-only", legs, Parts())

    return write
