"""One core of this machine, for a process that is to have no more."""

import os
from contextlib import suppress
from pathlib import Path


def pin(pid: int) -> None:
    """Give all threads of a server the same core, and so those that they start."""
    cores = sorted(os.sched_getaffinity(0))
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.sched_setaffinity(int(thread.name), {cores[-1]})
