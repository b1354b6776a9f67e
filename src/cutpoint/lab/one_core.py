"""One core of this machine, for a process that is to have no more."""

import os
from contextlib import suppress
from pathlib import Path


def pin(pid: int) -> None:
    """
    Give all threads of a server the same core, and so those that they start.

    They share it evenly, also where whoever starts the server runs at real-time priority: such
    threads would run one after the other, and no load would ever slow a request down.
    """
    cores = sorted(os.sched_getaffinity(0))
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.sched_setaffinity(int(thread.name), {cores[-1]})
            os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))
