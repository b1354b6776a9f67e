"""ANS as a policy: it learns what offloading takes, and knows nothing of link or server."""

from collections.abc import Sequence
from math import ceil, isfinite, log, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import CutTable
from cutpoint.graph import Cut, Graph, candidate_cuts
from cutpoint.planning import Decider, shortlist
from cutpoint.policies.offloaded_work import OffloadedWork
from cutpoint.policies.per_table import PerTable
from cutpoint.policies.policy import Situation, alone
from cutpoint.records import RAW, InferenceRecord, Plan

_MU = 0.25
_FIRST_HORIZON = 200
_DELTA, _NOISE, _THETA = 0.1, 0.05, 1.0
_KEY_WEIGHT, _WEIGHT = 0.8, 0.2
"""Of key frames and of others (``L``)."""

_MOST_MODELS = 64
_MOST_DELAY = 1e3
"""Times what the device takes for all: a delay beyond it was an outage, and teaches no line."""


class Ans:
    """
    ANS, µLinUCB [1]_: the delay behind each cut point as a line in the work offloaded.

    There is no profile of the server and no estimate of the link: what lies behind the head takes
    ``x . theta``, with `x` seven numbers of the offloaded part (`OffloadedWork`). The cut point
    with the least optimistic delay is taken, and every so many frames, ``ceil(T^0.25)``, one that
    offloads, since device-only teaches nothing (the ``µ``).

    Parameters
    ----------
    seed
        Of the first covariance, which the authors' code draws at random.

    Notes
    -----
    The abstract and the authors' code were at hand. Deviations: `x` is scaled to its largest
    values and delays to the whole model's on the device, since constants of about 1 suppose figures
    of about 1; no frame is a key frame (``L = 0.2``), for a tensor has no structural similarity to
    the frame before it. A frame whose offload was lost counts with all that it took behind the
    head. As published there is no discount for what was learnt long ago: forced frames alone follow
    a changing link. Before it was asked for its candidates it has no graph: what the device needs
    for the tail stands in for the operations then.

    References
    ----------
    .. [1] Zhang, L., Chen, L., Xu, J. (2021). Autodidactic Neurosurgeon: Collaborative Deep
           Inference for Mobile Edge Intelligence via Online Learning. *The Web Conference*,
           3111 - 3123. Code: github.com/letian-zhang/ANS.
    """

    name = "ans"
    needs_every_candidate = False
    is_steady = False

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._work: OffloadedWork | None = None
        self._ready = PerTable(self._prepare)
        self._lines: dict[str, DelayLine] = {}
        self._latest: dict[str, _Ready] = {}

    def __repr__(self) -> str:
        return f"<Ans: {len(self._lines)} servers>"

    def candidates(self, graph: Graph) -> Sequence[Cut]:
        """Give the shortlist of the cuts at one value."""
        if self._work is None:
            self._work = OffloadedWork(graph)
        return shortlist(graph, candidate_cuts(graph))

    def decide(self, situation: Situation) -> Plan:
        """Give the plan with the least optimistic delay, an offloading one every so many frames."""
        ready, server = self._ready.of(situation), situation.server or ""
        self._latest[server] = ready
        line = self._line_of(server)
        if not situation.conditions.is_server_usable or len(ready.rows) < 2:
            return alone(ready.decider.plan(0, 0, situation.conditions), situation)
        worth = ready.front + line.optimistic(ready.features, 1 - _WEIGHT)
        worth[0] = ready.front[0]
        first = 1 if line.is_forced() else 0
        row = int(ready.rows[first + int(worth[first:].argmin())])
        return alone(ready.decider.plan(0, row, situation.conditions), situation)

    def observe(self, record: InferenceRecord) -> None:
        """Learn from an offloaded frame what it took behind its head."""
        ready = None if record.server is None else self._latest.get(record.server)
        place = None if ready is None else ready.place_of.get(record.cut)
        is_answered = record.race is None or not record.race.is_won
        if ready is None or not place or not is_answered or record.server is None:
            return
        measured = record.measured
        delay = (measured.latency_s - measured.head_s - measured.encode_s) / ready.whole_s
        if isfinite(delay) and 0 <= delay <= _MOST_DELAY:
            self._line_of(record.server).learn(ready.features[place], delay)

    def _line_of(self, server: str) -> "DelayLine":
        found = self._lines.get(server)
        if found is None:
            if len(self._lines) >= _MOST_MODELS:
                self._lines.clear()
                self._latest.clear()
            found = self._lines[server] = DelayLine(self._rng)
        return found

    def _prepare(self, table: CutTable, server: str) -> "_Ready":
        rows = [0]
        for row, (cut, codec) in enumerate(zip(table.cuts, table.codecs, strict=True)):
            is_seen = cut.placement == "split" and len(cut.crossing) == 1
            is_sent = cut.placement == "server" and table.may_send_inputs
            if codec == RAW and (is_seen or is_sent):
                rows.append(row)
        index = np.array(rows, np.intp)
        whole_s = max(float(table.head_s[0]), 1e-9)
        cuts = [table.cuts[row] for row in rows]
        return _Ready(
            Decider({server: table}),
            index,
            (table.head_s + table.encode_s)[index] / whole_s,
            self._features(table, index),
            whole_s,
            {cut.id: place for place, cut in enumerate(cuts)},
        )

    def _features(self, table: CutTable, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        cuts, up_bytes = [table.cuts[row] for row in rows], table.up_bytes[rows]
        if self._work is None:
            features = np.zeros((len(rows), OffloadedWork.NUM))
            features[:, 0], features[:, -1] = table.rest_s[rows], up_bytes
        else:
            features = self._work.of(cuts, up_bytes)
        features[0] = 0.0
        most = features.max(axis=0)
        scaled: NDArray[np.float64] = features / np.where(most > 0, most, 1.0)
        return scaled


class _Ready(NamedTuple):
    """A table as ANS sees it, device-only first; times as shares of the whole on the device."""

    decider: Decider
    rows: NDArray[np.intp]
    front: NDArray[np.float64]
    features: NDArray[np.float64]
    whole_s: float
    place_of: dict[str, int]


class DelayLine:
    """
    One server's delay as a line in what is offloaded, with how sure that is (ridge regression).

    Parameters
    ----------
    rng
        Source of the first covariance.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        # [1]'s code: A = diag(randint(1..8)), b = 0.
        self._a = np.diag(rng.integers(1, 9, OffloadedWork.NUM).astype(float))
        self._b = np.zeros(OffloadedWork.NUM)
        self._inverse = np.linalg.inv(self._a)
        self._frame = 0
        self._horizon = _FIRST_HORIZON

    def __repr__(self) -> str:
        return f"<DelayLine after {self._frame} frames>"

    @property
    def theta(self) -> NDArray[np.float64]:
        """The line. Shape ``(7,)``."""
        found: NDArray[np.float64] = self._inverse @ self._b
        return found

    def is_forced(self) -> bool:
        """Count a frame; tell whether it must offload."""
        self._frame += 1
        if self._frame > self._horizon:  # T is doubled when it is over
            self._horizon *= 2
        every: int = ceil(self._horizon**_MU)
        return self._frame % every == 0

    def optimistic(self, features: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
        """Give the lower ends of the delays, the wider the less is known. Shape ``(n_rows,)``."""
        # x . theta - alpha sqrt((1 - L) x A^-1 x), [1]'s score without the front delay.
        spread = np.einsum("ij,jk,ik->i", features, self._inverse, features)
        lower: NDArray[np.float64] = features @ self.theta - self._alpha * np.sqrt(
            weight * np.maximum(spread, 0.0)
        )
        return lower

    def learn(self, features: NDArray[np.float64], delay: float) -> None:
        """Learn from one offloaded frame."""
        self._a += np.outer(features, features)
        self._b += delay * features
        self._inverse = np.linalg.inv(self._a)

    @property
    def _alpha(self) -> float:
        # C_theta + C_noise sqrt(7 log((1 + T C_x^2) / delta)), over 1 - l of key frames; features
        # are 1 at most, so C_x^2 is their number.
        num = OffloadedWork.NUM
        grown = _NOISE * sqrt(num * log((1 + self._horizon * num) / _DELTA))
        return (_THETA + grown) / (1 - _KEY_WEIGHT)
