"""Processes that are slowed down."""

import subprocess
import sys

import pytest

from cutpoint.lab.faults import throttle
from cutpoint.lab.faults.throttle import throttled

pytestmark = pytest.mark.alone

_WORK = """
import sys, time
print("ready", flush=True)
for _ in sys.stdin:
    began_s, cpu_s = time.perf_counter(), time.process_time()
    while time.process_time() - cpu_s < 0.2:
        pass
    print(time.perf_counter() - began_s, flush=True)
"""


@pytest.fixture
def worker():
    """Give a process that computes for 0.2 s of its own time per line, and says how long it was."""
    command = [sys.executable, "-c", _WORK]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        yield process
        process.kill()


def took_s(process) -> float:
    """Let it work once."""
    process.stdin.write("work\n")
    process.stdin.flush()
    return float(process.stdout.readline())


@pytest.mark.parametrize("has_groups", [True, False], ids=["quota", "duty cycle"])
def test_a_throttled_process_takes_several_times_as_long(worker, has_groups, monkeypatch, tmp_path):
    """By the kernel's quota or by a helper that stops it; afterwards it is as quick as before."""
    if not has_groups:
        monkeypatch.setattr(throttle, "_CPU_CONTROLLER", tmp_path / "nothing")
    with throttled(worker.pid, 0.2) as means:
        assert took_s(worker) > 0.2 * 2.5
    assert means == "duty cycle" or has_groups
    assert took_s(worker) > 0


def test_a_share_is_a_share(worker):
    """All or nothing is no slow-down."""
    for share in (0.0, 1.0):
        with pytest.raises(ValueError, match="above 0 and below 1"), throttled(worker.pid, share):
            pass
