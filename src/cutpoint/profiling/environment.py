"""The environment a profile is measured in, read from this machine."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from cutpoint.execution.runtime import runtime_version
from cutpoint.records import Environment

_CPU_KEYS = ("Model", "model name", "Hardware")
"""Lines of ``/proc/cpuinfo``, the most telling first: boards name themselves under the first."""

_POWER_FILES = (
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
    "var/lib/nvpmodel/status",
)
"""Linux's frequency governor, and the power mode of NVIDIA's boards."""


def read_environment(
    *,
    providers: Sequence[str],
    num_threads: int,
    malloc_kept: bool = False,
    emulated_slowdown: float = 1.0,
    root: Path = Path("/"),
) -> Environment:
    """
    Describe this host and the settings measured with.

    Parameters
    ----------
    providers
        Execution providers, as the sessions report them.
    num_threads
        Threads inside one operator; 0 is the runtime's default.
    malloc_kept
        What `cutpoint.execution.runtime.keep_freed_memory` gave, if it was called.
    emulated_slowdown
        Factor by which this host is slowed on purpose; 1 for a real device.
    root
        Where the file system begins; another folder only in tests.

    Raises
    ------
    MissingDependencyError
        If no ONNX Runtime is installed.
    """
    return Environment(
        runtime=runtime_version(),
        providers=tuple(providers),
        num_threads=num_threads,
        cpu=_cpu_name(root),
        num_cores=_num_cores(),
        power_mode=_power_mode(root),
        malloc_kept=malloc_kept,
        emulated_slowdown=emulated_slowdown,
    )


def _cpu_name(root: Path) -> str:
    lines = (line.partition(":") for line in _text(root / "proc/cpuinfo").splitlines())
    named = {key.strip(): name.strip() for key, _, name in lines}
    found = [named[key] for key in _CPU_KEYS if named.get(key)]
    # Boards with a 64-bit ARM kernel often name themselves here only.
    found += [_text(root / "proc/device-tree/model")]
    found += [platform.processor(), platform.machine(), "unknown"]
    return next(name for name in found if name)


def _num_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _power_mode(root: Path) -> str | None:
    modes = [_text(root / path) for path in _POWER_FILES]
    return "; ".join(mode for mode in modes if mode) or None


def _text(path: Path) -> str:
    """Give a file's text; empty where there is none to read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \n")
    except OSError:
        return ""
