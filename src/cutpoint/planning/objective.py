"""What a chosen row makes small: latency, the longest stage, energy, or a bad day's latency."""

from dataclasses import dataclass, replace
from math import exp, inf
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import POWER_PROFILES, PowerProfile, Rows, energy_j, predict, stages
from cutpoint.cost.cost_table import Column
from cutpoint.exceptions import CostError, PlannerError, UnitError
from cutpoint.records import Conditions
from cutpoint.units import parse_duration

ObjectiveName = Literal["latency", "throughput", "energy", "p95", "deadline"]

OBJECTIVES: tuple[str, ...] = get_args(ObjectiveName)
"""Names of the objectives; a deadline is written ``deadline=SECONDS``."""

DEFAULT_POWER = POWER_PROFILES["raspberry-pi-4b-wifi"]

DEFAULT_SPREAD = 0.3
"""Standard deviation of the logarithm of bandwidth and of load."""

_WIDEST_SPREAD = 10.0

_Z_95 = 1.6448536269514722
"""The standard normal distribution is below this 95 times in 100."""


@dataclass(frozen=True)
class Objective:
    """
    One choice of what to make small.

    Parameters
    ----------
    name
        ``latency`` of one inference; ``throughput``: the longest stage of a stream of
        frames; ``energy`` of the device; ``p95``: see `bad_day`; ``deadline``: energy of
        the device among what keeps the deadline.
    deadline_s
        Largest latency; only for ``deadline``.
    power
        What the device draws.
    spread
        Of bandwidth and load, for ``p95``.

    Raises
    ------
    CostError
        If the spread is negative, or so wide that nothing could be said of the link.
    PlannerError
        If the deadline is not above zero.
    """

    name: ObjectiveName = "latency"
    deadline_s: float = inf
    power: PowerProfile = DEFAULT_POWER
    spread: float = DEFAULT_SPREAD

    def __post_init__(self) -> None:
        if not 0 <= self.spread <= _WIDEST_SPREAD:
            raise CostError(f"spread {self.spread}: it is between 0 and {_WIDEST_SPREAD:g}")
        if not self.deadline_s > 0:
            raise PlannerError(f"a deadline of {self.deadline_s} s: it is above zero")

    @property
    def unit(self) -> Literal["s", "J"]:
        """Of the values that are made small."""
        return "J" if self.name in ("energy", "deadline") else "s"


def objective_named(
    text: str, power: PowerProfile = DEFAULT_POWER, spread: float = DEFAULT_SPREAD
) -> Objective:
    """
    Read an objective as people write it.

    Parameters
    ----------
    text
        ``latency``, ``throughput``, ``energy``, ``p95``, or ``deadline=0.1`` in seconds,
        ``deadline=100ms`` alike.

    Raises
    ------
    PlannerError
        If there is no objective of that name, or the deadline is none.
    """
    name, equals, number = text.partition("=")
    if name not in OBJECTIVES or bool(equals) != (name == "deadline"):
        raise PlannerError(
            f"no objective {text!r}: take one of {', '.join(OBJECTIVES[:-1])}, or "
            "deadline=SECONDS, for example deadline=0.1"
        )
    if name == "deadline":
        return Objective("deadline", _seconds(number), power, spread)
    known: dict[str, ObjectiveName] = {each: each for each in get_args(ObjectiveName)}
    return Objective(known[name], power=power, spread=spread)


def objective_values(objective: Objective, rows: Rows, conditions: Conditions) -> Column:
    """
    Give what the objective makes small.

    Parameters
    ----------
    rows
        A compiled table, or the heads of a cost table.
    conditions
        Device, link and load; for ``p95`` the medians of bandwidth and load.

    Returns
    -------
    array
        Seconds or joules (`Objective.unit`); infinite for rows that cannot be used or
        break the deadline. Shape ``(n_rows,)``.
    """
    if objective.name == "throughput":
        return stages(rows, conditions).longest_s
    if objective.name == "p95":
        return predict(rows, bad_day(conditions, objective.spread)).latency_s
    prediction = predict(rows, conditions)
    if objective.name == "latency":
        return prediction.latency_s
    joules = energy_j(prediction, objective.power, conditions)
    if objective.name == "energy":
        return joules
    return np.where(prediction.latency_s <= objective.deadline_s, joules, inf)


def chosen_row(values: Column, is_allowed: NDArray[np.bool_] | None = None) -> int | None:
    """
    Give the row of the least value; of equals the first.

    Parameters
    ----------
    values
        As `objective_values` gives them.
    is_allowed
        Which rows keep the limits; all by default. Shape ``(n_rows,)``.

    Returns
    -------
    int or None
        ``None`` if no allowed row is finite: nothing keeps limits and deadline.
    """
    worth = values if is_allowed is None else np.where(is_allowed, values, inf)
    row = int(np.argmin(worth))
    return row if np.isfinite(worth[row]) else None


def bad_day(conditions: Conditions, spread: float) -> Conditions:
    """
    Give conditions with bandwidth and load both at the 95th percentile of badness.

    Both are taken as lognormal about their values now, with the same spread: the
    bandwidths are divided and the load is multiplied by ``exp(1.645 * spread)``. The
    latency of a row falls with bandwidth and rises with load, so if both are bad
    together, driven by one cause, its latency here *is* the 95th percentile of its
    latency: quantiles of comonotonic terms add up [1]_. If they vary independently, at
    least 90 (0.95 squared) in 100 inferences are no slower.

    References
    ----------
    .. [1] Dhaene, J., Denuit, M., Goovaerts, M. J., Kaas, R., Vyncke, D. (2002). The
           Concept of Comonotonicity in Actuarial Science and Finance: Theory.
           *Insurance: Mathematics and Economics*, 31(1), 3 - 33.
    """
    factor = exp(_Z_95 * spread)
    link, load = conditions.link, conditions.load
    if link is not None:
        link = replace(
            link,
            bandwidth_up_bytes_per_s=link.bandwidth_up_bytes_per_s / factor,
            bandwidth_down_bytes_per_s=link.bandwidth_down_bytes_per_s / factor,
        )
    return replace(conditions, link=link, load=replace(load, slowdown=load.slowdown * factor))


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return parse_duration(text)
    except UnitError as error:
        raise PlannerError(
            f"objective 'deadline={text}': write deadline=SECONDS, for example deadline=0.1"
        ) from error
