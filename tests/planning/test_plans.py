from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cutpoint.cost import CutTable, Prediction, predict
from cutpoint.graph import Cut
from cutpoint.planning import best_row, plan_for
from cutpoint.records import Conditions, Leg, LinkConditions

LINK = LinkConditions(100.0, 100.0, 0.0, 0.0)


def prediction_of(*latency_s: float) -> Prediction:
    """Give a prediction whose rows take this long."""
    none = np.zeros(len(latency_s))
    return Prediction(np.array(latency_s), none, none, none, none, none)


@pytest.mark.parametrize(
    ("latency_s", "row"),
    [
        ((3.0, 2.0, 1.0), 2),
        ((1.0, 1.0, 1.0), 0),
        ((2.0, 1.0, 1.0), 1),
        ((np.inf, np.inf, 5.0), 2),
        ((1.0, np.inf, np.inf), 0),
    ],
)
def test_the_soonest_row_and_the_earlier_of_equals(latency_s: tuple[float, ...], row: int) -> None:
    """The least latency is taken; a tie goes to device-only, then server-only, then a split."""
    assert row == best_row(prediction_of(*latency_s))


@pytest.fixture
def table(table_of: Callable[..., CutTable]) -> CutTable:
    """Give the two ends and a split at two values."""
    table = table_of((4, 0, 0, 0, 0), (0, 4, 1, 60, 4), (1, 3, 0.5, 30, 4))
    split = Cut("split", "0123456789ab", ("a", "b"), 1, ("y",))
    return replace(table, cuts=(*table.cuts[:2], split))


@pytest.mark.parametrize(
    ("row", "placement", "legs"),
    [
        (0, "device", (Leg("device", None),)),
        (1, "server", (Leg("device", "server-only", ("x",), ("raw",)), Leg("edge:8001", None))),
        (
            2,
            "split",
            (
                Leg("device", "0123456789ab", ("a", "b"), ("raw", "raw")),
                Leg("edge:8001", None),
            ),
        ),
    ],
)
def test_plan_of_a_row(row: int, placement: str, legs: tuple[Leg, ...], table: CutTable) -> None:
    """A plan says what runs where, what crosses and how, and what that is predicted to take."""
    prediction = predict(table, Conditions(LINK))
    plan = plan_for(table, row, prediction, "edge:8001")
    assert (placement, table.cuts[row].id, legs, prediction.parts(row)) == (
        plan.placement,
        plan.cut,
        plan.legs,
        plan.predicted,
    )


def test_device_only_needs_no_server(table: CutTable) -> None:
    """Device-only is planned the same whether or not a server is named."""
    prediction = predict(table, Conditions())
    assert plan_for(table, 0, prediction, None) == plan_for(table, 0, prediction, "edge:8001")


@pytest.mark.parametrize("row", [1, 2])
def test_a_plan_for_nobody_is_refused(row: int, table: CutTable) -> None:
    """A row that uses a server cannot be planned without one."""
    with pytest.raises(ValueError, match=rf"row {row} \({table.cuts[row].id}\) uses a server"):
        plan_for(table, row, predict(table, Conditions(LINK)), None)


def test_a_plan_names_the_codec_of_each_value(table: CutTable) -> None:
    """What the row's codec does not take travels raw beside what it takes."""
    coded = replace(
        table, codecs=("raw", "raw", "uint8"), takes={"uint8": frozenset({"b", "elsewhere"})}
    )
    plan = plan_for(coded, 2, predict(coded, Conditions(LINK)), "edge:8001")
    assert plan.legs[0].codecs == ("raw", "uint8")
    assert (plan.codec, coded.find(plan.cut, plan.codec)) == ("uint8", 2)
    whole = replace(coded, takes={})
    plan = plan_for(whole, 2, predict(whole, Conditions(LINK)), "edge:8001")
    assert plan.legs[0].codecs == ("uint8", "uint8")


@pytest.mark.parametrize("row", [0, 1])
def test_a_plan_that_encodes_nothing_is_raw(row: int, table: CutTable) -> None:
    """So it is found again in its table, device-only too."""
    plan = plan_for(table, row, predict(table, Conditions(LINK)), "edge:8001")
    assert (plan.codec, table.find(plan.cut, plan.codec)) == ("raw", row)
