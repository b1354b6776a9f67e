"""How much of the server's memory weights may take, and what makes room for more."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal

from cutpoint.exceptions import ModelError, NoRoomError
from cutpoint.units import format_size

Kind = Literal["tail", "model"]
"""A tail beside the segments, or the segments of a model."""

_REST_S = 10.0
"""What was used so recently stays: two models that take turns would be loaded for ever."""

_MAX_TAILS = 4
_MAX_TAILS_IN_BUDGET = 32
"""Extra tails of one model: few where nothing else bounds them."""


@dataclass(eq=False)
class Holding:
    """
    Weights that are held, and how to let go of them.

    Parameters
    ----------
    model
        Whose.
    kind
        Tails beside the segments go first.
    size_bytes
        Of the weights.
    release
        Lets go of them.
    used_s
        When they were last used; before any time if never.
    running
        How often they are in use now.
    """

    model: str
    kind: Kind
    size_bytes: int
    release: Callable[[], None]
    used_s: float = -float("inf")
    running: int = field(default=0)


class MemoryBudget:
    """
    Counts weights and lets go of those that were not used for longest.

    Extra tails go first, then the segments of whole models; nothing that is running, and
    nothing used within the last seconds. Thread-safe.

    Parameters
    ----------
    limit_bytes
        ``None`` counts only.
    max_tails
        Extra tails that one model may hold.
    clock
        Seconds.
    """

    def __init__(
        self,
        limit_bytes: int | None = None,
        max_tails: int = _MAX_TAILS,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.limit_bytes = limit_bytes
        self.max_tails = max_tails
        self.num_evicted = 0
        self._clock = clock
        self._held: list[Holding] = []
        self._freed: deque[Holding] = deque()
        self._lock = Lock()

    @classmethod
    def of(cls, limit_bytes: int | None) -> "MemoryBudget":
        """Give a budget in which the bytes bound the tails of a model, where they are bounded."""
        return cls(limit_bytes) if limit_bytes is None else cls(limit_bytes, _MAX_TAILS_IN_BUDGET)

    def __repr__(self) -> str:
        limit = "no limit" if self.limit_bytes is None else format_size(self.limit_bytes)
        return f"<MemoryBudget: {format_size(self.held_bytes)} of {limit}>"

    @property
    def held_bytes(self) -> int:
        """Weights held now, in bytes."""
        with self._lock:
            self._forget_freed()
            return sum(each.size_bytes for each in self._held)

    def admit(self, holding: Holding) -> None:
        """
        Make room for weights that are about to be loaded, and count them.

        Raises
        ------
        NoRoomError
            If there is no room, and nothing that may go for it.
        ModelError
            If there are too many tails, all in use.
        """
        with self._lock:
            self._forget_freed()
            leaving = [*self._tails_too_many(holding)]
            leaving += self._over_limit(holding, leaving)
            self._held = [each for each in self._held if each not in leaving]
            self._held.append(holding)
            self.num_evicted += len(leaving)
        for each in leaving:
            each.release()

    def has_room(self, model: str, size_bytes: int) -> bool:
        """Tell whether a model's segments would find room now; nothing makes it yet."""
        with self._lock:
            self._forget_freed()
            try:
                self._over_limit(Holding(model, "model", size_bytes, _nothing), [])
            except NoRoomError:
                return False
        return True

    def built(self, holding: Holding, *, is_wanted: bool) -> None:
        """Let weights go again that were kept while they were loaded."""
        with self._lock:
            holding.running -= 1
            if is_wanted:
                holding.used_s = self._clock()

    def freed(self, holding: Holding) -> None:
        """Count weights no more, now that nothing refers to them; safe inside a finaliser."""
        self._freed.append(holding)

    def is_idle(self, holding: Holding) -> bool:
        """Tell whether weights may go for others."""
        return not holding.running and self._clock() - holding.used_s >= _REST_S

    def touch(self, holding: Holding) -> None:
        """Note that weights are wanted now."""
        holding.used_s = self._clock()

    def begin(self, holding: Holding) -> None:
        """Keep weights until as many `end` were called."""
        with self._lock:
            holding.running += 1
            holding.used_s = self._clock()

    def end(self, holding: Holding) -> None:
        """Let weights go again, if others need the room."""
        with self._lock:
            holding.running -= 1
            holding.used_s = self._clock()

    def _forget_freed(self) -> None:
        while self._freed:
            gone = self._freed.popleft()
            self._held = [each for each in self._held if each is not gone]

    def _tails_too_many(self, new: Holding) -> Iterable[Holding]:
        if new.kind != "tail":
            return ()
        own = [each for each in self._held if each.kind == "tail" and each.model == new.model]
        num_leaving = len(own) + 1 - self.max_tails
        if num_leaving <= 0:
            return ()
        idle = self._idle(own)
        if len(idle) < num_leaving:
            raise ModelError(
                f"model {new.model!r} holds {len(own)} tails beside its segments already, all in "
                "use: another is refused; serve it with a table that has it"
            )
        return idle[:num_leaving]

    def _over_limit(self, new: Holding, leaving: list[Holding]) -> list[Holding]:
        if self.limit_bytes is None:
            return []
        staying = [each for each in self._held if each not in leaving]
        missing = sum(each.size_bytes for each in staying) + new.size_bytes - self.limit_bytes
        # A model's own segments serve until its next version is warm.
        others = [each for each in staying if each.kind == "tail" or each.model != new.model]
        gone: list[Holding] = []
        for each in self._idle(others):
            if missing <= 0:
                break
            gone.append(each)
            missing -= each.size_bytes
        if missing > 0:
            others_stay = " and the rest is in use" if len(gone) < len(staying) else ""
            raise NoRoomError(
                f"model {new.model!r}: {format_size(new.size_bytes)} of weights do not fit into "
                f"{format_size(self.limit_bytes)}, {format_size(missing)} are "
                f"missing{others_stay}: give more with --memory, or serve fewer models",
                new.size_bytes,
            )
        return gone

    def _idle(self, among: Iterable[Holding]) -> list[Holding]:
        """Give what may go, in the order in which it goes."""
        idle = [each for each in among if self.is_idle(each)]
        return sorted(idle, key=lambda each: (each.kind == "model", each.used_s))


def _nothing() -> None:
    """Let go of nothing."""
