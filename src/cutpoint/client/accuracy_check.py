"""Compute some answers again, exactly and beside everything else, and see whether codecs drift."""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition, Thread, current_thread

import numpy as np

from cutpoint.client.encoded_inputs import EncodedInputs
from cutpoint.cost.tolerance import Tolerance
from cutpoint.estimation import DriftDetector
from cutpoint.execution import Segments
from cutpoint.graph import Arrays, Cut

_NUM_LATEST = 100

_log = logging.getLogger(__name__)

OnDrift = Callable[[Cut, str, float, int], None]
"""Told of the cut, the codec, the error seen, and how many inferences were checked."""


@dataclass(frozen=True)
class _Job:
    cut: Cut
    codec: str
    values: Arrays
    outputs: Arrays
    files: EncodedInputs | None


@dataclass
class _Watched:
    """One codec at one cut."""

    drift: DriftDetector
    num_checks: int = 0
    errors: deque[float] = field(default_factory=lambda: deque(maxlen=_NUM_LATEST))


class AccuracyCheck:
    """
    Computes tails again on the device, on a thread of its own, one at a time.

    An inference is looked at by chance, whatever its turn: inputs that repeat cannot hide. One at
    a cut and codec that is under suspicion is looked at whenever the thread is free; so are
    the first few there. While it is busy none is: an inference never waits.

    Parameters
    ----------
    segments
        Run on this device.
    tolerance
        Judges.
    rate
        Share of the inferences that are computed again; 0 for none.
    on_drift
        Called once for a cut and codec whose errors have become too much, on that thread.
    seed
        Of the choice; ``None`` for another one each time.
    """

    def __init__(
        self,
        segments: Segments,
        tolerance: Tolerance,
        rate: float,
        on_drift: OnDrift,
        *,
        seed: int | None = None,
    ) -> None:
        self._segments = segments
        self._tolerance = tolerance
        self._rate = rate
        self._on_drift = on_drift
        self._rng = np.random.default_rng(seed)
        self._watched: dict[tuple[str, str], _Watched] = {}
        self._changed = Condition()
        self._job: _Job | None = None
        self._is_closing = False
        self._thread: Thread | None = None
        self._gap = self._drawn_gap()

    def __repr__(self) -> str:
        return f"<AccuracyCheck of {self._segments.graph.name}: {self._rate:g}>"

    @property
    def num_checks(self) -> int:
        """Inferences that were computed again."""
        with self._changed:
            return sum(each.num_checks for each in self._watched.values())

    def consider(
        self,
        cut: Cut,
        codec: str,
        values: Arrays,
        outputs: Arrays,
        files: EncodedInputs | None = None,
    ) -> bool:
        """
        Look at an inference, perhaps.

        Parameters
        ----------
        values
            Those that crossed, exact.
        outputs
            As they were given to the caller, who may change them afterwards.
        files
            Inputs that crossed as they came, to be decoded if it is computed again.

        Returns
        -------
        bool
            Whether it is computed again.
        """
        if self._rate <= 0:
            return False
        with self._changed:
            is_drawn = self._is_drawn()
            watched = self._at(cut, codec)
            if self._job is not None or self._is_closing or watched.drift.has_drifted:
                return False
            if not (is_drawn or watched.drift.is_suspicious):
                return False
            graph = self._segments.graph
            # Inputs are the caller's, who may write the next frame into them; so are outputs.
            others = {*graph.inputs, *graph.outputs}
            kept = {
                name: array.copy() if name in others else array for name, array in values.items()
            }
            copied = {name: array.copy() for name, array in outputs.items()}
            self._job = _Job(cut, codec, kept, copied, files)
            self._start()
            self._changed.notify_all()
        return True

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until nothing is being computed again; tells whether that came to be."""
        with self._changed:
            return self._changed.wait_for(lambda: self._job is None, timeout_s)

    def close(self) -> None:
        """End the thread; what is being computed ends at its next segment."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not current_thread():
            thread.join()

    def _is_drawn(self) -> bool:
        self._gap -= 1
        if self._gap > 0:
            return False
        self._gap = self._drawn_gap()
        return True

    def _drawn_gap(self) -> int:
        return int(self._rng.geometric(self._rate)) if self._rate > 0 else 0

    def _at(self, cut: Cut, codec: str) -> _Watched:
        key = cut.id, codec
        found = self._watched.get(key)
        if found is None:
            found = self._watched[key] = _Watched(DriftDetector(self._tolerance.most_share))
        return found

    def _start(self) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._work, name="cutpoint-check", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._job is not None or self._is_closing)
                job = self._job
                if self._is_closing or job is None:
                    return
            try:
                self._check(job)
            except Exception:  # the check's, not the inference's: its answer is given already
                _log.exception("an answer could not be checked")
            with self._changed:
                self._job = None
                self._changed.notify_all()

    def _check(self, job: _Job) -> None:
        tail = self._segments.tail_of(job.cut)
        values = job.values if job.files is None else {**job.values, **job.files.decoded()}
        execution = self._segments.run(
            tail, values, is_stopped=lambda: self._is_closing, measures_cpu=False
        )
        if len(execution.runs) < len(tail):
            return
        # What the head has made never travelled: it is the same in both.
        exact = {**job.outputs, **self._segments.outputs_of(execution.values)}
        error = self._tolerance.error(exact, job.outputs)
        with self._changed:
            watched = self._at(job.cut, job.codec)
            self._learn(watched, error)
            is_over = watched.drift.has_drifted
            if is_over:
                self._doubt_others(watched)
        if is_over:
            errors = tuple(watched.errors)
            self._on_drift(job.cut, job.codec, self._tolerance.summary(errors), watched.num_checks)

    def _learn(self, watched: _Watched, error: float) -> None:
        watched.num_checks += 1
        watched.drift.observe(self._tolerance.score(error))
        if watched.drift.is_calm:
            watched.errors.clear()  # what is told of a drift is what was seen since it began
        watched.errors.append(error)

    def _doubt_others(self, drifted: _Watched) -> None:
        for watched in self._watched.values():
            if watched is not drifted:
                watched.drift.doubt()
