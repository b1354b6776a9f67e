"""An emulated link in a process of its own."""

import contextlib
import json
import select
import subprocess
import sys
from types import TracebackType
from typing import final

from cutpoint.lab.disturbance import Disturbance
from cutpoint.lab.link_commands import Side

_START_S = 30.0
_END_S = 5.0
_BITS_PER_BYTE = 8


@final
class LinkProcess:
    """
    Runs `cutpoint.lab.proxy` as a child process: its own interpreter, its own share of a core.

    Parameters
    ----------
    target
        ``HOST:PORT`` to forward to; it need not listen yet.
    delay_s
        One-way delay in each direction, in seconds.
    up_bytes_per_s, down_bytes_per_s
        Rates from client to target, and back; None for no limit.
    listen_port
        Port on loopback; 0 takes any free one.

    Raises
    ------
    ValueError
        If a rate or the delay is negative.

    Notes
    -----
    The child ends when its standard input does, so it does not outlive this
    process even if this process is killed.
    """

    def __init__(
        self,
        target: str,
        *,
        delay_s: float = 0.0,
        up_bytes_per_s: float | None = None,
        down_bytes_per_s: float | None = None,
        listen_port: int = 0,
    ) -> None:
        if not delay_s >= 0:
            raise ValueError(f"delay_s must be at least 0, got {delay_s}")
        self._command = [sys.executable, "-m", "cutpoint.lab.proxy"]
        self._command += ["--target", target, "--listen", str(listen_port)]
        self._command += ["--delay", _duration_text(delay_s)]
        self._command += ["--up", _rate_text(up_bytes_per_s)]
        self._command += ["--down", _rate_text(down_bytes_per_s)]
        self._process: subprocess.Popen[str] | None = None
        self._address = ""

    def __enter__(self) -> "LinkProcess":
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
        ``127.0.0.1:PORT``, where clients connect.

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
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            self._address = json.loads(_first_line(self._process))["address"]
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
        self._tell(f"rate {_rate_text(up_bytes_per_s)} {_rate_text(down_bytes_per_s)}")

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
        self._tell(f"delay {_duration_text(up_s)} {_duration_text(down_s)}")

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
        self._tell(f"stall {_duration_text(duration_s)}")

    def disturb(self, jitter_s: float = 0.0, loss: float = 0.0) -> None:
        """
        Delay pieces unevenly from now on (see `Disturbance`); none of both ends it.

        Raises
        ------
        ValueError
            If one is out of its range.
        """
        checked = Disturbance(jitter_s, loss)
        self._tell(f"disturb {_duration_text(checked.jitter_s)} {checked.loss:.6f}")

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

    def _tell(self, line: str) -> None:
        stdin = self._running().stdin
        assert stdin is not None
        stdin.write(line + "\n")
        stdin.flush()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("the link is not started: start it, or use it in a with block")
        return self._process


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    is_readable = bool(select.select([process.stdout], [], [], _START_S)[0])
    line = process.stdout.readline() if is_readable else ""
    if not line:
        state = "ended" if is_readable else f"said nothing for {_START_S:.0f} s"
        raise RuntimeError(f"the link process {state} before it was ready; see standard error")
    return line


def _duration_text(duration_s: float) -> str:
    return f"{duration_s * 1e6:.3f}us"


def _rate_text(bandwidth_bytes_per_s: float | None) -> str:
    if bandwidth_bytes_per_s is None:
        return "none"
    if not 0 <= bandwidth_bytes_per_s < float("inf"):
        raise ValueError(
            f"a rate must be at least 0 bytes per second and finite, got {bandwidth_bytes_per_s}"
        )
    return f"{bandwidth_bytes_per_s * _BITS_PER_BYTE:.3f}bit/s"
