"""Carry out one inference: the actions of its state machine on real segments and sockets."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from cutpoint.client.offload import Offload
from cutpoint.client.server_connection import ServerConnection
from cutpoint.exceptions import (
    ConnectError,
    ConnectionLostError,
    CutpointError,
    OverloadedError,
)
from cutpoint.execution import Segments
from cutpoint.graph import Arrays, Cut, Segment
from cutpoint.inference import (
    Action,
    Answered,
    Cancel,
    Deliver,
    Event,
    HeadDone,
    Inference,
    OffloadFailed,
    PatienceEnded,
    Retry,
    RunHead,
    RunTail,
    Send,
    TailDone,
    UploadLags,
)

Other = Callable[[Offload | None, CutpointError], tuple[ServerConnection, float] | None]
"""Gives another server to try after a failure and how long to wait for it, if there is one."""

_DEADLINE_SLACK_S = 0.05
"""The server need not drop what the device would still have waited for."""

_WATCH_EVERY_S = 0.01
"""How often an upload is looked after: a collapse of the link is noticed in tens of milliseconds,
and an upload that is through by then is left alone."""

_MAY_RETRY = (ConnectError, ConnectionLostError, OverloadedError)
"""Failures that another server may not share, and that say so soon; never a deadline."""


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
    other
        Asked for another server after a failure that may be retried.
    """

    inference: Inference
    cut: Cut
    segments: Segments
    server: ServerConnection | None
    clock: Callable[[], float]
    run_options: Any = None
    other: Other | None = None
    received_bytes: int = 0
    idle_s: float = 0.0
    _offloads: list[Offload] = field(default_factory=list)

    def run(self, feed: Arrays) -> Arrays:
        """Run to the end; gives the model's outputs."""
        self._values: Arrays = feed
        self._offload: Offload | None = None
        self._next_server: ServerConnection | None = None
        self._until_s = float("inf")
        if self.server is None and self.inference.plan.server is None:
            self.inference.start()
            self.inference.handle(self._run_head())  # which is all: nobody has to be told off
            return self.segments.outputs_of(self._values)
        try:
            self._run()
        except BaseException:  # Ctrl-C, or a segment that fails: the server need not go on
            self._cancel(is_late=False)
            raise
        return self.segments.outputs_of(self._values)

    @property
    def sent_bytes(self) -> int:
        """Payload bytes that left for servers, whatever came of them."""
        return sum(offload.request.chunker.given_bytes for offload in self._offloads)

    def _run(self) -> None:
        actions = self.inference.start()
        while not self.inference.is_done:
            event: Event | None = None
            for action in actions:
                event = self._carry_out(action) or event
            actions = self.inference.handle(event or self._next_event())

    def _carry_out(self, action: Action) -> Event | None:
        match action:
            case RunHead():
                return self._run_head()
            case Send():
                return self._send(action)
            case Cancel():
                self._cancel()
            case RunTail():
                return self._run_tail()
            case Deliver():
                pass
        return None

    def _run_head(self) -> Event:
        head_s = self._ran(self.segments.head_of(self.cut))
        return HeadDone(self.clock(), head_s)

    def _run_tail(self) -> Event:
        tail_s = self._ran(self.segments.tail_of(self.cut))
        return TailDone(self.clock(), tail_s)

    def _ran(self, segments: tuple[Segment, ...]) -> float:
        """Run segments on the device; gives what they took."""
        if not segments:
            return 0.0
        execution = self.segments.run(
            segments, self._values, run_options=self.run_options, measures_cpu=False
        )
        self._values = execution.values
        return execution.duration_s

    def _send(self, action: Send) -> Event | None:
        now_s = self.clock()
        self._until_s = now_s + action.patience_s
        if action.server is not None:
            self.server = self._next_server
        if self.server is None:
            return OffloadFailed(
                now_s, "the plan names a server and the session has none", is_unsent=True
            )
        is_endless = action.patience_s == float("inf")
        remaining_s = None if is_endless else action.patience_s + _DEADLINE_SLACK_S
        try:
            self._offload = self.server.offload(self.cut, self._values, remaining_s)
        except CutpointError as error:
            failed = OffloadFailed(self.clock(), str(error), is_unsent=True)
            return self._with_retry(failed, None, error)
        self._offloads.append(self._offload)
        return None

    def _cancel(self, is_late: bool = True) -> None:
        """Tell the server to drop what it still holds of this inference, once."""
        offload, self._offload = self._offload, None
        if self.server is not None and offload is not None:
            self.server.cancel(offload, self.clock(), is_late)

    def _next_event(self) -> Event:
        offload = self._offload
        assert offload is not None
        event = self._heard(offload)
        if isinstance(event, Answered):
            self._offload = None
            self._values = {**self._values, **offload.outputs}
            self.received_bytes = offload.received_bytes
            self._learn(offload, event)
        elif isinstance(event, OffloadFailed):
            self._offload = None
            return self._with_retry(event, offload, offload.error)
        return event

    def _heard(self, offload: Offload) -> Event:
        """Wait for the next word of the server, and look after an upload meanwhile."""
        while True:
            now_s = self.clock()
            until_s = self._until_s
            if self.inference.is_uploading:
                until_s = min(until_s, now_s + _WATCH_EVERY_S)
            event = offload.next_event(until_s, now_s)
            if until_s == self._until_s or not isinstance(event, PatienceEnded):
                return event
            at_s = self.clock()
            if self.server is None or at_s - until_s > _WATCH_EVERY_S:
                continue  # held up itself, this device may not have heard what has come
            remaining_s = self.server.remaining_s(offload, at_s)
            if remaining_s is not None:
                return UploadLags(at_s, remaining_s)

    def _with_retry(
        self, failed: OffloadFailed, offload: Offload | None, error: CutpointError | None
    ) -> OffloadFailed:
        """Add another server to try, where there is one and the failure allows for it."""
        if self.other is None or not self.inference.may_retry or not isinstance(error, _MAY_RETRY):
            return failed
        found = self.other(offload, error)
        if found is None:
            return failed
        self._next_server, patience_s = found
        return replace(failed, retry=Retry(self._next_server.address, patience_s))

    def _learn(self, offload: Offload, event: Answered) -> None:
        if self.server is not None:
            self.idle_s = offload.idle_s
            idle_s = offload.idle_s or event.tail_s
            self.server.answered(event.at_s, event.wait_s, event.tail_s, idle_s)


def session_clock() -> Callable[[], float]:
    """Give a clock that begins now."""
    opened_s = time.perf_counter()
    return lambda: time.perf_counter() - opened_s
