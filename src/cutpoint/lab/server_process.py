"""A server in a process of its own: started, killed, started again on the same port."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Condition, Event, Thread
from types import TracebackType
from typing import Any

from cutpoint.exceptions import ConnectError

_START_TIMEOUT_S = 120.0
_END_TIMEOUT_S = 30.0

ServerEvent = Mapping[str, Any]
"""What the server printed of itself; ``event`` says what it is about."""


class ServerProcess:
    """
    ``cutpoint serve`` as a child process.

    Parameters
    ----------
    models
        Paths of ONNX files.
    num_threads
        Threads inside one operator; ``None`` leaves it to the other settings.
    arguments
        More of the command line.
    repository
        Folder of models.
    environment
        Variables set beside those of this process.
    errors
        File that takes what it says on standard error; by default that goes where this
        process's goes.
    """

    def __init__(
        self,
        models: Sequence[str] = (),
        num_threads: int | None = 1,
        arguments: Sequence[str] = (),
        *,
        repository: str | Path | None = None,
        environment: Mapping[str, str] | None = None,
        errors: str | Path | None = None,
    ) -> None:
        self._models = tuple(models)
        threads = () if num_threads is None else ("--threads", str(num_threads))
        folder = () if repository is None else ("--repository", str(repository))
        self._arguments = (*threads, *folder, *arguments)
        self._environment = dict(environment or {})
        self._errors = errors
        self._events: list[ServerEvent] = []
        self._heard = Condition()
        self._metrics_address: str | None = None
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
    def metrics_address(self) -> str:
        """
        Where its metrics are shown.

        Raises
        ------
        RuntimeError
            If it was not asked to show any, or has not said where yet.
        """
        if self._metrics_address is None:
            raise RuntimeError("the server shows no metrics: start it with --metrics-port 0")
        return self._metrics_address

    @property
    def metrics_port(self) -> int:
        """
        Port of its metrics.

        Raises
        ------
        RuntimeError
            As `metrics_address`.
        """
        return int(self.metrics_address.rpartition(":")[2])

    @property
    def events(self) -> tuple[ServerEvent, ...]:
        """Everything it said since it was started last."""
        with self._heard:
            return tuple(self._events)

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
        self._metrics_address = None
        with self._heard:
            self._events.clear()
        process = self._started()
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

    def wait_for(
        self,
        is_wanted: Callable[[ServerEvent], bool],
        count: int = 1,
        timeout_s: float = _START_TIMEOUT_S,
    ) -> ServerEvent:
        """
        Wait until it has said something, since it was started, so many times.

        Returns
        -------
        mapping
            The last of these events.

        Raises
        ------
        TimeoutError
            If it did not.
        """

        def found() -> list[ServerEvent]:
            return [event for event in self._events if is_wanted(event)]

        with self._heard:
            if not self._heard.wait_for(lambda: len(found()) >= count, timeout_s):
                raise TimeoutError(
                    f"`cutpoint serve` said it {len(found())} times of {count}: {self._events}"
                )
            return found()[count - 1]

    def signal(self, number: int) -> None:
        """
        Send it a signal, and go on.

        Raises
        ------
        RuntimeError
            If it is not running.
        """
        os.kill(self.pid, number)

    def wait_until_ended(self, timeout_s: float = _END_TIMEOUT_S) -> int:
        """
        Wait for its end, and give its exit code.

        Raises
        ------
        RuntimeError
            If it is not running.
        """
        if self._process is None:
            raise RuntimeError("the server is not running: start it first")
        code = self._process.wait(timeout=timeout_s)
        self._finish()
        return code

    def restart(self, *, is_killed: bool = False) -> None:
        """
        End it, start it again on the same port, and wait until it is ready.

        Parameters
        ----------
        is_killed
            Whether it ends as by a power cut.

        Raises
        ------
        ConnectError
            If it does not become ready.
        """
        if is_killed:
            self.kill()
        else:
            self.close()
        self.start()
        self.wait_until_ready()

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

    def _started(self) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "cutpoint.cli.main", "serve", *self._models]
        command += ["--json", "--port", str(self._port), *self._arguments]
        environment = {**os.environ, **self._environment}
        if self._errors is None:
            return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        with Path(self._errors).open("a", encoding="utf-8") as errors:
            return subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
            )

    def _finish(self) -> None:
        process, reader = self._process, self._reader
        if process is None or reader is None:
            return
        process.wait(timeout=_END_TIMEOUT_S)
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
                self._finish()
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

    def _take(self, event: ServerEvent) -> None:
        if event.get("event") == "listening":
            self._port = int(str(event["address"]).rpartition(":")[2])
            self._listening.set()
        elif event.get("event") == "metrics":
            self._metrics_address = str(event["address"])
        elif event.get("event") == "ready":
            self._ready.set()
        with self._heard:
            self._events.append(event)
            self._heard.notify_all()
