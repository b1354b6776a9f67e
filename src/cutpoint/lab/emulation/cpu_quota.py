"""A slower device by the kernel's quota of processor time: a whole process, whatever it does."""

import contextlib
import itertools
import os
from pathlib import Path
from types import TracebackType
from typing import final

from cutpoint.exceptions import ConfigurationError

PERIOD_S = 5e-3
"""With the kernel's 100 ms a short inference is over before it is stopped for the first time."""

LEAST_QUOTA_S = 1e-3
"""The kernel refuses less per period."""

_CONTROL_GROUPS = Path("/sys/fs/cgroup")
_US_PER_S = 1e6
_NUMBERS = itertools.count()


@final
class CpuQuota:
    """
    A control group whose processes together get a share of one core, while the block lasts.

    Control groups of version 1 and of version 2; Linux, and root. For inferences that take 20 ms
    of processor time and more: a shorter one fits into what a period leaves, and runs at full
    speed or waits out the rest by chance. Below that, stretch (``slowdown``).

    Parameters
    ----------
    share
        Of one core: 0.2 for a device five times as slow; above 1 for several cores.
    period_s
        Over which the share is kept. ``share * period_s`` is at least `LEAST_QUOTA_S`: for a
        tenth of a core take 10 ms.
    control_groups
        Where they are mounted.

    Raises
    ------
    ConfigurationError
        If the share is none or too small for the period; on entering, if this process may not
        make control groups.
    """

    def __init__(
        self, share: float, period_s: float = PERIOD_S, control_groups: Path = _CONTROL_GROUPS
    ) -> None:
        if not 0 < share < float("inf"):
            raise ConfigurationError(f"share must be above 0 and finite, got {share}")
        if not LEAST_QUOTA_S - 1e-9 <= share * period_s < 1.0:
            raise ConfigurationError(
                f"a share of {share:g} of {period_s * 1e3:g} ms is below the millisecond that the "
                f"kernel allows, or above a second: take period_s={LEAST_QUOTA_S / share:g}"
            )
        self.share, self.period_s = share, period_s
        self._is_v2 = (control_groups / "cgroup.controllers").exists()
        self._parent = control_groups if self._is_v2 else control_groups / "cpu"
        self._group = self._parent / f"cutpoint-{os.getpid()}-{next(_NUMBERS)}"
        self._held: list[int] = []

    def __enter__(self) -> "CpuQuota":
        """Make the group; raises ConfigurationError where that is not allowed."""
        if not self._parent.is_dir():
            raise ConfigurationError(
                f"there is no cpu controller at {self._parent}: slow the device by stretching"
            )
        try:
            if self._is_v2:
                (self._parent / "cgroup.subtree_control").write_text("+cpu")
            self._group.mkdir()
        except OSError as error:
            raise self._refused(error) from error
        try:
            self._limit()
        except OSError as error:
            self._group.rmdir()
            raise self._refused(error) from error
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            # Whatever was started by those that are held is there too.
            self._held += map(int, (self._group / "cgroup.procs").read_text().split())
        for pid in self._held:
            with contextlib.suppress(OSError):  # it may have ended
                (self._parent / "cgroup.procs").write_text(str(pid))
        self._held.clear()
        # A process that only now ends may keep it for a moment; it costs nothing empty.
        with contextlib.suppress(OSError):
            self._group.rmdir()

    def hold(self, pid: int) -> None:
        """
        Slow a process, with all its threads and whatever it starts.

        Its threads become ordinary ones: no quota holds for those of real-time priority.

        Raises
        ------
        ConfigurationError
            If there is no such process, or it may not be moved.
        """
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                os.sched_setscheduler(int(thread), os.SCHED_OTHER, os.sched_param(0))
            (self._group / "cgroup.procs").write_text(str(pid))
        except OSError as error:
            raise ConfigurationError(f"process {pid} cannot be slowed: {error}") from error
        self._held.append(pid)

    def _limit(self) -> None:
        quota_us, period_us = (
            round(each_s * _US_PER_S) for each_s in (self.share * self.period_s, self.period_s)
        )
        if self._is_v2:
            (self._group / "cpu.max").write_text(f"{quota_us} {period_us}")
        else:
            (self._group / "cpu.cfs_period_us").write_text(str(period_us))
            (self._group / "cpu.cfs_quota_us").write_text(str(quota_us))

    def _refused(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"a control group cannot be made at {self._group}: {error}; that needs root, or slow "
            "the device by stretching"
        )


def why_no_quota(control_groups: Path = _CONTROL_GROUPS) -> str:
    """Tell what keeps this process from setting quotas, by making one; empty if nothing does."""
    try:
        with CpuQuota(0.5, control_groups=control_groups):
            return ""
    except ConfigurationError as error:
        return str(error)
