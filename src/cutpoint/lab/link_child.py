"""What drives an emulated link in a process of its own, whatever kind of link it is."""

import contextlib
import json
import math
import select
import subprocess
from collections.abc import Sequence
from types import TracebackType
from typing import TypeVar

from cutpoint.lab.disturbance import Disturbance
from cutpoint.lab.link_commands import Side, schedule_text
from cutpoint.simulation.rate_schedule import RateSchedule

Self = TypeVar("Self", bound="LinkChild")

_START_S = 30.0
_ANSWER_S = 15.0
_END_S = 5.0
_BITS_PER_BYTE = 8


class LinkChild:
    """
    A child process that obeys the lines of `cutpoint.lab.link_commands`.

    Parameters
    ----------
    command
        Starts it; it says ``{"address": ...}`` once it is ready.

    Notes
    -----
    The child ends when its standard input does, so it does not outlive this
    process even if this process is killed.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._process: subprocess.Popen[str] | None = None
        self._address = ""
        self._schedules: dict[RateSchedule, str] = {}

    def __enter__(self: Self) -> Self:  # noqa: PYI019 (typing.Self needs Python 3.11)
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def address(self) -> str:
        """
        Where the other side is reached through the link.

        Raises
        ------
        RuntimeError
            If the process is not started.
        """
        self._running()
        return self._address

    def start(self) -> None:
        """
        Start the child, and wait until it listens.

        Raises
        ------
        RuntimeError
            If it is started already, or the child ended or said nothing for
            30 s; its own message is on standard error.
        """
        if self._process is not None:
            raise RuntimeError(f"the link is started already, at {self._address}")
        self._schedules = {}
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            line = _line(self._process, _START_S, "before it was ready")
            self._address = json.loads(line)["address"]
        except BaseException:
            self.close()
            raise

    def set_rate(self, up_bytes_per_s: float | None, down_bytes_per_s: float | None) -> None:
        """
        Change the rates, within a millisecond or so, also for bytes that wait.

        Parameters
        ----------
        up_bytes_per_s, down_bytes_per_s
            New rates; None for no limit, 0 for an outage.

        Raises
        ------
        ValueError
            If a rate is negative or not finite.
        RuntimeError
            If the process is not started.
        OSError
            If the process has died.
        """
        self._tell(f"rate {rate_text(up_bytes_per_s)} {rate_text(down_bytes_per_s)}")

    def play(
        self, up: RateSchedule | None, down: RateSchedule | None = None, position_s: float = 0.0
    ) -> None:
        """
        Empty the link, and go on with two schedules from a place in them.

        Returns once that is done, which takes a few milliseconds. What waits in the queues,
        is on the way or waits in a kernel's buffer is delivered at once: bytes of TCP cannot be
        dropped without breaking their stream. So whoever is put at the same position finds
        the same link. While it is partitioned or stalled nothing is moved, and connections that are
        being made are not waited for.

        Parameters
        ----------
        up, down
            From client to target, and back; ``None`` for no limit. Each is sent to the child
            once, however often it is played.
        position_s
            Where both stand now, in seconds from their beginning.

        Raises
        ------
        ValueError
            If the position is negative or not finite.
        RuntimeError
            If the process is not started, or does not answer.
        OSError
            If the process has died.
        """
        if not 0 <= position_s < math.inf:
            raise ValueError(f"position_s must be at least 0 and finite, got {position_s}")
        names = [self._name_of(schedule) for schedule in (up, down)]
        self._tell(f"play {names[0]} {names[1]} {position_s!r}")
        answer = json.loads(_line(self._running(), _ANSWER_S, "when it was told to play"))
        if "error" in answer:
            raise RuntimeError(f"the link does not play: {answer['error']}")

    def set_delay(self, up_s: float, down_s: float) -> None:
        """
        Change the one-way delays; raises as `set_rate`.

        Raises
        ------
        ValueError
            If one is negative.
        """
        if not (up_s >= 0 and down_s >= 0):
            raise ValueError(f"a delay must be at least 0, got {up_s} and {down_s}")
        self._tell(f"delay {duration_text(up_s)} {duration_text(down_s)}")

    def partition(self, side: Side = "both") -> None:
        """
        Stop the bytes of one or both directions; connections stay and new ones hang.

        Parameters
        ----------
        side
            ``"up"`` stops what goes to the target, ``"down"`` what comes back.
        """
        self._tell(f"partition {side}")

    def heal(self) -> None:
        """End a partition or a stall; what was held up is delivered at once."""
        self._tell("heal")

    def stall(self, duration_s: float) -> None:
        """Deliver nothing in either direction for a time."""
        self._tell(f"stall {duration_text(duration_s)}")

    def disturb(self, jitter_s: float = 0.0, loss: float = 0.0) -> None:
        """
        Delay pieces unevenly from now on (see `Disturbance`); none of both ends it.

        Raises
        ------
        ValueError
            If one is out of its range.
        """
        checked = Disturbance(jitter_s, loss)
        self._tell(f"disturb {duration_text(checked.jitter_s)} {checked.loss:.6f}")

    def reset_connections(self) -> None:
        """Reset every connection; new ones are taken."""
        self._tell("reset")

    def close(self) -> None:
        """End the child, by the end of its input, else by its process id; twice is fine."""
        if self._process is None:
            return
        process, self._process = self._process, None
        assert process.stdin is not None
        assert process.stdout is not None
        # A child that died has not read the last line.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def _name_of(self, schedule: RateSchedule | None) -> str:
        if schedule is None:
            return "none"
        if schedule not in self._schedules:
            name = self._schedules[schedule] = f"s{len(self._schedules)}"
            self._tell(f"schedule {name} {schedule_text(schedule)}")
        return self._schedules[schedule]

    def _tell(self, line: str) -> None:
        stdin = self._running().stdin
        assert stdin is not None
        stdin.write(line + "\n")
        stdin.flush()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("the link is not started: start it, or use it in a with block")
        return self._process


def _line(process: subprocess.Popen[str], within_s: float, when: str) -> str:
    assert process.stdout is not None
    is_readable = bool(select.select([process.stdout], [], [], within_s)[0])
    line = process.stdout.readline() if is_readable else ""
    if not line:
        state = "ended" if is_readable else f"said nothing for {within_s:.0f} s"
        raise RuntimeError(f"the link process {state} {when}; see standard error")
    return line


def duration_text(duration_s: float) -> str:
    """Write a duration as a link is told it."""
    return f"{duration_s * 1e6:.3f}us"


def rate_text(bandwidth_bytes_per_s: float | None) -> str:
    """
    Write a rate as a link is told it.

    Raises
    ------
    ValueError
        If it is negative or not finite.
    """
    if bandwidth_bytes_per_s is None:
        return "none"
    if not 0 <= bandwidth_bytes_per_s < float("inf"):
        raise ValueError(
            f"a rate must be at least 0 bytes per second and finite, got {bandwidth_bytes_per_s}"
        )
    return f"{bandwidth_bytes_per_s * _BITS_PER_BYTE:.3f}bit/s"
