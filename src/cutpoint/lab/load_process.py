"""A source of load in a process of its own: its own interpreter, its own share of a core."""

import contextlib
import subprocess
import sys
from types import TracebackType

import msgspec

from cutpoint.lab.load_order import Load, LoadOrder, Target

_END_S = 10.0


class LoadProcess:
    """
    Runs `cutpoint.lab.load_source` as a child process.

    Parameters
    ----------
    target
        Whom to ask for what.
    """

    def __init__(self, target: Target) -> None:
        text = msgspec.json.encode(target).decode()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cutpoint.lab.load_source", text],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> "LoadProcess":  # noqa: PYI034 (Self needs Python 3.11)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def offer(self, order: LoadOrder) -> Load:
        """
        Make requests as an order says; give what came of them.

        Raises
        ------
        RuntimeError
            If the process ended.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the source of load was closed: make another")
        with contextlib.suppress(BrokenPipeError):  # then it says nothing either
            stdin.write(msgspec.json.encode(order) + b"\n")
            stdin.flush()
        line = stdout.readline()
        if not line:
            raise RuntimeError("the source of load ended; see its messages")
        return msgspec.json.decode(line, type=Load)

    def close(self) -> None:
        """End the process, by force if it does not by itself; twice is fine."""
        end_source(self._process)


def end_source(process: "subprocess.Popen[bytes]") -> None:
    """End a process by the end of its input, else by its process id; twice is fine."""
    if process.stdin is not None:
        # One that died has not read the last line.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
