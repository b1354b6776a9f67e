"""What a process takes, as the kernel tells it."""

import os
from pathlib import Path

from cutpoint.lab.faults.invariants import Footprint


def footprint_of(pid: int | None = None) -> Footprint:
    """Give what a process takes now; this one by default."""
    process = Path("/proc") / str(pid or os.getpid())
    status = dict(
        line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line
    )
    return Footprint(
        rss_bytes=int(status["VmRSS"].split()[0]) * 1024,
        num_files=len(os.listdir(process / "fd")),
        num_threads=int(status["Threads"]),
    )
