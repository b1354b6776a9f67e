"""A server in a process of its own: started, killed, started again on the same port."""

import json
import subprocess
import sys
from collections.abc import Sequence
from threading import Event, Thread
from types import TracebackType

from cutpoint.exceptions import ConnectError

_START_TIMEOUT_S = 120.0


class ServerProcess:
    """
    ``cutpoint serve`` as a child process.

    Parameters
    ----------
    models
        Paths of ONNX files.
    num_threads
        Threads inside one operator.
    arguments
        More of the command line.
    """

    def __init__(
        self, models: Sequence[str], num_threads: int = 1, arguments: Sequence[str] = ()
    ) -> None:
        self._models = tuple(models)
        self._arguments = ("--threads", str(num_threads), *arguments)
        self._process: subprocess.Popen[str] | None = None
        self._reader: Thread | None = None
        self._listening = Event()
        self._ready = Event()
        self._port = 0

    def __enter__(self) -> "ServerProcess":  # noqa: PYI034 (Self needs Python 3.11)
        try:
            self.start()
            self.wait_until_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def address(self) -> str:
        """``127.0.0.1:PORT``; the same after a restart."""
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """
        Id of the process.

        Raises
        ------
        RuntimeError
            If it is not running.
        """
        if self._process is None:
            raise RuntimeError("the server is not running: start it first")
        return self._process.pid

    @property
    def is_ready(self) -> bool:
        """Whether every model is warm."""
        return self._ready.is_set()

    def start(self) -> None:
        """
        Start it, and return when it listens; on the port it had before, if it had one.

        Raises
        ------
        ConnectError
            If it ends instead of listening.
        """
        self._listening.clear()
        self._ready.clear()
        command = [sys.executable, "-m", "cutpoint.cli.main", "serve", *self._models]
        command += ["--json", "--port", str(self._port), *self._arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._process = process
        self._reader = Thread(target=self._read, args=(process,), daemon=True)
        self._reader.start()
        self._wait(self._listening)

    def wait_until_ready(self) -> None:
        """
        Wait until every model is warm.

        Raises
        ------
        ConnectError
            If it ends before.
        """
        self._wait(self._ready)

    def kill(self) -> None:
        """End it with SIGKILL, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._finish()

    def close(self) -> None:
        """End it with SIGTERM and wait."""
        if self._process is not None:
            self._process.terminate()
            self._finish()

    def _finish(self) -> None:
        process, reader = self._process, self._reader
        if process is None or reader is None:
            return
        process.wait(timeout=30)
        reader.join(timeout=5)
        if process.stdout is not None:
            process.stdout.close()
        self._process = None

    def _wait(self, event: Event) -> None:
        process = self._process
        for _ in range(int(_START_TIMEOUT_S / 0.1)):
            if event.wait(0.1):
                return
            if process is None or process.poll() is not None:
                code = None if process is None else process.returncode
                raise ConnectError(f"`cutpoint serve` ended with code {code}; see its messages")
        raise ConnectError(f"`cutpoint serve` was not ready within {_START_TIMEOUT_S:.0f} s")

    def _read(self, process: "subprocess.Popen[str]") -> None:
        if process.stdout is None:
            return
        text = ""
        decoder = json.JSONDecoder()
        for line in process.stdout:
            text += line
            try:
                event, _ = decoder.raw_decode(text)
            except ValueError:
                continue  # an object may span several lines
            text = ""
            self._take(event)

    def _take(self, event: dict[str, object]) -> None:
        if event.get("event") == "listening":
            self._port = int(str(event["address"]).rpartition(":")[2])
            self._listening.set()
        elif event.get("event") == "ready":
            self._ready.set()
