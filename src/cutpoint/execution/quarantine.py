"""Try out a model file that nobody vouches for, in a process that may die of it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cutpoint.exceptions
from cutpoint.exceptions import CutpointError, ModelError, UnsafeModelError
from cutpoint.execution.load_limits import LoadLimits
from cutpoint.execution.model_file import ModelFile
from cutpoint.execution.parse import described, file_bytes

_WORKER = Path(__file__).with_name("quarantined.py")
_WATCH_PERIOD_S = 0.02
_LONGEST_REPORT = 1 << 16
_LONGEST_MESSAGE = 2000
_DIGEST_LENGTH = 64
_INHERITED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "PATH")
_SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_OUT_OF_MEMORY = ("bad_alloc", "bad allocation", "Failed to allocate", "out of memory")


def vet(
    file: ModelFile,
    limits: LoadLimits | None = None,
    sizes: Mapping[str, int] | None = None,
    *,
    full_check: bool = True,
) -> str:
    """
    Take a model file through checking, optimising, cutting and a first run elsewhere.

    All of it happens in a worker process under limits; this process does not read the
    model. Where Python has the `resource` module (not on Windows) the worker limits its
    memory, CPU time, files and core file; on Linux it also gives up every file but the
    model's folder, Python's own and a temporary folder, and all TCP, if the kernel has
    Landlock, and its resident memory is watched. Elsewhere the time limit alone holds.
    Whatever happens, the worker and its files are gone afterwards.

    It says what the file did once, on made-up inputs: how long a loop runs may depend on
    the data.

    Parameters
    ----------
    file
        The model.
    limits
        What it may take; the defaults of `LoadLimits`.
    sizes
        Binds open dimensions by name; the others count as 1.
    full_check
        Whether what is not valid ONNX is refused; else ONNX Runtime alone decides.

    Returns
    -------
    str
        Digest of what was vetted, data files included. What is loaded afterwards is the
        same if it has this digest.

    Raises
    ------
    UnsafeModelError
        If the model breaks a limit, reaches outside its folder, or ends the worker.
    ModelError
        If it is no model, or one that cannot be run.
    """
    limits = limits or LoadLimits()
    where = described(file)
    size_bytes = file_bytes(file)
    if size_bytes > limits.file_bytes:
        raise UnsafeModelError(
            f"{where}: {size_bytes} bytes, over the limit of {limits.file_bytes}: "
            "raise LoadLimits.file_bytes if that is meant"
        )
    with _folder() as folder:
        job = _job(file, limits, size_bytes, sizes or {}, folder)
        job["full_check"] = full_check
        with _worker(job, folder) as process:
            killed_for = _watch(process, limits, size_bytes, folder / "report")
        return _digest(process.returncode, killed_for, folder, limits, where)


@contextmanager
def _folder() -> Iterator[Path]:
    folder = tempfile.mkdtemp(prefix="cutpoint-vet-")
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _job(
    file: ModelFile,
    limits: LoadLimits,
    size_bytes: int,
    sizes: Mapping[str, int],
    folder: Path,
) -> dict[str, Any]:
    if isinstance(file.source, bytes):
        source = folder / "model.onnx"
        source.write_bytes(file.source)
    else:
        source = Path(file.source)
    return {
        "source": str(source.absolute()),
        "is_bytes": isinstance(file.source, bytes),
        "name": file.name,
        "sha256": file.sha256,
        "limits": asdict(limits),
        "size_bytes": size_bytes,
        "sizes": dict(sizes),
        "folder": str(folder),
        "sys_path": [os.path.abspath(each) for each in sys.path],
    }


@contextmanager
def _worker(job: Mapping[str, Any], folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment.update(dict.fromkeys(_SINGLE_THREADED, "1"))
    environment.update(dict.fromkeys(("TMPDIR", "TEMP", "TMP", "HOME"), str(folder)))
    with (folder / "report").open("wb") as report, (folder / "complaint").open("wb") as complaint:
        process = subprocess.Popen(
            [sys.executable, "-I", "-B", str(_WORKER), json.dumps(job)],
            stdin=subprocess.DEVNULL,
            stdout=report,
            stderr=complaint,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        # Not reaped yet, so its number, and its group's, are still its own.
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()


def _watch(
    process: "subprocess.Popen[bytes]", limits: LoadLimits, size_bytes: int, report: Path
) -> str | None:
    """Wait until the worker ends, or give the reason why it has to."""
    ends_s = time.monotonic() + limits.time_s
    while not _has_ended(process):
        if time.monotonic() > ends_s:
            return f"it was not done within {limits.time_s:g} s (LoadLimits.time_s)"
        limit_bytes = limits.memory_for(_weight_bytes(report, limits, size_bytes))
        if _resident_bytes(process.pid) > limit_bytes:
            return f"it took more than {limit_bytes} bytes of memory (LoadLimits.memory_bytes)"
        time.sleep(_WATCH_PERIOD_S)
    return None


def _has_ended(process: "subprocess.Popen[bytes]") -> bool:
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    # Without reaping: until the group is killed nobody else may get its number.
    state = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return state is not None


def _resident_bytes(pid: int) -> int:
    """Give the worker's own resident memory, files it maps not counted; 0 where unknown."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return 0
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "RssShmem"))]
    return 1024 * sum(kilobytes)


def _weight_bytes(report: Path, limits: LoadLimits, size_bytes: int) -> int:
    """Give what the model weighs: the file, until the worker has seen its data files too."""
    weight = _reported(report).get("weight_bytes")
    if not isinstance(weight, int):
        return size_bytes
    return min(max(weight, size_bytes), limits.weights_bytes + size_bytes)


def _reported(report: Path) -> dict[str, Any]:
    """Give the last whole line of the report."""
    with report.open("rb") as file:
        lines = file.read(_LONGEST_REPORT).split(b"\n")[:-1]
    try:
        said = json.loads(lines[-1]) if lines else {}
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _digest(
    status: int, killed_for: str | None, folder: Path, limits: LoadLimits, where: str
) -> str:
    if killed_for is not None:
        raise _unsafe(where, killed_for)
    said = _reported(folder / "report")
    digest = said.get("sha256")
    if status == 0 and isinstance(digest, str) and len(digest) == _DIGEST_LENGTH:
        return digest
    name, message = said.get("error"), _printable(str(said.get("message", "")))
    if name == "MemoryError" or any(each in message for each in _OUT_OF_MEMORY):
        raise _unsafe(
            where,
            f"it ran out of memory (LoadLimits.memory_bytes is {limits.memory_bytes}) {message}",
        )
    if status == 1 and isinstance(name, str):
        raise _named(name, message, where)
    raise _unsafe(where, f"the worker {_ending(status)} {_complaint(folder)}")


def _named(name: str, message: str, where: str) -> CutpointError:
    """Give the worker's own error; one that is not about the model is about what it did."""
    kind = getattr(cutpoint.exceptions, name, None)
    if name == "MissingDependencyError":
        return cutpoint.exceptions.MissingDependencyError(message)
    if isinstance(kind, type) and issubclass(kind, ModelError):
        return kind(message)
    return _unsafe(where, f"the worker failed with {name}: {message}")


def _unsafe(where: str, what: str) -> UnsafeModelError:
    return UnsafeModelError(
        f"{where} was tried out in a process of its own and refused: {what.strip()}; "
        "load it only if you trust it, or raise the limit if there is one"
    )


def _ending(status: int) -> str:
    if status >= 0:
        return f"ended with status {status} and no report"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


def _complaint(folder: Path) -> str:
    path = folder / "complaint"
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LONGEST_MESSAGE))
        said = _printable(file.read(_LONGEST_MESSAGE).decode(errors="replace")).strip()
    return f"({said})" if said else ""


def _printable(text: str) -> str:
    kept = "".join(c if c.isprintable() else " " for c in text[:_LONGEST_MESSAGE])
    return " ".join(kept.split())
