"""How much slower a process is that the kernel gives a share of one core.

As a process, ``python -m cutpoint.lab.emulation.quota_check MODEL SECONDS`` runs the model when it
is told to, and says what each inference took.
"""

import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.graph import sample_feed
from cutpoint.lab.emulation.cpu_quota import CpuQuota

_UNSTRETCHED = 1.0 + 1e-9


@dataclass(frozen=True)
class QuotaRun:
    """
    One net at one share of a core.

    Parameters
    ----------
    model, share
        Which.
    latency_s, cpu_s
        Of each inference, by the clock and by the thread's CPU time.
    """

    model: str
    share: float
    latency_s: tuple[float, ...]
    cpu_s: tuple[float, ...]

    @property
    def error(self) -> float:
        """Latency / CPU time (medians) over what the share asks for, minus one."""
        return statistics.median(self.latency_s) / statistics.median(self.cpu_s) * self.share - 1


def quota_run(name: str, path: Path, share: float, duration_s: float) -> QuotaRun:
    """
    Run a model in a process of its own at a share of a core.

    Raises
    ------
    ConfigurationError
        If this process may set no quota.
    """
    command = [sys.executable, "-m", "cutpoint.lab.emulation.quota_check"]
    with (
        CpuQuota(share) as quota,
        subprocess.Popen(
            [*command, str(path), str(duration_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()  # it is ready, and has loaded at full speed
        quota.hold(process.pid)
        told, _ = process.communicate("go\n", timeout=duration_s + 60.0)
    taken = json.loads(told)
    return QuotaRun(name, share, tuple(taken["latency_s"]), tuple(taken["cpu_s"]))


def _main() -> None:
    graph = load_graph(ModelFile.open(Path(sys.argv[1])))
    feed = sample_feed(graph)
    segments = Segments(graph, (), slowdown=_UNSTRETCHED)
    segments.warm_up(feed)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    latency_s: list[float] = []
    cpu_s: list[float] = []
    until_s = time.perf_counter() + float(sys.argv[2])
    while time.perf_counter() < until_s or len(cpu_s) < 3:
        began_s = time.perf_counter()
        execution = segments.run(segments.segments, feed)
        latency_s.append(time.perf_counter() - began_s)
        cpu_s.append(sum(each.cpu_s for each in execution.runs))
    sys.stdout.write(json.dumps({"latency_s": latency_s, "cpu_s": cpu_s}) + "\n")


if __name__ == "__main__":
    _main()
