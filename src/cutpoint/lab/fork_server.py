"""Server processes that start in a tenth of a second: forked off one that has imported all.

Most of what ``cutpoint serve`` needs to start is spent importing libraries. Campaigns that
kill a server dozens of times keep one process that has done so and runs nothing: every
server is a fork of it, a process of its own that is killed by its own id.
"""

import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import NoReturn, final

from cutpoint.execution.runtime import onnxruntime_module
from cutpoint.lab.forked_server import ForkedServer

_PROGRAMS = {"serve": "cutpoint.cli.main", "foreign": "cutpoint.lab.faults.foreign_server"}
_END_S = 5.0
_PR_SET_PDEATHSIG = 1
"""Linux's prctl: a signal for when the parent ends. A campaign that is killed leaves no servers."""


@final
class ForkServer:
    """
    Starts servers quickly; one process for a whole campaign.

    Parameters
    ----------
    prefix
        What its command line begins with, to run it elsewhere (in a network namespace).

    Examples
    --------
    >>> with ForkServer() as fork_server:  # doctest: +SKIP
    ...     with fork_server.server(["model.onnx"]) as server:
    ...         server.kill()
    ...         server.start()
    """

    def __init__(self, prefix: Sequence[str] = ()) -> None:
        self._prefix = tuple(prefix)
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "ForkServer":
        command = [*self._prefix, sys.executable, "-m", "cutpoint.lab.fork_server"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def server(
        self, models: Sequence[str], arguments: Sequence[str] = (), *, num_threads: int = 1
    ) -> ForkedServer:
        """
        Give a server that will be forked off here when it is started.

        Parameters
        ----------
        models
            Paths of ONNX files.
        arguments
            More of ``cutpoint serve``'s command line.
        num_threads
            Threads inside one operator.
        """
        words = ("serve", *models, "--json", "--threads", str(num_threads), *arguments)
        return ForkedServer(partial(self._fork, "serve"), words)

    def foreign_server(self, model: str) -> ForkedServer:
        """Give a server that is not cutpoint's (see `cutpoint.lab.faults.foreign_server`)."""
        return ForkedServer(partial(self._fork, "foreign"), (model,))

    def _fork(self, program: str, output: str, words: Sequence[str]) -> None:
        process = self._process
        if process is None or process.stdin is None:
            raise RuntimeError("nothing forks servers: use the fork server in a with block")
        process.stdin.write(json.dumps([program, output, *words]) + "\n")
        process.stdin.flush()


def main() -> None:
    """Fork a server per line of the input, a JSON list: program, where its output goes, words."""
    programs = {name: importlib.import_module(module) for name, module in _PROGRAMS.items()}
    importlib.import_module("cutpoint.server.edge_server")
    onnxruntime_module()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them here
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin:
        program, output, *words = json.loads(line)
        if os.fork() == 0:
            _become(programs[program].main, output, words)


def _become(program: Callable[[], None], output: str, words: Sequence[str]) -> NoReturn:
    """Go on as the program with these words; never return to the loop."""
    code = 1
    try:
        _end_with_parent()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        descriptor = os.open(output, os.O_WRONLY)
        os.dup2(descriptor, sys.stdout.fileno())
        os.close(descriptor)
        os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
        sys.stdout.write(json.dumps({"event": "forked", "pid": os.getpid()}) + "\n")
        sys.stdout.flush()
        sys.argv = ["cutpoint", *words]
        program()
        code = 0
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    finally:
        sys.stdout.flush()
        os._exit(code)


def _end_with_parent() -> None:
    """Have the kernel end this process with the one that forked it, however that ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


if __name__ == "__main__":
    main()
