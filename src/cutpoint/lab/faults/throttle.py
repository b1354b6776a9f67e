"""Slow a process down without stopping it: it answers every word, later."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CPU_CONTROLLER = Path("/sys/fs/cgroup/cpu")
_PERIOD_US = 5000
"""With the kernel's 100 ms a short inference ends before it is stopped for the first time."""

_DUTY_CYCLE = """
import os, signal, sys, time
pid, on_s, off_s = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
try:
    while os.getppid() == int(sys.argv[4]):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(off_s)
        os.kill(pid, signal.SIGCONT)
        time.sleep(on_s)
except ProcessLookupError:
    pass
"""


@contextmanager
def throttled(pid: int, share: float) -> Iterator[str]:
    """
    Leave a process this share of one core while the block lasts; gives by what means.

    By the kernel's quota where this process may set one, else by stopping and continuing
    it every few milliseconds from a helper process.

    Parameters
    ----------
    pid
        Of the process; threads that it starts meanwhile are slowed too.
    share
        Of one core, above 0 and below 1.

    Raises
    ------
    ValueError
        If the share is none.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must be above 0 and below 1, got {share}")
    group = _made_group(pid, share)
    if group is not None:
        try:
            yield "quota"
        finally:
            _move(pid, _CPU_CONTROLLER)
            group.rmdir()
        return
    with _duty_cycle(pid, share):
        yield "duty cycle"


def _made_group(pid: int, share: float) -> Path | None:
    """Give a control group that holds the process; ``None`` where that is not allowed."""
    group = _CPU_CONTROLLER / f"cutpoint-{pid}"
    if not (_CPU_CONTROLLER / "cpu.cfs_quota_us").exists() and not _CPU_CONTROLLER.is_dir():
        return None
    try:
        group.mkdir()
    except OSError:
        return None
    try:
        (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(int(_PERIOD_US * share)))
        _move(pid, group)
    except OSError:
        group.rmdir()
        return None
    return group


def _move(pid: int, group: Path) -> None:
    with contextlib.suppress(ProcessLookupError):  # it may have ended
        (group / "cgroup.procs").write_text(str(pid))


@contextmanager
def _duty_cycle(pid: int, share: float) -> Iterator[None]:
    on_s = _PERIOD_US * 1e-6 * share
    times = (str(on_s), str(_PERIOD_US * 1e-6 - on_s))
    command = [sys.executable, "-c", _DUTY_CYCLE, str(pid), *times, str(os.getpid())]
    helper = subprocess.Popen(command)
    try:
        yield
    finally:
        helper.kill()
        helper.wait()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
