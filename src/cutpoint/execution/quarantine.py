"""Try out a model file that nobody vouches for, in a process that may die of it."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cutpoint.exceptions import UnsafeModelError
from cutpoint.execution.content import content_of
from cutpoint.execution.load_limits import LoadLimits
from cutpoint.execution.model_file import ModelFile, described, file_bytes
from cutpoint.execution.private_copy import PrivateCopy
from cutpoint.execution.worker_report import check_done, reported, unsafe

_log = logging.getLogger(__name__)

_WORKER = Path(__file__).with_name("quarantined.py")
_WATCH_PERIOD_S = 0.02
_INHERITED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "PATH")
_SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def vet(
    file: ModelFile,
    limits: LoadLimits | None = None,
    sizes: Mapping[str, int] | None = None,
    *,
    full_check: bool = True,
) -> str:
    """
    Take a model file through checking, optimising, cutting and a first run elsewhere.

    All of it happens in a worker process under limits, on a private copy of the model;
    this process does not read it. Where Python has the `resource` module (not on Windows)
    the worker limits its memory, CPU time, files and core file; on Linux it also gives up
    every file but the copy, Python's own and a temporary folder, and all TCP, if the
    kernel has Landlock, and its resident memory is watched. Elsewhere the time limit alone
    holds. Whatever happens, the worker and its files are gone afterwards.

    It says what the file did once, on made-up inputs: how long a loop runs may depend on
    the data. And it says so of what the file held then: whoever loads it by its path
    afterwards loads the same only if nobody may write there. `vetted_copy` gives the copy
    itself, and ``load_graph(file, trusted=False)`` loads it.

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
        Digest of what was vetted, data files included.

    Raises
    ------
    UnsafeModelError
        If the model breaks a limit, reaches outside its folder, ends the worker, or is not
        what it was when it was opened.
    ModelError
        If it is no model, or one that cannot be run.
    """
    with _tried_out(file, limits, sizes, full_check=full_check) as (copy, locations):
        return content_of(copy, locations).sha256


@contextmanager
def vetted_copy(
    file: ModelFile,
    limits: LoadLimits | None = None,
    sizes: Mapping[str, int] | None = None,
    *,
    full_check: bool = True,
) -> Iterator[ModelFile]:
    """
    Vet a model as `vet` does, and give what was vetted, to be loaded.

    It lies with its data files in a private folder, which goes away at the end. So nobody
    can exchange a file between the vetting and the loading. The error messages it leads to
    name the original. A model that was given as bytes is its own copy.

    Parameters
    ----------
    file, limits, sizes, full_check
        As for `vet`.

    Yields
    ------
    ModelFile
        Of the same name and digest; its source is a path in the private folder.

    Raises
    ------
    UnsafeModelError, ModelError
        As `vet`.
    """
    with _tried_out(file, limits, sizes, full_check=full_check) as (copy, _):
        yield copy


def try_trusted(
    file: ModelFile, limits: LoadLimits | None, sizes: Mapping[str, int] | None
) -> None:
    """
    Find out whether ONNX Runtime survives a model that somebody vouches for.

    What is not valid ONNX is not refused, and data files may be reached over links.

    Raises
    ------
    ModelError
        As `vet`.
    """
    with _tried_out(file, limits, sizes, full_check=False, follows_links=True):
        pass


@dataclass(frozen=True)
class _Trial:
    """
    A vetting under way.

    Parameters
    ----------
    file
        The model that was given.
    limits
        What it may take.
    folder
        The worker's own.
    ends_s
        On the monotonic clock.
    """

    file: ModelFile
    limits: LoadLimits
    folder: Path
    ends_s: float

    @property
    def where(self) -> str:
        """What messages call the model."""
        return described(self.file)

    def check_time(self) -> None:
        """Refuse the model once its time is up."""
        if time.monotonic() > self.ends_s:
            raise unsafe(
                self.where,
                f"it was not done within {self.limits.time_s:g} s (LoadLimits.time_s)",
            )


@contextmanager
def _tried_out(
    file: ModelFile,
    limits: LoadLimits | None,
    sizes: Mapping[str, int] | None,
    *,
    full_check: bool,
    follows_links: bool = False,
) -> Iterator[tuple[ModelFile, tuple[str, ...]]]:
    """Give a private copy that was vetted, and where in it the data files are."""
    limits = limits or LoadLimits()
    ends_s = time.monotonic() + limits.time_s
    size_bytes = file_bytes(file)
    if size_bytes > limits.file_bytes:
        raise UnsafeModelError(
            f"{described(file)}: {size_bytes} bytes, over the limit of {limits.file_bytes}: "
            "raise LoadLimits.file_bytes if that is meant"
        )
    with _folder() as kept, _folder() as folder:
        trial = _Trial(file, limits, folder, ends_s)
        copy = PrivateCopy(file, kept, limits, trial.check_time, follows_links=follows_links)
        job = _job(copy.file, trial, size_bytes, sizes or {}, full_check=full_check)
        locations = _run_worker(job, trial, copy, size_bytes)
        shutil.rmtree(folder, ignore_errors=True)  # what it wrote may be as large as the model
        yield copy.file, locations


@contextmanager
def _folder() -> Iterator[Path]:
    """Give a folder that nobody else may look into."""
    folder = tempfile.mkdtemp(prefix="cutpoint-vet-")
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _job(
    copy: ModelFile, trial: _Trial, size_bytes: int, sizes: Mapping[str, int], *, full_check: bool
) -> dict[str, Any]:
    if isinstance(copy.source, bytes):
        source = trial.folder / "model.onnx"
        source.write_bytes(copy.source)
    else:
        source = Path(copy.source)
    return {
        "source": str(source),
        "is_bytes": isinstance(copy.source, bytes),
        "name": copy.name,
        "sha256": copy.sha256,
        "origin": described(copy),
        "limits": asdict(trial.limits),
        "size_bytes": size_bytes,
        "sizes": dict(sizes),
        "full_check": full_check,
        "folder": str(trial.folder),
        "sys_path": [os.path.abspath(each) for each in sys.path],
    }


def _run_worker(
    job: Mapping[str, Any], trial: _Trial, copy: PrivateCopy, size_bytes: int
) -> tuple[str, ...]:
    """Wait for the worker; give the data files that were copied for it."""
    locations: tuple[str, ...] = ()
    with _worker(job, trial.folder) as process:
        while not _has_ended(process):
            trial.check_time()
            said = reported(trial.folder)
            _check_memory(process, trial, _weight_bytes(said, trial.limits, size_bytes))
            if not locations and (locations := _named_files(said)):
                copy.add_data_files(locations)
                _answer(process)
            time.sleep(_WATCH_PERIOD_S)
    check_done(process.returncode, trial.folder, trial.limits, trial.where)
    if not reported(trial.folder).get("is_fenced"):
        _log.info(
            "%s was vetted without a fence around its files: this system has no Landlock",
            trial.where,
        )
    return locations


def _named_files(said: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the data files that a worker asks for; it may be anybody's by now."""
    names = said.get("data_files")
    if not isinstance(names, list):
        return ()
    return tuple(sorted({name for name in names if isinstance(name, str)}))


@contextmanager
def _worker(job: Mapping[str, Any], folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment.update(dict.fromkeys(_SINGLE_THREADED, "1"))
    environment.update(dict.fromkeys(("TMPDIR", "TEMP", "TMP", "HOME"), str(folder)))
    with (folder / "report").open("wb") as report, (folder / "complaint").open("wb") as complaint:
        process = subprocess.Popen(
            [sys.executable, "-I", "-B", str(_WORKER), json.dumps(job)],
            stdin=subprocess.PIPE,
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
        if process.stdin is not None:
            process.stdin.close()
        process.wait()


def _answer(process: "subprocess.Popen[bytes]") -> None:
    """Let a worker go on that waits for its data files."""
    assert process.stdin is not None
    with suppress(OSError):  # it ended
        os.write(process.stdin.fileno(), b"\n")


def _check_memory(process: "subprocess.Popen[bytes]", trial: _Trial, weight_bytes: int) -> None:
    limit_bytes = trial.limits.memory_for(weight_bytes)
    if _resident_bytes(process.pid) > limit_bytes:
        raise unsafe(
            trial.where,
            f"it took more than {limit_bytes} bytes of memory (LoadLimits.memory_bytes)",
        )


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


def _weight_bytes(said: Mapping[str, Any], limits: LoadLimits, size_bytes: int) -> int:
    """Give what the model weighs: the file, until the worker has seen its data files too."""
    weight = said.get("weight_bytes")
    if not isinstance(weight, int):
        return size_bytes
    return min(max(weight, size_bytes), limits.weights_bytes + size_bytes)
