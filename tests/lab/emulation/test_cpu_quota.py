"""A slower device by the kernel's quota."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cutpoint.exceptions import ConfigurationError
from cutpoint.lab.emulation.cpu_quota import CpuQuota, why_no_quota

pytestmark = pytest.mark.alone

BUSY = """
import sys, time
sys.stdin.readline()
began_s, cpu_s = time.perf_counter(), time.process_time()
while time.process_time() - cpu_s < 0.1:
    pass
print((time.perf_counter() - began_s) / (time.process_time() - cpu_s))
"""


@pytest.mark.skipif(bool(why_no_quota()), reason="this process may not set quotas")
def test_a_process_at_a_quarter_of_a_core_takes_four_times_as_long() -> None:
    """At least nearly so: other work may slow it further; the group is gone afterwards."""
    command = [sys.executable, "-c", BUSY]
    with (
        CpuQuota(0.25) as quota,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        quota.hold(process.pid)
        told, _ = process.communicate("go\n", timeout=60)
    assert float(told) > 3.0
    assert not quota._group.exists()


@pytest.mark.skipif(bool(why_no_quota()), reason="this process may not set quotas")
def test_what_a_held_process_started_is_let_go_too() -> None:
    """Or it would stay slow, and the group would stay, for as long as it runs."""
    with (
        CpuQuota(0.5) as quota,
        subprocess.Popen(
            ["sh", "-c", "read go; sleep 60 & echo $!; read end"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        quota.hold(process.pid)
        process.stdin.write("go\n")
        process.stdin.flush()
        started = int(process.stdout.readline())
        process.stdin.close()
        process.wait()
    try:
        assert not quota._group.exists()
    finally:
        os.kill(started, signal.SIGKILL)


def test_version_one_is_told_period_and_quota(tmp_path: Path) -> None:
    """Whole microseconds, in files of the group's own."""
    (tmp_path / "cpu").mkdir()
    quota = CpuQuota(0.2, control_groups=tmp_path)
    with quota:
        group = quota._group
        assert group.parent == tmp_path / "cpu"
        assert (group / "cpu.cfs_period_us").read_text() == "5000"
        assert (group / "cpu.cfs_quota_us").read_text() == "1000"


def test_version_two_is_told_both_in_one_line(tmp_path: Path) -> None:
    """The controller is asked for first."""
    (tmp_path / "cgroup.controllers").write_text("cpu io")
    with CpuQuota(1.5, 10e-3, control_groups=tmp_path) as quota:
        assert (quota._group / "cpu.max").read_text() == "15000 10000"
        assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu"


@pytest.mark.parametrize(
    ("share", "message"),
    [(0.0, "share must be above 0"), (0.1, r"take period_s=0\.01"), (-1.0, "above 0")],
)
def test_a_share_that_the_kernel_refuses_is_refused_first(share: float, message: str) -> None:
    """The error says which period would do."""
    with pytest.raises(ConfigurationError, match=message):
        CpuQuota(share)


def test_without_the_right_the_error_says_what_to_do_instead(tmp_path: Path) -> None:
    """So it does where there is no controller, and for a process that is not there."""
    assert "stretching" in why_no_quota(tmp_path)
    (tmp_path / "cpu").write_text("no folder")
    with (
        pytest.raises(ConfigurationError, match="no cpu controller"),
        CpuQuota(0.5, control_groups=tmp_path),
    ):
        pass
    (tmp_path / "cgroup.controllers").write_text("cpu")
    blocked = CpuQuota(0.5, control_groups=tmp_path)
    blocked._group.mkdir()
    with pytest.raises(ConfigurationError, match="cannot be made"), blocked:
        pass
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with pytest.raises(ConfigurationError, match="cannot be slowed"):
        blocked.hold(gone.pid)
    assert os.getpid() not in blocked._held
