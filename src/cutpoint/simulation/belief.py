"""What a policy is told in an exact run: the truth, the truth of a moment ago, or estimates."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import CutTable
from cutpoint.records import Conditions, InferenceRecord, LinkConditions, Parts
from cutpoint.simulation.exact import exact_prediction
from cutpoint.simulation.flight import Flights
from cutpoint.simulation.learner import Learner
from cutpoint.simulation.world import NOTHING_PASSES, World, polled_load, true_conditions

BeliefName = Literal["met", "met late", "true", "late", "causal", "estimated"]


@dataclass(frozen=True)
class Setting:
    """
    Where and when policies are judged.

    Parameters
    ----------
    table
        The rows.
    world
        As it truly is.
    positions_s
        When inferences begin, ascending; each is alone in the world. Shape ``(n,)``.
    window_s
        Over which true rates are means.
    """

    table: CutTable
    world: World
    positions_s: NDArray[np.float64]
    window_s: float


class Belief(Protocol):
    """What is believed at each position; may learn from what was done there."""

    def conditions(self, index: int) -> Conditions:
        """Give what is believed at a position; asked once for each, in order."""
        ...

    def observe(self, index: int, row: int, parts: Parts, record: InferenceRecord) -> None:
        """
        Learn from the row that was taken at a position.

        Parameters
        ----------
        parts
            What it takes where the server is waited for to the end.
        record
            What became of it: what the device gave up, or won a race against, it heard no more of.
        """
        ...


class TrueBelief:
    """The truth of this very moment, rates being means over the window that begins."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def conditions(self, index: int) -> Conditions:
        """Give what is true at the position."""
        setting = self._setting
        return true_conditions(setting.world, setting.positions_s[index], setting.window_s)

    def observe(self, index: int, row: int, parts: Parts, record: InferenceRecord) -> None:
        """Learn nothing."""


class MetBelief:
    """
    What the soonest offload of a position truly meets: the rates of its own transfers.

    One rate stands for a trace that changes within a transfer; that over the transfer itself is
    the only one with which a prediction of this transfer is exact, and needs no window.

    Parameters
    ----------
    lag
        Positions since: 1 is the truth, one sample old. The first position is told its own.
    """

    def __init__(self, setting: Setting, *, lag: int = 0) -> None:
        table, world, positions_s = setting.table, setting.world, setting.positions_s
        found = exact_prediction(table, world, positions_s)
        offload_s = np.where(table.is_offloaded, found.latency_s, np.inf)
        rows = offload_s.argmin(axis=1)
        at = np.arange(len(positions_s)), rows
        self._setting = setting
        self._lag = lag
        self._is_dead = np.isinf(offload_s[at])
        self._up = _rates(table.up_bytes[rows], found.upload_s[at] - world.delay_up_s)
        self._down = _rates(table.down_bytes[rows], found.download_s[at] - world.delay_down_s)
        for rates, curve in ((self._up, world.up_curve), (self._down, world.down_curve)):
            for index in np.flatnonzero(np.isnan(rates)):
                rates[index] = curve.rate_at(float(positions_s[index])) or np.inf

    def conditions(self, index: int) -> Conditions:
        """Give what was met so many positions before."""
        index = max(index - self._lag, 0)
        world, at_s = self._setting.world, float(self._setting.positions_s[index])
        load, slowdown = world.load.at(at_s), world.device.at(at_s)
        if self._is_dead[index]:
            return Conditions(None, load, slowdown, NOTHING_PASSES)
        up, down = float(self._up[index]), float(self._down[index])
        link = LinkConditions(up, down, world.delay_up_s, world.delay_down_s)
        return Conditions(link, load, slowdown)

    def observe(self, index: int, row: int, parts: Parts, record: InferenceRecord) -> None:
        """Learn nothing."""


class LateBelief:
    """
    What was true one position earlier, rates being means over the window that began there.

    The whole of its window counts, though the later part of it may lie ahead of the present
    position. The first position is told what is true there.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def conditions(self, index: int) -> Conditions:
        """Give what was true at the position before."""
        setting = self._setting
        at_s = setting.positions_s[max(index - 1, 0)]
        return true_conditions(setting.world, at_s, setting.window_s)

    def observe(self, index: int, row: int, parts: Parts, record: InferenceRecord) -> None:
        """Learn nothing."""


class CausalBelief:
    """
    What was true in the window that ends now: nothing of the future, which no device knows.

    Positions within the first window are told of what it holds.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def conditions(self, index: int) -> Conditions:
        """Give what was true until the position."""
        setting = self._setting
        from_s = max(float(setting.positions_s[index]) - setting.window_s, 0.0)
        return true_conditions(setting.world, from_s, setting.window_s)

    def observe(self, index: int, row: int, parts: Parts, record: InferenceRecord) -> None:
        """Learn nothing."""


class EstimatedBelief:
    """
    What the estimators make of the uploads, answers and probes of the chosen rows.

    Acknowledgements teach when they come, and their absence when they do not: where positions are
    closer together than latencies, several uploads are under way. An inference teaches the rest
    when it has ended; one that the device gave up, or won a race against, teaches no more than was
    heard by then, and what had left already.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        first_s = float(setting.positions_s[0]) if len(setting.positions_s) else 0.0
        polled = partial(polled_load, setting.world)
        self._learner = Learner(setting.world, first_s, polled)
        self._flights = Flights(self._learner)
        self._pending: list[_Pending] = []

    def conditions(self, index: int) -> Conditions:
        """Give what is believed at the position, from all that has ended by then."""
        now_s = float(self._setting.positions_s[index])
        due = sorted((each for each in self._pending if each.ended_s <= now_s), key=_by_end)
        if due:
            self._pending = [each for each in self._pending if each.ended_s > now_s]
        for each in due:
            self._hear(each.ended_s)
            self._learn(each)
        self._hear(now_s)
        if not self._is_under_way(now_s):
            self._learner.probe_while_idle(now_s)
        most = self._flights.most_bytes_per_s(now_s)
        return self._learner.conditions(now_s, most_bytes_per_s=most)

    def observe(self, index: int, row: int, parts: Parts, record: InferenceRecord) -> None:
        """Take note of an inference under way."""
        table, is_offloaded = self._setting.table, bool(self._setting.table.is_offloaded[row])
        left_s = record.at_s + _listened_s(record) if is_offloaded else inf
        ended_s = min(record.at_s + parts.latency_s, left_s)
        self._pending.append(_Pending(ended_s, row, parts, record, is_offloaded))
        if is_offloaded:
            sent_s = record.at_s + parts.head_s + parts.encode_s
            self._flights.begin(sent_s, float(table.up_bytes[row]), left_s)

    def _hear(self, now_s: float) -> None:
        """Hear the acknowledgements that come until now."""
        for at_s in self._flights.until(now_s):
            self._learner.last_used_s = max(self._learner.last_used_s, at_s)

    def _is_under_way(self, now_s: float) -> bool:
        return any(each.is_offloaded for each in self._pending)

    def _learn(self, ended: "_Pending") -> None:
        table, learner, parts = self._setting.table, self._learner, ended.parts
        headed_s = ended.record.at_s + parts.head_s
        learner.slowdown.observe(parts.head_s, float(table.head_s[ended.row]), headed_s)
        if not ended.is_offloaded:
            return
        learner.last_used_s = max(learner.last_used_s, ended.ended_s)
        if ended.record.placement == "device":
            self._learn_unanswered(ended)
            return
        learner.answered(parts.wait_s, parts.tail_s, float(table.tail_s[ended.row]), ended.ended_s)
        learner.returned(parts.download_s, float(table.down_bytes[ended.row]))

    def _learn_unanswered(self, ended: "_Pending") -> None:
        """Learn from a request that was given up while the server computed: so long, at least."""
        record, predicted = ended.record, ended.record.predicted
        if record.failed_in == "compute":
            since_s = record.measured.lost_s - max(predicted.upload_s, ended.parts.upload_s)
            idle_s = predicted.tail_s / record.conditions.load.slowdown
            self._learner.load.observe_at_least(since_s, idle_s, ended.ended_s)


class _Pending(NamedTuple):
    """An inference whose end lies ahead: of what the device hears of it, that is."""

    ended_s: float
    row: int
    parts: Parts
    record: InferenceRecord
    is_offloaded: bool


def _listened_s(record: InferenceRecord) -> float:
    """Give how long after its begin the device waited for the server; infinite: to the end."""
    measured = record.measured
    if record.placement != "device":
        return inf
    if record.race is not None:
        return measured.latency_s
    return measured.head_s + measured.encode_s + measured.lost_s


BELIEFS: dict[str, Callable[[Setting], Belief]] = {
    "met": MetBelief,
    "met late": partial(MetBelief, lag=1),
    "true": TrueBelief,
    "late": LateBelief,
    "causal": CausalBelief,
    "estimated": EstimatedBelief,
}
"""By the name under which an exact run is asked for them."""


def _rates(size_bytes: NDArray[np.float64], duration_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give bytes per second; NaN where nothing was sent, or in no time."""
    tells = (size_bytes > 0) & (duration_s > 0)
    rates = np.full(tells.shape, np.nan)
    np.divide(size_bytes, duration_s, out=rates, where=tells)
    return rates


def _by_end(pending: _Pending) -> float:
    return pending.ended_s
