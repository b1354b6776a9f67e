"""One server of a `ForkServer`: started, frozen, killed, started again on the same port."""

import json
import os
import signal
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Condition, Thread
from types import TracebackType
from typing import Any

from cutpoint.exceptions import ConnectError

_START_TIMEOUT_S = 120.0
_END_TIMEOUT_S = 30.0


class ForkedServer:
    """
    ``cutpoint serve`` as a process that is forked off a `ForkServer`.

    Parameters
    ----------
    fork
        Starts a process with these words; what it prints goes to the file named first.
    words
        Of its command line, without the port.
    """

    def __init__(self, fork: Callable[[str, Sequence[str]], None], words: Sequence[str]) -> None:
        self._fork = fork
        self._words = tuple(words)
        self._changed = Condition()
        self._reader: Thread | None = None
        self._pid: int | None = None
        self._has_ended = True
        self._is_ready = False
        self._is_listening = False
        self._host, self._port = "127.0.0.1", 0

    def __enter__(self) -> "ForkedServer":  # noqa: PYI034 (Self needs Python 3.11)
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
        """``HOST:PORT``; the same after a restart."""
        return f"{self._host}:{self._port}"

    @property
    def pid(self) -> int:
        """
        Id of the process.

        Raises
        ------
        RuntimeError
            If it is not running.
        """
        pid = self._pid
        if pid is None or self._has_ended:
            raise RuntimeError("the server is not running: start it first")
        return pid

    @property
    def is_running(self) -> bool:
        """Whether the process is there, be it stopped."""
        return self._pid is not None and not self._has_ended

    @property
    def is_ready(self) -> bool:
        """Whether every model is warm."""
        return self._is_ready

    def start(self) -> None:
        """
        Start it, and return when it listens; on the port it had before, if it had one.

        Raises
        ------
        RuntimeError
            If it is running.
        ConnectError
            If it ends instead of listening.
        """
        self.begin()
        self._wait(lambda: self._is_listening)

    def begin(self) -> None:
        """Start it, and return at once; raises RuntimeError if it is running."""
        if self.is_running:
            raise RuntimeError(f"the server is running already, as process {self._pid}")
        self._pid, self._has_ended = None, False
        self._is_listening = self._is_ready = False
        folder = tempfile.mkdtemp(prefix="cutpoint-")
        output = Path(folder) / "events"
        os.mkfifo(output)
        self._reader = Thread(target=self._read, args=(output,), daemon=True)
        self._reader.start()
        self._fork(str(output), (*self._words, "--port", str(self._port)))

    def wait_until_ready(self) -> None:
        """
        Wait until every model is warm.

        Raises
        ------
        ConnectError
            If it ends before.
        """
        self._wait(lambda: self._is_ready)

    def freeze(self) -> None:
        """Stop the process where it stands: its sockets stay, and say nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it with SIGKILL, as a power cut would; returns when it is gone."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """End it with SIGTERM and wait; one that does not end in time is killed."""
        if not self.is_running:
            return
        os.kill(self.pid, signal.SIGCONT)
        try:
            self._end(signal.SIGTERM)
        except TimeoutError:
            self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if not self.is_running or self._reader is None:
            return
        os.kill(self.pid, number)
        self._reader.join(timeout=_END_TIMEOUT_S)
        if self._reader.is_alive():
            raise TimeoutError(f"the server did not end on {number.name}")
        self._is_ready = self._is_listening = False

    def _wait(self, is_so: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: is_so() or self._has_ended, _START_TIMEOUT_S)
        if not is_so():
            state = "ended" if self._has_ended else f"said nothing for {_START_TIMEOUT_S:.0f} s"
            raise ConnectError(f"`cutpoint serve` {state} before it was ready; see its messages")

    def _read(self, output: Path) -> None:
        """Take what it says until it says no more: the end of its output is its own end."""
        text = ""
        decoder = json.JSONDecoder()
        with output.open() as lines:
            output.unlink()
            output.parent.rmdir()
            for line in lines:
                text += line
                try:
                    event, _ = decoder.raw_decode(text)
                except ValueError:
                    continue  # an object may span several lines
                text = ""
                self._take(event)
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def _take(self, event: dict[str, Any]) -> None:
        with self._changed:
            match event.get("event"):
                case "forked":
                    self._pid = int(event["pid"])
                case "listening":
                    self._host, _, port = str(event["address"]).rpartition(":")
                    self._port = int(port)
                    self._is_listening = True
                case "ready":
                    self._is_ready = True
            self._changed.notify_all()
