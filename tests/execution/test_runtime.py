"""The runtime: found, or named as missing; memory kept where the C library can."""

import ctypes
import importlib
import platform
from pathlib import Path

import onnxruntime
import pytest

from cutpoint.exceptions import MissingDependencyError
from cutpoint.execution import ModelFile, load_graph
from cutpoint.execution.runtime import (
    default_providers,
    keep_freed_memory,
    onnxruntime_module,
    quiet_options,
    runtime_version,
)


def test_a_missing_runtime_says_what_to_install(
    six_convs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without ONNX Runtime the error, an ImportError too, names the package; so does loading."""

    def absent(name: str) -> object:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(MissingDependencyError, match=r"pip install 'cutpoint\[cpu\]'") as caught:
        onnxruntime_module()
    assert isinstance(caught.value, ImportError)
    with pytest.raises(MissingDependencyError):
        load_graph(ModelFile.open(six_convs))


def test_the_installed_runtime_is_found() -> None:
    """The version is the installed build's."""
    assert onnxruntime_module() is onnxruntime
    assert runtime_version() == onnxruntime.__version__


def test_freed_memory_is_kept_where_glibc_is() -> None:
    """Tells whether both settings were taken: yes with glibc."""
    kept = keep_freed_memory()
    assert isinstance(kept, bool)
    assert kept == (platform.libc_ver()[0] == "glibc")


@pytest.mark.parametrize("error", [OSError, AttributeError])
def test_another_c_library_is_no_error(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """Where the C library cannot be opened or has no mallopt, memory is just not kept."""

    def unavailable(_: object) -> object:
        raise error

    monkeypatch.setattr(ctypes, "CDLL", unavailable)
    assert keep_freed_memory() is False


def test_both_settings_must_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """One setting without the other is told as not kept."""

    class OneOnly:
        """A C library that takes the first setting and no more."""

        def __init__(self, _: object) -> None:
            self.taken = 0

        def mallopt(self, _: int, __: int) -> int:
            """Take one."""
            self.taken += 1
            return int(self.taken == 1)

    monkeypatch.setattr(ctypes, "CDLL", OneOnly)
    assert keep_freed_memory() is False


def test_threads_of_the_runtime_do_not_spin() -> None:
    """Sessions share the cores with others; the number of threads is as asked for."""
    options = quiet_options(3)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert options.get_session_config_entry("session.inter_op.allow_spinning") == "0"
    assert options.intra_op_num_threads == 3
    assert quiet_options().intra_op_num_threads == 0


def test_providers_are_those_asked_for_or_the_local_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that calls a service elsewhere is never taken by default."""
    assert default_providers(["A", ("B", {})]) == ["A", ("B", {})]
    available = ["CUDAExecutionProvider", "AzureExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: available)
    assert default_providers(None) == ["CUDAExecutionProvider", "CPUExecutionProvider"]
