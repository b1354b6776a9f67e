"""Races on the real clock: never slower than the device alone, whatever the link is like."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cutpoint.client.session import InferenceSession
from cutpoint.execution.runtime import quiet_options
from cutpoint.graph import Arrays
from cutpoint.lab.link_process import LinkProcess
from cutpoint.lab.paired_ratio import measure_in_turn
from cutpoint.lab.photos import photos
from cutpoint.lab.server_process import ServerProcess
from cutpoint.policies import Hedge
from cutpoint.records import InferenceRecord
from cutpoint.units import from_mbit_per_s

PERCENTILES = (50, 95, 99)

_WARM_UP = 20
_READY_S = 60.0
_LEAST_PRIORITY = 19


@dataclass(frozen=True)
class Link:
    """An emulated link; the same rate both ways."""

    name: str
    bytes_per_s: float
    delay_s: float


LINKS = (
    Link("2 Mbit/s", from_mbit_per_s(2), 0.02),
    Link("1 Gbit/s", from_mbit_per_s(1000), 0.0005),
)
"""One over which no answer comes in time, and one over which some do."""


@dataclass(frozen=True)
class Pairs:
    """
    The same inferences raced and on the device alone, in turns.

    Parameters
    ----------
    link
        Over which they were raced.
    raced, alone
        Records of both.
    raced_s, alone_s
        What each `run` took, from call to return. Shape ``(n,)``.
    num_wrong
        Answers that differ from the device's.
    """

    link: Link
    raced: tuple[InferenceRecord, ...]
    alone: tuple[InferenceRecord, ...]
    raced_s: tuple[float, ...]
    alone_s: tuple[float, ...]
    num_wrong: int

    @property
    def encode_s(self) -> float:
        """What encoding took, in the median."""
        return float(np.median([record.measured.encode_s for record in self.raced]))

    @property
    def won_share(self) -> float:
        """Share of the races that the device won."""
        return float(np.mean([r.race is not None and r.race.is_won for r in self.raced]))

    def over_alone(self, percentile: int) -> float:
        """Give a percentile of the raced ones, encoding aside, over that on the device alone."""
        raced_s, alone_s = (
            float(np.percentile(each, percentile)) for each in (self.raced_s, self.alone_s)
        )
        return (raced_s - self.encode_s) / alone_s


def run_in_turns(path: Path, link: Link, num_pairs: int) -> Pairs:
    """
    Race a net over a link, with a run on the device alone before or behind each race.

    Everything is sent to the server, however slow the link is: no policy saves a race that would
    be hopeless.

    Raises
    ------
    CutpointError
        If the server does not become ready.
    """
    with ExitStack() as stack:
        server = stack.enter_context(ServerProcess([str(path)]))
        _give_way(server.pid)
        rate = link.bytes_per_s
        proxy = stack.enter_context(
            LinkProcess(
                server.address, delay_s=link.delay_s, up_bytes_per_s=rate, down_bytes_per_s=rate
            )
        )
        racing = stack.enter_context(_Runner(path, proxy.address, "server", "always"))
        alone = stack.enter_context(_Runner(path, proxy.address, "device", "off"))
        for runner in (racing, alone):
            for _ in range(_WARM_UP):
                runner.run()
            runner.forget()
        runs: Sequence[Callable[[], float]] = (racing.run, alone.run)
        raced_s, alone_s = measure_in_turn(runs, num_pairs)
        num_wrong = racing.num_unlike(alone)
        records = tuple(racing.records), tuple(alone.records)
    return Pairs(link, *records, tuple(raced_s), tuple(alone_s), num_wrong)


def _give_way(pid: int) -> None:
    """Let a process run where nobody else wants to: what it stands for is another machine."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.setpriority(os.PRIO_PROCESS, int(thread.name), _LEAST_PRIORITY)


class _Runner:
    """A session that is run on one picture and timed."""

    def __init__(self, path: Path, address: str, policy: str, hedge: Hedge) -> None:
        self.records: list[InferenceRecord] = []
        self.answers: list[np.ndarray] = []
        self._session = InferenceSession(
            path,
            quiet_options(1),
            ["CPUExecutionProvider"],
            server=address,
            policy=policy,
            hedge=hedge,
            on_record=self.records.append,
        )
        (given,) = self._session.get_inputs()
        _, height, width, _ = given.shape
        self._feed: Arrays = {given.name: np.ascontiguousarray(photos(1, height, width, 0))}

    def __enter__(self) -> "_Runner":  # noqa: PYI034 (Self needs Python 3.11)
        self._session.wait_until_ready(_READY_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def run(self) -> float:
        """Run once; gives what it took."""
        began_s = time.perf_counter()
        (answer, *_) = self._session.run(None, self._feed)
        took_s = time.perf_counter() - began_s
        self.answers.append(answer)
        return took_s

    def forget(self) -> None:
        """Begin anew: what was run so far has warmed everything up."""
        self.records.clear()
        self.answers.clear()

    def num_unlike(self, other: "_Runner") -> int:
        """Count answers that are not the other's."""
        expected = other.answers[0]
        return sum(not np.allclose(each, expected, atol=1e-5) for each in self.answers)
