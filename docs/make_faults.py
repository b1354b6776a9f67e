"""Run the fault campaigns and write what came of them; `make campaigns` runs this."""

import sys
import tempfile
from pathlib import Path

from cutpoint.lab.faults.chaos import run_chaos
from cutpoint.lab.faults.failover import run_failover
from cutpoint.lab.faults.fault_report import FaultReport, write_fault_report
from cutpoint.lab.faults.outages import outage_setting, run_freeze, run_partition
from cutpoint.lab.faults.phase_kills import run_phase_kills
from cutpoint.lab.faults.rates import run_collapses, run_flapping
from cutpoint.lab.faults.slowdowns import run_slowdown
from cutpoint.lab.faults.swaps import run_swaps
from cutpoint.lab.fork_server import ForkServer
from cutpoint.profiling.environment import read_environment

REPORT = Path(__file__).parent / "reports/faults"
FREEZES_S = (0.2, 1.0, 10.0)
PARTITIONS_S = (3.0, 10.0)
SEEDS = (1, 2, 3)


def measured(folder: Path, fork_server: ForkServer) -> FaultReport:
    """Run every campaign."""
    kills = run_phase_kills(folder, fork_server, 30)
    with outage_setting(folder, fork_server) as at:
        freezes = [run_freeze(at, duration_s) for duration_s in FREEZES_S for _ in range(3)]
        partitions = [
            run_partition(at, duration_s, side)
            for side in ("both", "up", "down")
            for duration_s in PARTITIONS_S
        ]
    return FaultReport(
        environment=read_environment(providers=("CPUExecutionProvider",), num_threads=1),
        kills=kills,
        freezes=freezes,
        partitions=partitions,
        slowdowns=[run_slowdown(folder, fork_server) for _ in range(3)],
        collapses=run_collapses(folder, fork_server, 10),
        flapping=run_flapping(folder, fork_server, 40.0),
        swaps=[
            run_swaps(folder / f"swaps-{kind}", fork_server, 20, is_foreign=kind == "foreign")
            for kind in ("cutpoint", "foreign")
        ],
        failover=run_failover(folder, fork_server, 20),
        chaos=[run_chaos(folder, fork_server, seed, 60.0, quiet_s=10.0) for seed in SEEDS],
    )


def main() -> None:
    """Write the report; fail if an invariant was broken."""
    with tempfile.TemporaryDirectory() as folder, ForkServer() as fork_server:
        report = measured(Path(folder), fork_server)
    write_fault_report(report, REPORT)
    if report.problems:
        sys.exit("\n".join(report.problems))


if __name__ == "__main__":
    main()
