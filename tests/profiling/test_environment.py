"""The environment, read from this machine or from made-up files."""

from pathlib import Path

import pytest

from cutpoint.execution.runtime import runtime_version
from cutpoint.profiling import read_environment
from cutpoint.records import Environment

GOVERNOR = "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
NVPMODEL = "var/lib/nvpmodel/status"
X86 = "processor\t: 0\nmodel\t\t: 2\nmodel name\t: AMD EPYC\n\nmodel name\t: AMD EPYC\n"
PI = "model name\t: ARMv7 Processor rev 3\nHardware\t: BCM2711\nModel\t\t: Raspberry Pi 4\n"


def environment_of(root: Path, files: dict[str, str]) -> Environment:
    """Read the environment of a machine that has these files."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return read_environment(providers=["CPUExecutionProvider"], num_threads=1, root=root)


def test_this_machine() -> None:
    """Any machine has a name, cores and a runtime; the rest is as given."""
    environment = read_environment(
        providers=["A", "B"], num_threads=3, malloc_kept=True, emulated_slowdown=4.0
    )
    assert environment.runtime == runtime_version()
    assert environment.cpu
    assert environment.num_cores >= 1
    assert environment.providers == ("A", "B")
    assert environment.num_threads == 3
    assert environment.malloc_kept
    assert environment.emulated_slowdown == 4.0


@pytest.mark.parametrize(
    ("files", "cpu"),
    [
        ({"proc/cpuinfo": X86}, "AMD EPYC"),
        ({"proc/cpuinfo": PI}, "Raspberry Pi 4"),
        ({"proc/cpuinfo": "processor\t: 0\nHardware\t: Exynos\n"}, "Exynos"),
        ({"proc/cpuinfo": "processor: 0\n", "proc/device-tree/model": "Jetson\0"}, "Jetson"),
    ],
)
def test_processors_by_name(tmp_path: Path, files: dict[str, str], cpu: str) -> None:
    """PCs name their processor, boards themselves."""
    assert environment_of(tmp_path, files).cpu == cpu


@pytest.mark.parametrize(
    ("files", "mode"),
    [
        ({}, None),
        ({GOVERNOR: "powersave\n"}, "powersave"),
        ({NVPMODEL: "pmode:0002\n"}, "pmode:0002"),
        ({GOVERNOR: "schedutil\n", NVPMODEL: "pmode:0002\n"}, "schedutil; pmode:0002"),
    ],
)
def test_power_modes(tmp_path: Path, files: dict[str, str], mode: str | None) -> None:
    """The governor and the board's mode are stated where they can be read."""
    assert environment_of(tmp_path, files).power_mode == mode


def test_a_machine_without_files_has_a_name(tmp_path: Path) -> None:
    """Where nothing can be read, the platform names the processor."""
    assert environment_of(tmp_path, {}).cpu
