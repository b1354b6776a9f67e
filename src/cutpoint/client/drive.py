"""Carry out one inference: the actions of its state machine on real segments and sockets."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cutpoint.client.offload import Offload
from cutpoint.client.server_connection import ServerConnection
from cutpoint.exceptions import CutpointError
from cutpoint.execution import Segments
from cutpoint.graph import Arrays, Cut
from cutpoint.inference import (
    Action,
    Answered,
    Cancel,
    Deliver,
    Event,
    HeadDone,
    Inference,
    OffloadFailed,
    RunHead,
    RunTail,
    Send,
    TailDone,
)

_DEADLINE_SLACK_S = 0.05
"""The server need not drop what the device would still have waited for."""


@dataclass
class Drive:
    """
    One inference under way.

    Parameters
    ----------
    inference
        Decides what happens next.
    cut
        Of its plan.
    segments
        Run on this host.
    server
        Offloaded to; ``None`` for a device-only plan.
    clock
        Gives the session's time in seconds.
    """

    inference: Inference
    cut: Cut
    segments: Segments
    server: ServerConnection | None
    clock: Callable[[], float]
    run_options: Any = None
    sent_bytes: int = 0
    received_bytes: int = 0
    idle_s: float = 0.0

    def run(self, feed: Arrays) -> Arrays:
        """Run to the end; gives the model's outputs."""
        self._values = dict(feed)
        self._offload: Offload | None = None
        self._until_s = float("inf")
        try:
            self._run()
        except BaseException:  # Ctrl-C, or a segment that fails: the server need not go on
            if not self.inference.is_done:
                self._cancel()
            raise
        if self._offload is not None:
            self.sent_bytes = self._offload.request.chunker.given_bytes
        return self.segments.outputs_of(self._values)

    def _run(self) -> None:
        actions = self.inference.start()
        while not self.inference.is_done:
            event: Event | None = None
            for action in actions:
                event = self._carry_out(action) or event
            if not self.inference.is_done:
                actions = self.inference.handle(event or self._next_event())

    def _carry_out(self, action: Action) -> Event | None:
        match action:
            case RunHead():
                return self._run_head()
            case Send():
                return self._send(action.patience_s)
            case Cancel():
                self._cancel()
            case RunTail():
                return self._run_tail()
            case Deliver():
                pass
        return None

    def _run_head(self) -> Event:
        segments = self.segments.head_of(self.cut)
        execution = self.segments.run(segments, self._values, run_options=self.run_options)
        self._values = execution.values
        return HeadDone(self.clock(), execution.duration_s)

    def _run_tail(self) -> Event:
        segments = self.segments.tail_of(self.cut)
        execution = self.segments.run(segments, self._values, run_options=self.run_options)
        self._values = execution.values
        return TailDone(self.clock(), execution.duration_s)

    def _send(self, patience_s: float) -> Event | None:
        now_s = self.clock()
        self._until_s = now_s + patience_s
        if self.server is None:
            return OffloadFailed(now_s, "the plan names a server and the session has none")
        remaining_s = None if patience_s == float("inf") else patience_s + _DEADLINE_SLACK_S
        try:
            self._offload = self.server.offload(self.cut, self._values, remaining_s)
        except CutpointError as error:
            return OffloadFailed(self.clock(), str(error))
        return None

    def _cancel(self) -> None:
        if self.server is not None and self._offload is not None:
            self.server.cancel(self._offload, self.clock())

    def _next_event(self) -> Event:
        offload = self._offload
        assert offload is not None
        event = offload.next_event(self._until_s, self.clock())
        if isinstance(event, Answered):
            self._values.update(offload.outputs)
            self.received_bytes = offload.received_bytes
            self._learn(offload, event)
        return event

    def _learn(self, offload: Offload, event: Answered) -> None:
        if self.server is not None:
            self.idle_s = offload.idle_s
            idle_s = offload.idle_s or event.tail_s
            self.server.answered(event.at_s, event.wait_s, event.tail_s, idle_s)


def session_clock() -> Callable[[], float]:
    """Give a clock that begins now."""
    opened_s = time.perf_counter()
    return lambda: time.perf_counter() - opened_s
