"""NVIDIA Triton in a process of its own, on loopback: the one that nvidia-pytriton ships."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from threading import Condition, Thread
from types import TracebackType
from typing import NamedTuple

from cutpoint.exceptions import ConnectError

_START_TIMEOUT_S, _END_TIMEOUT_S = 120.0, 30.0
_STARTED = "Started GRPCInferenceService"
_STUB = "triton_python_backend_stub"
_SHOWN_LINES = 12
_ERROR = re.compile(r"E\d{4} |error:")
_ENVIRONMENT = "CUTPOINT_TRITON"
_FOLDER = ".triton"

_KEPT_BYTES, _TRIM_BYTES = 256 << 20, 1 << 30
"""What the allocator keeps instead of handing it back after every request: at 600 KB that is most
of what a request takes."""


class TritonInstallation(NamedTuple):
    """
    A Triton that can be started.

    Parameters
    ----------
    python
        The interpreter that the Python backend's models run in; it has ONNX Runtime.
    packages
        Folder that holds ``pytriton`` and ``nvidia_pytriton.libs``.
    library_folder
        Where the interpreter's shared library is.
    stub
        The program of the Python backend that is made for this interpreter.
    """

    python: Path
    packages: Path
    library_folder: str
    stub: Path


def find_triton() -> TritonInstallation:
    """
    Find the Triton that `make test` installs: in ``$CUTPOINT_TRITON``, or ``.triton`` here.

    Raises
    ------
    ConnectError
        If there is none, or it does not start here; says why.
    """
    folder = Path(os.environ.get(_ENVIRONMENT) or _FOLDER).absolute()
    python = folder / "bin" / "python"
    if not python.exists():
        raise ConnectError(f"no Triton in {folder}: `make triton` installs one there")
    question = (
        "import sys, sysconfig; print(sysconfig.get_path('purelib'), "
        "sysconfig.get_config_var('LIBDIR'), '%d.%d' % sys.version_info[:2], sep='\\n')"
    )
    told = subprocess.run([python, "-c", question], capture_output=True, text=True, check=True)
    packages, library_folder, version = told.stdout.splitlines()
    root = Path(packages) / "pytriton" / "tritonserver"
    stub = root / "python_backend_stubs" / version / _STUB
    if not stub.exists():
        raise ConnectError(f"{folder} has no Triton for Python {version}: `make triton` anew")
    installation = TritonInstallation(python, Path(packages), library_folder, stub)
    _check_starts(installation)
    return installation


def _check_starts(installation: TritonInstallation) -> None:
    """Refuse one whose libraries are not all here: it would end without a word of what lacks."""
    if sys.platform != "linux":
        raise ConnectError("Triton runs on Linux alone")
    told = subprocess.run(
        ["ldd", str(installation.stub)],
        capture_output=True,
        text=True,
        check=False,
        env=_environment(installation),
    )
    lacking = [line.split()[0] for line in told.stdout.splitlines() if "not found" in line]
    if lacking:
        raise ConnectError(f"Triton's Python backend does not start here: no {lacking[0]}")


class TritonProcess:
    """
    Triton as a child process, with its gRPC door on loopback and no other.

    Parameters
    ----------
    repository
        Folder of models, as `cutpoint export --triton` writes it.
    arguments
        More of Triton's command line.
    installation
        By default the one that `find_triton` finds.
    loads_all
        Whether it loads all models of the folder; others load on request in any case.
    """

    def __init__(
        self,
        repository: str | os.PathLike[str],
        arguments: Sequence[str] = (),
        *,
        installation: TritonInstallation | None = None,
        loads_all: bool = True,
    ) -> None:
        self._repository = Path(repository)
        self._installation = installation or find_triton()
        self._arguments = (*(("--load-model=*",) if loads_all else ()), *arguments)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[str] | None = None
        self._reader: Thread | None = None
        self._lines: list[str] = []
        self._heard = Condition()
        self._has_ended = False
        self._port = 0

    def __repr__(self) -> str:
        return f"<TritonProcess of {self._repository}: {self.address}>"

    def __enter__(self) -> "TritonProcess":  # noqa: PYI034 (Self needs Python 3.11)
        self.start()
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
            raise RuntimeError("Triton is not running: start it first")
        return self._process.pid

    @property
    def lines(self) -> tuple[str, ...]:
        """What it said since it was started last."""
        with self._heard:
            return tuple(self._lines)

    def start(self) -> None:
        """
        Start it, and return when its models are loaded and its door is open.

        Raises
        ------
        ConnectError
            If it ends instead; with what it said last.
        """
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="cutpoint-triton-")
        backends = _backends(self._installation, Path(self._folder.name))
        self._port = self._port or _free_port()
        with self._heard:
            self._lines.clear()
            self._has_ended = False
        self._process = subprocess.Popen(
            self._command(backends),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=_environment(self._installation),
        )
        self._reader = Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        if not self._has_started():
            self.close()
            shown = "\n".join(_complaints(self.lines))
            raise ConnectError(f"Triton did not start on {self._repository}:\n{shown}")

    def restart(self, *, is_killed: bool = False) -> None:
        """
        End it and start it again on the same port.

        Parameters
        ----------
        is_killed
            Whether it ends as by a power cut.

        Raises
        ------
        ConnectError
            If it does not start.
        """
        self._end(is_killed=is_killed)
        self.start()

    def close(self) -> None:
        """End it and wait."""
        self._end()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _command(self, backends: Path) -> list[str]:
        root = self._installation.packages / "pytriton" / "tritonserver"
        return [
            str(root / "bin" / "tritonserver"),
            f"--model-repository={self._repository}",
            f"--backend-directory={backends}",
            "--model-control-mode=explicit",
            "--grpc-address=127.0.0.1",
            f"--grpc-port={self._port}",
            "--allow-http=false",
            "--allow-metrics=false",
            "--allow-gpu-metrics=false",
            *self._arguments,
        ]

    def _end(self, *, is_killed: bool = False) -> None:
        process, reader = self._process, self._reader
        self._process = self._reader = None
        if process is None or reader is None:
            return
        if is_killed:
            process.kill()
        else:
            process.terminate()
        try:
            process.wait(timeout=_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=_END_TIMEOUT_S)
        reader.join(timeout=_END_TIMEOUT_S)
        if process.stderr is not None:
            process.stderr.close()

    def _has_started(self) -> bool:
        with self._heard:
            self._heard.wait_for(lambda: self._has_ended or self._said(_STARTED), _START_TIMEOUT_S)
            return self._said(_STARTED)

    def _said(self, words: str) -> bool:
        return any(words in line for line in self._lines)

    def _read(self, process: "subprocess.Popen[str]") -> None:
        for line in process.stderr or ():
            with self._heard:
                self._lines.append(line.rstrip())
                self._heard.notify_all()
        with self._heard:
            self._has_ended = True
            self._heard.notify_all()


def _complaints(lines: Sequence[str]) -> Sequence[str]:
    """Give what is wrong, or if nothing says so, what was said last."""
    errors = [line for line in lines if _ERROR.match(line)]
    return (errors or list(lines))[-_SHOWN_LINES:]


def _backends(installation: TritonInstallation, folder: Path) -> Path:
    """Lay the Python backend out as Triton wants it: the stub beside its library."""
    backends = folder / "backends"
    if not backends.exists():
        source = installation.packages / "pytriton" / "tritonserver" / "backends"
        shutil.copytree(source, backends)
        shutil.copy2(installation.stub, backends / "python" / _STUB)
    return backends


def _environment(installation: TritonInstallation) -> dict[str, str]:
    libraries = [installation.library_folder, str(installation.packages / "nvidia_pytriton.libs")]
    present = os.environ.get("LD_LIBRARY_PATH")
    return {
        **os.environ,
        "LD_LIBRARY_PATH": os.pathsep.join([*libraries, *([present] if present else [])]),
        # The stub's interpreter takes its packages from the first python3 in the path.
        "PATH": os.pathsep.join([str(installation.python.parent), os.environ.get("PATH", "")]),
        "MALLOC_MMAP_THRESHOLD_": str(_KEPT_BYTES),
        "MALLOC_TRIM_THRESHOLD_": str(_TRIM_BYTES),
    }


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
