"""ONNX Runtime as it is installed here: found, described, and set as cutpoint needs it."""

import ctypes
import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cutpoint.exceptions import MissingDependencyError, ModelError

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_KEPT_BYTES = 256 << 20
"""Blocks up to this size stay with the process (glibc's own ceiling is lower by default)."""

_FOLDER_KEY = "session.model_external_initializers_file_folder_path"
_OWN_KEY = "cutpoint.own_options"
"""Set in options made here: they need not be given back as they were."""

_QUIET = 4
"""ONNX Runtime's log severity "fatal": what it calls an error comes as an exception as well."""


def onnxruntime_module() -> Any:
    """
    Give the installed ONNX Runtime, whichever build it is.

    Raises
    ------
    MissingDependencyError
        If no build is installed.
    """
    try:
        return importlib.import_module("onnxruntime")
    except ImportError as error:
        raise MissingDependencyError(
            "ONNX Runtime is not installed: pip install 'cutpoint[cpu]' for the plain build, "
            "or the build made for your board (Jetson, GPU, ...)"
        ) from error


def runtime_version() -> str:
    """Give the version of the installed ONNX Runtime."""
    return str(onnxruntime_module().__version__)


def keep_freed_memory(num_arenas: int | None = None) -> bool:
    """
    Tell glibc's malloc to keep big freed blocks instead of returning them.

    Every tensor that is allocated and freed otherwise costs page faults: 3x at
    600 KB, 5x at 3 MB on the machine where it was measured. Both thresholds must
    be set; one alone is worse than none. The price: memory stays at its peak.

    Parameters
    ----------
    num_arenas
        Heaps that threads share; each stays at a peak of its own, so that many of them
        grow for days under requests of many sizes. ``None`` leaves glibc's eight per core.

    Returns
    -------
    bool
        Whether the C library took both settings (glibc only).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    if num_arenas is not None:
        mallopt(_M_ARENA_MAX, num_arenas)
    return bool(mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES)) and bool(
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    )


def return_freed_memory() -> bool:
    """
    Give freed memory that malloc keeps back to the system, once: after a model was dropped.

    Returns
    -------
    bool
        Whether the C library can (glibc only).
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return False
    trim(0)
    return True


def quiet_options(num_threads: int | None = None, custom_ops: Sequence[str] = ()) -> Any:
    """
    Give session options for a host that shares its cores.

    Spinning is off: with two sessions or processes on the same cores, spinning
    threads cost 3x in throughput and up to 4x in CPU time.

    Parameters
    ----------
    num_threads
        Threads inside one operator; ``None`` leaves ONNX Runtime's default.
    custom_ops
        Libraries of custom operators to register.

    Raises
    ------
    ModelError
        If a library cannot be loaded.
    """
    options = onnxruntime_module().SessionOptions()
    options.log_severity_level = _QUIET
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.add_session_config_entry(_OWN_KEY, "1")
    if num_threads is not None:
        options.intra_op_num_threads = num_threads
    for library in custom_ops:
        _register(options, library)
    return options


def _register(options: Any, library: str) -> None:
    try:
        options.register_custom_ops_library(library)
    except Exception as error:  # a class per status, none of them public
        raise ModelError(f"library of custom operators {library}: {error}") from error


@contextmanager
def for_segments(options: Any, weights_folder: str | None) -> Iterator[Any]:
    """
    Lend a user's session options to the sessions of segments.

    The options object itself is used, because registered custom operators cannot
    be copied; what concerns one whole session only (profiling, writing the
    optimised file) is off meanwhile. Afterwards nothing points to the segments'
    weights any more: the user's next session has weights of its own.

    Parameters
    ----------
    weights_folder
        Where the segments' weights are; ``None`` if they are inline.
    """
    profiling, written_to = options.enable_profiling, options.optimized_model_filepath
    pointed_to = _entry(options, _FOLDER_KEY)
    options.enable_profiling = False
    options.optimized_model_filepath = ""
    _set_entry(options, _FOLDER_KEY, pointed_to if weights_folder is None else weights_folder)
    try:
        yield options
    finally:
        options.enable_profiling = profiling
        options.optimized_model_filepath = written_to
        if not _entry(options, _OWN_KEY):
            _set_entry(options, _FOLDER_KEY, pointed_to)


@contextmanager
def for_tracing(options: Any, weights_folder: str | None, prefix: Path) -> Iterator[Any]:
    """
    Lend session options to a session that writes down what each node takes.

    The graph is optimised already: another pass could merge nodes away from their names.

    Parameters
    ----------
    weights_folder
        Where the graph's weights are; ``None`` if they are inline.
    prefix
        Of the trace file.
    """
    level, trace_prefix = options.graph_optimization_level, options.profile_file_prefix
    with for_segments(options, weights_folder) as lent:
        lent.graph_optimization_level = onnxruntime_module().GraphOptimizationLevel.ORT_DISABLE_ALL
        lent.enable_profiling, lent.profile_file_prefix = True, str(prefix)
        try:
            yield lent
        finally:
            lent.graph_optimization_level, lent.profile_file_prefix = level, trace_prefix


@contextmanager
def for_optimising(options: Any, path: Path, entries: Mapping[str, str]) -> Iterator[Any]:
    """
    Lend session options to the session that writes the optimised model.

    A user's own options are used where there are any, because registered custom operators
    cannot be copied; afterwards they are as they were.

    Parameters
    ----------
    options
        The user's; ``None`` for quiet ones.
    path
        Of the file to write.
    entries
        Settings of what is written: they mean nothing to any other session.
    """
    runtime = onnxruntime_module()
    if options is None:
        options = quiet_options()
        _set_entry(options, "session.disable_prepacking", "1")  # this session never runs
    level, written_to = options.graph_optimization_level, options.optimized_model_filepath
    profiling = options.enable_profiling
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    options.enable_profiling = False
    for key, value in entries.items():
        _set_entry(options, key, value)
    try:
        yield options
    finally:
        options.graph_optimization_level = level
        options.optimized_model_filepath = written_to
        options.enable_profiling = profiling


def _entry(options: Any, key: str) -> str:
    try:
        return str(options.get_session_config_entry(key))
    except RuntimeError:  # ONNX Runtime's way to say that the key is not set
        return ""


def _set_entry(options: Any, key: str, value: str) -> None:
    if _entry(options, key) != value:  # it warns of every entry that is written again
        options.add_session_config_entry(key, value)


def default_providers(providers: Sequence[Any] | None) -> list[Any]:
    """
    Give the providers asked for, or every local one this build has, as ONNX Runtime orders them.

    Azure's provider calls a remote service and computes nothing here.
    """
    if providers is not None:
        return list(providers)
    available = onnxruntime_module().get_available_providers()
    return [name for name in available if name != "AzureExecutionProvider"]
