"""Races on the virtual clock: the bandwidth is not what it is taken for, and links fall silent."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import CutTable, PowerProfile
from cutpoint.policies import Cutpoint, Fixed, Hedge, Policy
from cutpoint.records import Conditions, InferenceRecord, LinkConditions
from cutpoint.simulation.exact import exact_prediction
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.scenario import DeviceSpec, Periodic, Scenario
from cutpoint.simulation.simulator import simulate
from cutpoint.simulation.world import World
from cutpoint.units import from_mbit_per_s

NOMINAL_BYTES_PER_S = from_mbit_per_s(20)
DELAY_S = 0.0025
SPREAD = 0.3
OUTAGE_S, OUTAGE_SHARE = 1.0, 0.02
DEVICE_TIMES = 4.2
"""Device-only over the clairvoyant mean, as in the setting that the bounds are from."""

_SAMPLE, _ROUNDS = 2000, 4
"""Of how many inferences that is taken, and how often: what is best changes with the device."""

PERIOD_S = 1.5
"""Between inferences: even one that an outage meets has ended by then, so each is alone."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Way:
    """How inferences are run: by whom and with what kind of race."""

    name: str
    policy: str
    hedge: Hedge

    def made(self) -> Policy:
        """Give a policy that remembers nothing yet."""
        return Cutpoint() if self.policy == "cutpoint" else Fixed(self.policy)


@dataclass(frozen=True)
class Course:
    """
    What happens to the link while a net is used.

    Parameters
    ----------
    model
        Name of the net.
    table
        Its rows.
    num_inferences
        One each period.
    seed
        Of rates and outages.
    """

    model: str
    table: CutTable
    num_inferences: int
    seed: int

    @cached_property
    def world(self) -> World:
        """Rates drawn anew for each inference, and outages wherever they fall."""
        schedule = RateSchedule(tuple(_phases(self.num_inferences, self.seed)))
        return World(schedule, schedule, DELAY_S, DELAY_S)

    @property
    def positions_s(self) -> Floats:
        """When inferences begin. Shape ``(n,)``."""
        return np.arange(self.num_inferences, dtype=float) * PERIOD_S

    @cached_property
    def clairvoyant_s(self) -> Floats:
        """What each takes by the row that is the best for what truly comes. Shape ``(n,)``."""
        found: Floats = exact_prediction(self.table, self.world, self.positions_s).latency_s.min(1)
        return found

    def run(self, way: Way, power: PowerProfile) -> tuple[InferenceRecord, ...]:
        """Run every inference; the policy is told the nominal rate all the time."""
        told = LinkConditions(
            NOMINAL_BYTES_PER_S, NOMINAL_BYTES_PER_S, DELAY_S, DELAY_S, spread=SPREAD
        )
        device = DeviceSpec(
            "device",
            way.made(),
            self.table,
            self.world,
            Periodic(PERIOD_S),
            num_inferences=self.num_inferences,
            hedge=way.hedge,
            power=power,
            believes=lambda at_s: Conditions(told, load_age_s=0.0),
        )
        until_s = (self.num_inferences + ceil(OUTAGE_S)) * PERIOD_S
        return simulate(Scenario((device,)), until_s, self.seed).records


def course_of(model: str, table: CutTable, num_inferences: int, seed: int) -> Course:
    """
    Give a course whose device is so slow that device-only takes `DEVICE_TIMES` the best there is.

    Parameters
    ----------
    table
        Of a device of any speed.
    """
    sample = min(num_inferences, _SAMPLE)
    for _ in range(_ROUNDS):
        course = Course(model, table, sample, seed)
        factor = DEVICE_TIMES * float(course.clairvoyant_s.mean()) / float(table.head_s[0])
        table = replace(
            table,
            head_s=table.head_s * factor,
            rest_s=table.rest_s * factor,
            encode_s=table.encode_s * factor,
        )
    return Course(model, table, num_inferences, seed)


def _phases(num_inferences: int, seed: int) -> Iterator[tuple[float, float]]:
    """Give durations and rates: a rate for each period, cut through by outages."""
    rng = np.random.default_rng(seed)
    rates = NOMINAL_BYTES_PER_S * np.exp(SPREAD * rng.standard_normal(num_inferences))
    end_s = num_inferences * PERIOD_S
    outages = _outages(rng, end_s)
    marks = np.unique(np.concatenate([np.arange(num_inferences) * PERIOD_S, outages.reshape(-1)]))
    for from_s, to_s in pairwise(np.append(marks, max(end_s, marks[-1] + OUTAGE_S))):
        index = int(np.searchsorted(outages[:, 0], from_s, "right")) - 1
        is_out = index >= 0 and from_s < outages[index, 1]
        period = min(int(from_s / PERIOD_S + 1e-9), num_inferences - 1)
        yield float(to_s - from_s), 0.0 if is_out else float(rates[period])
    yield 1.0, NOMINAL_BYTES_PER_S


def _outages(rng: np.random.Generator, end_s: float) -> Floats:
    """Give begin and end of each outage; none is within another."""
    pause_s = OUTAGE_S * (1 - OUTAGE_SHARE) / OUTAGE_SHARE
    num = ceil(2 * end_s / pause_s) + 20
    pauses_s = rng.exponential(pause_s, num)
    begins_s = np.cumsum(pauses_s) + OUTAGE_S * np.arange(num)
    begins_s = begins_s[begins_s < end_s - OUTAGE_S]
    return np.column_stack([begins_s, begins_s + OUTAGE_S])
