"""The worker of `quarantine`: runs as a program of its own, and takes a file through everything.

Started by the path of this file, so that the limits hold before any package is imported.
"""

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

_NUM_CUTS = 3
"""Segments at the quarters of the candidates: enough to go through extraction and loading."""

_NUM_FILES = 512
_PARENT_DEATH_SIGNAL = 1


def main() -> None:
    """Vet the model that the first argument describes; one line of JSON tells the outcome."""
    job: dict[str, Any] = json.loads(sys.argv[1])
    report = os.dup(1)
    os.dup2(2, 1)  # what libraries print is not the report
    outcome = _outcome(job, report)
    _tell(report, outcome)
    os._exit(1 if "error" in outcome else 0)  # no destructor of a damaged process runs


def _outcome(job: dict[str, Any], report: int) -> dict[str, str | bool]:
    try:
        _limit_process(job["limits"], job["size_bytes"])
        _die_with_parent()
        sys.path[:] = job["sys_path"]
        from cutpoint.execution.load_limits import LoadLimits
        from cutpoint.execution.model_file import ModelFile

        _import_all()
        is_fenced = _restrict_files(Path(job["source"]), Path(job["folder"]))
        _tell(report, {"is_fenced": is_fenced})
        source: str | bytes = job["source"]
        if job["is_bytes"]:
            source = Path(job["source"]).read_bytes()
        file = ModelFile(job["name"], job["sha256"], source, origin=job["origin"])
        limits = LoadLimits(**job["limits"])
        examine(file, limits, job["sizes"], report, job["full_check"])
    except Exception as error:  # whatever it is, the caller is told in one line
        return {"error": type(error).__name__, "message": str(error)}
    return {"is_done": True}


def _tell(report: int, said: dict[str, Any]) -> None:
    left = (json.dumps(said) + "\n").encode()
    while left:
        left = left[os.write(report, left) :]


def _import_all() -> None:
    """Import what a vetting needs, while every file may be read."""
    from cutpoint.execution.runtime import onnxruntime_module
    from cutpoint.execution.segments import Segments

    onnxruntime_module()
    del Segments


def _restrict_files(model: Path, folder: Path) -> bool:
    from cutpoint.execution.landlock import restrict

    python = (*sys.path, sys.prefix, sys.base_prefix)
    system = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/proc", "/sys")
    devices = ("/dev/urandom", "/dev/null")
    readable = map(Path, (*python, *system, *devices))
    return restrict((*readable, model, model.parent), (folder,))


def _limit_process(limits: dict[str, Any], size_bytes: int) -> None:
    """Limit memory, CPU time, file sizes, core file and open files of this process."""
    try:
        import resource
    except ImportError:  # Windows has none
        return
    # Each as LoadLimits.memory_for says, which is not imported yet.
    most_bytes = limits["memory_bytes"] + round(
        limits["copies_of_weights"] * (size_bytes + limits["weights_bytes"])
    )
    memory_bytes = limits["memory_bytes"] + round(limits["copies_of_weights"] * size_bytes)
    cpu_s = (int(limits["time_s"]) + 1) * (os.cpu_count() or 1)
    for name, soft, hard in (
        ("RLIMIT_DATA", memory_bytes, most_bytes),
        ("RLIMIT_FSIZE", memory_bytes, most_bytes),
        ("RLIMIT_CPU", cpu_s, cpu_s),
        ("RLIMIT_CORE", 0, 0),
        ("RLIMIT_NOFILE", _NUM_FILES, _NUM_FILES),
    ):
        with contextlib.suppress(ValueError, OSError, AttributeError):  # a stricter one holds
            resource.setrlimit(getattr(resource, name), (soft, hard))


def _raise_limits(memory_bytes: int) -> None:
    """Allow for data files that were found to be plain files of the model's folder."""
    try:
        import resource
    except ImportError:
        return
    for which in (resource.RLIMIT_DATA, resource.RLIMIT_FSIZE):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(which, (memory_bytes, resource.getrlimit(which)[1]))


def examine(
    file: Any,
    limits: Any,
    sizes: dict[str, int],
    report: int | None = None,
    full_check: bool = True,
) -> None:
    """
    Take a model through everything that a session does with it, once.

    Parameters
    ----------
    file
        The model file. If there is a report, its data files come when they are asked for.
    limits
        `LoadLimits`.
    sizes
        Binds open dimensions by name; the others count as 1.
    report
        File descriptor for what is known before the end.
    full_check
        Whether what is not valid ONNX is refused.
    """
    from cutpoint.execution.external_data import data_bytes, external_locations
    from cutpoint.execution.model_file import file_bytes
    from cutpoint.execution.parse import check_rest, parse_alone

    model = parse_alone(file, limits)
    if report is not None and not isinstance(file.source, bytes):
        _ask_for(external_locations(model), report)
    check_rest(model, file, full_check=full_check)
    weight_bytes = file_bytes(file) + data_bytes(file, model)
    del model
    if report is not None:
        _raise_limits(limits.memory_for(weight_bytes))
        _tell(report, {"weight_bytes": weight_bytes})
    _run_once(file, sizes, limits)


def _ask_for(data_files: tuple[str, ...], report: int) -> None:
    """Wait until data files were copied to where this process may read them."""
    from cutpoint.exceptions import UnsafeModelError
    from cutpoint.execution.worker_report import LONGEST_REPORT

    if not data_files:
        return
    said = {"data_files": data_files}
    if len(json.dumps(said)) > LONGEST_REPORT // 2:
        raise UnsafeModelError(f"it names {len(data_files)} data files: more than can be passed on")
    _tell(report, said)
    os.read(0, 1)


def _run_once(file: Any, sizes: dict[str, int], limits: Any) -> None:
    from cutpoint.exceptions import ModelError
    from cutpoint.execution.optimise import load_open_graph
    from cutpoint.execution.runtime import quiet_options
    from cutpoint.execution.segments import Segments
    from cutpoint.graph import bind, sample_feed
    from cutpoint.graph.candidates import some_candidates

    graph = load_open_graph(file, options=quiet_options(1), limits=limits, full_check=False)
    unbound = {dimension.name: 1 for dimension in graph.dimensions}
    graph = bind(graph, {**unbound, **sizes})
    if not all(graph.values[name].can_travel for name in graph.inputs):
        return  # nothing can be made up for a sequence; what was loaded so far is vetted
    segments = Segments(
        graph,
        some_candidates(graph, _NUM_CUTS),
        options=quiet_options(1),
        providers=["CPUExecutionProvider"],
    )
    try:
        segments.run(segments.segments, sample_feed(graph))
    except MemoryError:
        raise
    except Exception as error:  # ONNX Runtime raises a class per status, none of them public
        raise ModelError(
            f"{graph.name!r} fails in its first run on made-up inputs of sizes "
            f"{dict(graph.sizes)}: {error}; bind open dimensions to sizes it is made for"
        ) from error


def _die_with_parent() -> None:
    """Ask Linux to end this process if the one that started it ends first."""
    import ctypes
    import signal

    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)


if __name__ == "__main__":
    main()
