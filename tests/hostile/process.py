"""A server process whose memory, threads, files and log are looked at from outside."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread
from types import TracebackType

_START_TIMEOUT_S = 120.0
SERVE = ("-m", "cutpoint.cli.main")


class WatchedServer:
    """
    ``cutpoint serve`` as a child whose log is kept.

    Parameters
    ----------
    models
        Paths of ONNX files.
    log
        File that takes what it says on standard error.
    program
        What Python runs: the command line, or a script that changes something first.
    arguments
        More of the command line.
    """

    def __init__(
        self,
        models: Sequence[Path],
        log: Path,
        program: Sequence[str] = SERVE,
        arguments: Sequence[str] = (),
    ) -> None:
        self.log = log
        self._ready = Event()
        self.address = ""
        command = [sys.executable, *program, "serve", *map(str, models)]
        command += ["--json", "--port", "0", "--threads", "1", *arguments]
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "WatchedServer":  # noqa: PYI034 (Self needs Python 3.11)
        for _ in range(int(_START_TIMEOUT_S / 0.1)):
            if self._ready.wait(0.1):
                return self
            if self.process.poll() is not None:
                break
        self.close()
        raise AssertionError(f"it did not become ready: {self.log.read_text()[-2000:]}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Id of the process."""
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it is the process that was started, and runs."""
        return self.process.poll() is None

    def close(self) -> None:
        """End it and wait."""
        self.process.terminate()
        self.process.wait(timeout=30)
        self._reader.join(timeout=5)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        text, decoder = "", json.JSONDecoder()
        assert self.process.stdout is not None
        for line in self.process.stdout:
            text += line
            try:
                event, _ = decoder.raw_decode(text)
            except ValueError:
                continue  # an object may span several lines
            text = ""
            if event.get("event") == "listening":
                self.address = str(event["address"])
            elif event.get("event") == "ready":
                self._ready.set()


def memory_bytes(pid: int) -> int:
    """Give what a process holds in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096


def peak_memory_bytes(pid: int) -> int:
    """Give the most that a process ever held."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel tells no peak")


def num_files(pid: int) -> int:
    """Give how many files and sockets a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def num_threads(pid: int) -> int:
    """Give how many threads a process has."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))
