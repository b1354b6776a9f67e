"""Contenders in turn on one server: same input, same place of the link, same load."""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from math import ceil
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import IO

import msgspec

from cutpoint.cost import CutTable
from cutpoint.exceptions import ConfigurationError
from cutpoint.execution.runtime import keep_freed_memory
from cutpoint.graph import Arrays
from cutpoint.lab.arena.contender import Contender
from cutpoint.lab.arena.fixed_row import FixedRow
from cutpoint.lab.arena.place import Place
from cutpoint.lab.arena.rows_seat import ROWS, RowsSeat
from cutpoint.lab.arena.seat import Seat
from cutpoint.lab.arena.shot import Shot, Spot, contention_at
from cutpoint.lab.arena.subject import Subject
from cutpoint.lab.background_load import BackgroundLoad, target_of
from cutpoint.lab.equivalence import is_equal
from cutpoint.lab.one_core import pin
from cutpoint.lab.server_process import ServerProcess

_LEAD_S = 0.8
"""So long before a turn its link is led to the place: the session probes it meanwhile."""

_MOST_AHEAD = 8
_NUM_TIMED = 16
"""As many turns are looked ahead as the latest ones fit into that time."""

_LOAD_SETTLES_S = 0.5
_MEASURES_LOAD_S = 2.0


@dataclass(frozen=True)
class Visit:
    """
    One round to be.

    Parameters
    ----------
    place
        Where.
    example
        Number of the picture.
    rows
        Fixed rows that take turns with the contenders.
    only
        Names of the contenders that take part; ``None`` for all.
    """

    place: Place
    example: int = 0
    rows: tuple[FixedRow, ...] = ()
    only: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Turn:
    """Who runs where on what; a fixed row is run by the seat that replays them."""

    seat: Seat
    place: Place
    example: int
    round: int
    row: FixedRow | None = None


class Arena:
    """
    One subject, one server process with one worker, and a seat for each contender.

    Contenders run one after the other, in an order that turns from round to round, so that what
    drifts hits all alike. Each has a link of its own, and every link is put to the same position
    when its contender begins. Between its turns a link is held as it was, so that each session
    believes what it could have seen itself by then.

    Parameters
    ----------
    subject
        What is run.
    contenders
        Who runs it.
    slowdown
        Of the emulated device.
    delay_s
        One-way delay of every link.
    with_rows
        Whether there is a seat that replays fixed rows.
    log
        File that takes every shot as a line of JSON, those that do not count as well.
    threads
        Of the server, inside one operator.
    arguments
        More of the server's command line.
    pins
        Whether the server has one core of its own.

    Raises
    ------
    ConfigurationError
        If two contenders have the same name.
    """

    def __init__(
        self,
        subject: Subject,
        contenders: Sequence[Contender],
        *,
        slowdown: float,
        delay_s: float = 0.005,
        with_rows: bool = False,
        log: Path | None = None,
        threads: int = 1,
        arguments: Sequence[str] = ("--workers", "1"),
        pins: bool = False,
    ) -> None:
        names = [each.name for each in contenders]
        if len(set(names)) < len(names):
            raise ConfigurationError(f"contenders {names}: give each a name of its own")
        self.subject = subject
        self.slowdown = slowdown
        self.shots: list[Shot] = []
        self._contenders = tuple(contenders)
        self._delay_s = delay_s
        self._with_rows = with_rows
        self._log_path = log
        self._threads = threads
        self._arguments = tuple(arguments)
        self._pins = pins
        self._seats: dict[str, Seat] = {}
        self._stack = ExitStack()
        self._log: IO[bytes] | None = None
        self._num_rounds = 0
        self._took_s: deque[float] = deque(maxlen=_NUM_TIMED)
        self._level = 0.0
        self._load: BackgroundLoad | None = None

    def __enter__(self) -> "Arena":  # noqa: PYI034 (Self needs Python 3.11)
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def server(self) -> str:
        """Address of the server itself, behind no link."""
        return self._server.address

    @property
    def names(self) -> tuple[str, ...]:
        """Of the contenders."""
        return tuple(each.name for each in self._contenders)

    def seat(self, name: str) -> Seat:
        """
        Give a contender's seat.

        Raises
        ------
        KeyError
            If there is none of that name.
        """
        return self._seats[name]

    def table(self, name: str) -> CutTable | None:
        """Give the table that a contender decided on last; ``None`` before its first decision."""
        return self._seats[name].table

    def wait_until_ready(self, timeout_s: float = 60.0) -> None:
        """
        Wait until every session may use the server, and each has decided once.

        Raises
        ------
        CutpointError
            If one may not; says why.
        """
        for seat in self._seats.values():
            seat.session.wait_until_ready(timeout_s)
        for seat in self._seats.values():
            seat.session.run(None, self.subject.feed(seat.contender.input, 0))

    def set_load(self, level: float) -> None:
        """
        Let others load the server from now on, and wait until that shows.

        Parameters
        ----------
        level
            Share of the capacity, which is measured the first time: requests of the whole model,
            Poisson arrivals, made whether others are answered or not.
        """
        if level == self._level:
            return
        if self._load is None:
            target = target_of(self.subject.pixels, self._server.address)
            self._load = self._stack.enter_context(BackgroundLoad(target))
            self._load.measure(_MEASURES_LOAD_S)
        self._load.set(level)
        self._level = level
        time.sleep(_LOAD_SETTLES_S)

    def flush(self) -> None:
        """Let the log hold every shot so far."""
        if self._log is not None:
            self._log.flush()

    def settle(self, place: Place, duration_s: float) -> None:
        """Put every link to a place for a while before it counts: sessions probe it meanwhile."""
        self.set_load(place.load)
        for seat in self._seats.values():
            seat.lead_in(place, duration_s)
        time.sleep(duration_s)

    def round(
        self,
        place: Place,
        example: int = 0,
        rows: Sequence[FixedRow] = (),
        only: Sequence[str] | None = None,
    ) -> tuple[Shot, ...]:
        """Let every contender run once at a place; arguments as those of `Visit`."""
        given = None if only is None else tuple(only)
        return next(iter(self.rounds([Visit(place, example, tuple(rows), given)])))

    def rounds(self, visits: Iterable[Visit]) -> Iterator[tuple[Shot, ...]]:
        """
        Let every contender run at one place after the other.

        Yields
        ------
        tuple of Shot
            Of one visit, in the order in which they were run.
        """
        turns = (turn for visit in visits for turn in self._turns(visit))
        ahead = list(islice(turns, 1))
        done: list[Shot] = []
        while ahead:
            ahead += list(islice(turns, max(self._num_ahead + 1 - len(ahead), 0)))
            done.append(self._take(ahead))
            number = ahead.pop(0).round
            if not ahead or ahead[0].round != number:
                yield tuple(done)
                done = []

    @property
    def _num_ahead(self) -> int:
        took_s = median(self._took_s) if self._took_s else _LEAD_S
        return min(max(ceil(_LEAD_S / max(took_s, 1e-3)), 1), _MOST_AHEAD)

    def _turns(self, visit: Visit) -> list[Turn]:
        """Give who runs, in an order that begins with another one each time."""
        number = self._num_rounds
        self._num_rounds += 1
        wanted = self.names if visit.only is None else visit.only
        at = visit.place, visit.example, number
        turns = [Turn(self._seats[name], *at) for name in wanted]
        turns += [Turn(self._seats[ROWS], *at, row) for row in visit.rows]
        shift = number % max(len(turns), 1)
        return [*turns[shift:], *turns[:shift]]

    def _take(self, ahead: Sequence[Turn]) -> Shot:
        """Run the first of the turns ahead, while the links of the others come to their places."""
        turn = ahead[0]
        # Rounds may be short: whoever has two turns ahead is led to the first of them.
        for each in {each.seat: each for each in reversed(ahead)}.values():
            if each.place.load == turn.place.load:
                each.seat.lead_in(each.place, _LEAD_S)
        self.set_load(turn.place.load)
        turn.seat.wait_to_be_there()
        began_s = time.perf_counter()
        if turn.row is not None and isinstance(turn.seat, RowsSeat):
            record, outputs = turn.seat.run_row(turn.row, turn.place, turn.example)
        else:
            record, outputs = turn.seat.run(turn.place, turn.example)
        self._took_s.append(time.perf_counter() - began_s)
        shot = Shot(
            contender=turn.seat.contender.name if turn.row is None else turn.row.name,
            spot=Spot.of(turn.place),
            example=turn.example,
            round=turn.round,
            record=record,
            contention_device=contention_at(record, is_device=True),
            contention_server=contention_at(record, is_device=False),
            is_equal=self._is_equal(turn.seat, turn.example, outputs),
        )
        self._keep(shot)
        return shot

    def _is_equal(self, seat: Seat, example: int, outputs: Arrays) -> bool | None:
        if seat.contender.is_lossy:
            return None
        expected = self.subject.expected(seat.contender.input, example)
        return all(is_equal(outputs[name], wanted) for name, wanted in expected.items())

    def _keep(self, shot: Shot) -> None:
        self.shots.append(shot)
        if self._log is not None:
            self._log.write(msgspec.json.encode(shot) + b"\n")

    def _open(self) -> None:
        keep_freed_memory()
        subject = self.subject
        paths = [str(subject.plain), str(subject.pixels)]
        server = ServerProcess(paths, self._threads, self._arguments)
        self._server = self._stack.enter_context(server)
        if self._pins:
            pin(server.pid)
        if self._log_path is not None:
            self._log = self._stack.enter_context(self._log_path.open("ab"))
        at = subject, server.address, self.slowdown, self._delay_s
        for each in self._contenders:
            self._seat(each.name, Seat(each, *at))
        if self._with_rows:
            self._seat(ROWS, RowsSeat(*at))

    def _seat(self, name: str, seat: Seat) -> None:
        self._stack.callback(seat.close)
        self._seats[name] = seat
