"""What a chosen row makes small: latency, the longest stage, energy, both, a bad day's latency."""

from dataclasses import dataclass, replace
from math import exp, inf
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import (
    POWER_PROFILES,
    PowerProfile,
    Rows,
    condition_weights,
    energy_j,
    energy_weights,
    predict,
    stages,
)
from cutpoint.cost.cost_table import Column
from cutpoint.exceptions import CostError, PlannerError, UnitError
from cutpoint.records import Conditions
from cutpoint.units import parse_duration

ObjectiveName = Literal["latency", "throughput", "energy", "weighted", "p95", "deadline"]

OBJECTIVES: tuple[str, ...] = get_args(ObjectiveName)
"""Names of the objectives; two take a figure: ``weighted:SHARE`` and ``deadline=SECONDS``."""

LINEAR: tuple[ObjectiveName, ...] = ("latency", "energy", "weighted")
"""Those that a session may have: each is linear in what changes from one moment to the next."""

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
        frames; ``energy`` of the device; ``weighted``: both, see Notes; ``p95``: see `bad_day`;
        ``deadline``: energy of the device among what keeps the deadline.
    deadline_s
        Largest latency; only for ``deadline``.
    power
        What the device draws.
    spread
        Of bandwidth and load, for ``p95``.
    energy_share
        Of the energy in ``weighted``; the rest is the latency's.

    Raises
    ------
    CostError
        If the spread is negative, or so wide that nothing could be said of the link.
    PlannerError
        If the deadline is not above zero, the share is not between 0 and 1, or joules are to be
        weighed against seconds for a device that draws nothing while it computes.

    Notes
    -----
    Seconds and joules are weighed as shares of what the device alone would take and draw::

        (1 - share) * T / T_device + share * E / E_device

    A device alone computes all the time, ``E_device = compute_w * T_device``, so this orders rows
    as ``(1 - share) * T + share * E / compute_w`` does: joules count as the seconds of computing
    that they would pay for. That has no need of the row it is measured against.
    """

    name: ObjectiveName = "latency"
    deadline_s: float = inf
    power: PowerProfile = DEFAULT_POWER
    spread: float = DEFAULT_SPREAD
    energy_share: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.spread <= _WIDEST_SPREAD:
            raise CostError(f"spread {self.spread}: it is between 0 and {_WIDEST_SPREAD:g}")
        if not self.deadline_s > 0:
            raise PlannerError(f"a deadline of {self.deadline_s} s: it is above zero")
        if not 0 <= self.energy_share <= 1:
            raise PlannerError(
                f"weighted:{self.energy_share}: the share of the energy is between 0 and 1"
            )
        if self.name == "weighted" and not self.power.compute_w > 0:
            raise PlannerError(
                f"power profile {self.power.name!r} draws nothing while it computes: joules "
                "cannot be weighed against seconds by it"
            )

    @property
    def text(self) -> str:
        """How it is written on the command line."""
        if self.name == "weighted":
            return f"weighted:{self.energy_share:g}"
        return f"deadline={self.deadline_s:g}" if self.name == "deadline" else self.name

    @property
    def counts_joules(self) -> bool:
        """Whether it depends on what the device draws."""
        return self.name in ("energy", "weighted", "deadline")

    @property
    def unit(self) -> Literal["s", "J"]:
        """Of the values that are made small."""
        return "J" if self.name in ("energy", "deadline") else "s"

    def weights(self, conditions: Conditions) -> tuple[float, ...]:
        """
        Give what each of `cutpoint.cost.row_terms` weighs under conditions.

        Returns
        -------
        tuple of float
            Five; `UNUSABLE_S` or more where a server cannot be used. Of seconds (``weighted``:
            seconds and joules as its notes say) or of joules.

        Raises
        ------
        PlannerError
            If the objective is not one of `LINEAR`.
        """
        if self.name == "latency":
            return condition_weights(conditions)
        if self.name == "energy":
            return energy_weights(conditions, self.power)
        if self.name != "weighted":
            raise PlannerError(
                f"objective {self.text!r} is not linear: take one of {', '.join(LINEAR)}"
            )
        if not conditions.is_server_usable:
            return condition_weights(conditions)  # what is left computes all the time
        of_energy = self.energy_share / self.power.compute_w
        seconds, joules = condition_weights(conditions), energy_weights(conditions, self.power)
        return tuple(
            (1 - self.energy_share) * s + of_energy * j
            for s, j in zip(seconds, joules, strict=True)
        )


LATENCY = Objective()
"""The soonest answer."""


def objective_named(
    text: str, power: PowerProfile = DEFAULT_POWER, spread: float = DEFAULT_SPREAD
) -> Objective:
    """
    Read an objective as people write it.

    Parameters
    ----------
    text
        ``latency``, ``throughput``, ``energy``, ``p95``, ``weighted:0.3`` (``weighted`` alone is
        half of each), or ``deadline=0.1`` in seconds, ``deadline=100ms`` alike.

    Raises
    ------
    PlannerError
        If there is no objective of that name, or its figure is none.
    """
    name, sign, number = _parted("weighted:0.5" if text == "weighted" else text)
    if name not in OBJECTIVES or sign != _SIGNS.get(name, ""):
        raise PlannerError(
            f"no objective {text!r}: take one of "
            f"{', '.join(each for each in OBJECTIVES if each not in _SIGNS)}, weighted:SHARE, for "
            "example weighted:0.5, or deadline=SECONDS, for example deadline=0.1"
        )
    if name == "deadline":
        return Objective("deadline", _seconds(number), power, spread)
    if name == "weighted":
        return Objective("weighted", power=power, spread=spread, energy_share=_share(number))
    known: dict[str, ObjectiveName] = {each: each for each in get_args(ObjectiveName)}
    return Objective(known[name], power=power, spread=spread)


def session_objective(text: str, power: PowerProfile | None) -> Objective:
    """
    Read the objective of a session.

    Parameters
    ----------
    text
        One of `LINEAR`: ``latency``, ``energy`` or ``weighted:SHARE``.
    power
        Of the device; ``None`` if it is not known.

    Raises
    ------
    PlannerError
        If it is none of those, or joules are to be counted and nothing says what is drawn.
    """
    objective = objective_named(text, power or DEFAULT_POWER)
    if objective.name not in LINEAR:
        raise PlannerError(
            f"a session cannot keep objective {text!r}: take latency, energy or weighted:SHARE; "
            "a deadline is given with each inference"
        )
    if objective.name != "latency" and power is None:
        raise PlannerError(
            f"objective {text!r} needs a power profile: take one of "
            f"{', '.join(POWER_PROFILES)}, or name a JSON file of the fields of PowerProfile"
        )
    return objective


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
    if objective.name == "weighted":
        share = objective.energy_share
        return (1 - share) * prediction.latency_s + share / objective.power.compute_w * joules
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


_SIGNS = {"deadline": "=", "weighted": ":"}
"""What stands between a name and its figure."""


def _parted(text: str) -> tuple[str, str, str]:
    """Give the name, the sign after it and the figure; the latter two empty where there is none."""
    for sign in _SIGNS.values():
        name, found, number = text.partition(sign)
        if found:
            return name, sign, number
    return text, "", ""


def _share(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise PlannerError(
            f"objective 'weighted:{text}': write weighted:SHARE, for example weighted:0.5"
        ) from error


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
