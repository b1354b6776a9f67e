"""The independent generator of load in a process of its own."""

import subprocess
import sys
from types import TracebackType

from cutpoint.lab.load_process import end_source


class CallersProcess:
    """
    Runs `cutpoint.lab.triton_bench.callers` as a child process.

    Parameters
    ----------
    address
        Of the Triton.
    model
        That is asked.
    """

    def __init__(self, address: str, model: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cutpoint.lab.triton_bench.callers", address, model],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> "CallersProcess":  # noqa: PYI034 (Self needs Python 3.11)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        end_source(self._process)

    def set(self, number: int) -> None:
        """
        Let so many requests be under way from now on.

        Raises
        ------
        RuntimeError
            If the process ended.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the generator was ended: make another")
        stdin.write(f"{number}\n".encode())
        stdin.flush()
        if not stdout.readline():
            raise RuntimeError("the generator ended; see its messages")
