"""A process that is to have one core and no more."""

import os
import subprocess
import sys

from cutpoint.lab.one_core import pin


def test_a_pinned_process_has_one_core_and_shares_it() -> None:
    """It runs there alone, and at no real-time priority."""
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    try:
        pin(child.pid)
        assert os.sched_getaffinity(child.pid) == {max(os.sched_getaffinity(0))}
        assert os.sched_getscheduler(child.pid) == os.SCHED_OTHER
    finally:
        child.kill()
        child.communicate()
