"""Empty the kernel's buffers in front of an emulated link."""

import select
import time
from collections.abc import Callable, Sequence

from cutpoint.lab.pipe import Pipe

_LONGEST_S = 1.0
"""Whoever goes on sending, or does not read, is not waited for any longer."""

_QUIET_S = 2e-3
"""Nothing to be read for so long: the sender's kernel has no more. It fills the buffer again
within microseconds of its being read."""


def drain(pipes: Callable[[], Sequence[Pipe]]) -> None:
    """
    Move bytes past the link until there are none to be read.

    Parameters
    ----------
    pipes
        Gives those of all connections; one may go while it is drained.
    """
    until_s = time.perf_counter() + _LONGEST_S
    while time.perf_counter() < until_s:
        if sum(pipe.move() for pipe in pipes()):
            continue
        awaited = [pipe.awaited for pipe in pipes()]
        sources = [source for source, _ in awaited if source is not None]
        sinks = [sink for _, sink in awaited if sink is not None]
        left_s = max(until_s - time.perf_counter(), 0.0)
        readable, writable, _ = select.select(sources, sinks, [], left_s if sinks else _QUIET_S)
        if not readable and not writable:
            return
