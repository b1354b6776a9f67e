"""Carry out one inference on the virtual clock: what `client/drive.py` does on a real one."""

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any

from cutpoint.inference import (
    Action,
    Answered,
    Cancel,
    Deliver,
    EncodeDone,
    Event,
    HeadDone,
    Inference,
    OffloadFailed,
    PatienceEnded,
    RunHead,
    RunTail,
    Send,
    StopTail,
    TailDone,
    Uploaded,
    UploadLags,
)
from cutpoint.simulation.connection import SimulatedConnection
from cutpoint.simulation.order import Order
from cutpoint.simulation.server import Job
from cutpoint.simulation.shared_lane import Passage
from cutpoint.simulation.virtual_clock import VirtualClock

_DEADLINE_SLACK_S = 0.05
"""The server need not drop what the device would still have waited for."""

_HEARD_FROM_S = 0.06
"""Nothing can be said of an upload's progress before."""

_LEAST_WATCH_S, _WATCHES = 0.01, 16
"""An upload is looked after so often, or so many times where it is predicted to take longer."""

ROUNDING_S = 1e-9

_FIRST_PART_BYTES = 64 * 1024
"""An answer comes in pieces of this size; the rate is that of those behind the first."""


class SimulatedDrive:
    """
    One inference under way.

    Parameters
    ----------
    clock
        Of the simulation.
    order
        What is to be done.
    connection
        To the server.
    minded
        Told that there is something to `look` after at `look_s`.
    delivered
        Told when it is done.
    told
        Told every event and the actions that it led to; ``None`` where nobody listens.
    sending_slowdown
        Times which a tail takes for longer that is raced.

    Notes
    -----
    Simplified beside the client: all is encoded before the first byte leaves, and no second
    server is tried.
    """

    def __init__(
        self,
        clock: VirtualClock,
        order: Order,
        connection: SimulatedConnection,
        minded: Callable[[], None],
        delivered: "Callable[[SimulatedDrive], None]",
        told: Callable[[Event | None, tuple[Action, ...]], None] | None = None,
        sending_slowdown: float = 1.0,
    ) -> None:
        self.order = order
        self.inference = Inference(order.plan, order.patience_s, order.rest_s)
        self._until_s = self._watch_at_s = inf
        self.sent_bytes = 0
        self.received_bytes = 0
        self._clock = clock
        self._row = order.row
        self._connection = connection
        self._minded = minded
        self._delivered = delivered
        self._told = told
        self._sending_slowdown = sending_slowdown
        self._is_called_off = False
        self._leg_s = self._watch_s = 0.0
        self._slowdown = 1.0
        self._begun_s = 0.0
        self._sizes: list[int] = []
        self._num_passed = 0
        self._passage: Passage | None = None
        self._job: Job | None = None
        self._is_coming = False
        self._uploaded_s: float | None = None
        self._attempt = 0

    def __repr__(self) -> str:
        return f"<SimulatedDrive of {self.inference!r}>"

    def start(self) -> None:
        """Begin."""
        self._carry_out(None, self.inference.start())

    def lose(self) -> None:
        """Fail: the server has died."""
        if self._passage is not None:
            self._connection.up.drop(self._passage)
        self._is_coming = False
        self._fail(f"server {self._connection.name} closed the connection")

    @property
    def is_offloaded(self) -> bool:
        """Whether an answer is waited for."""
        inference = self.inference
        return self._attempt > 0 and inference.placement != "device" and not inference.is_done

    @property
    def look_s(self) -> float:
        """When there is something to look after next; infinite if nothing is waited for."""
        return min(self._until_s, self._watch_at_s) if self.is_offloaded else inf

    def look(self) -> None:
        """Look after an upload under way, or end the patience, as is due."""
        now_s = self._clock.now_s
        if now_s + ROUNDING_S >= self._until_s:
            self._until_s = inf
            self._note_upload(now_s)
            self._handle(PatienceEnded(now_s))
        elif now_s + ROUNDING_S >= self._watch_at_s:
            self._watch(now_s)

    def _handle(self, event: Event) -> None:
        self._carry_out(event, self.inference.handle(event))

    def _carry_out(self, event: Event | None, actions: tuple[Action, ...]) -> None:
        if self._told is not None:
            self._told(event, actions)
        for action in actions:
            match action:
                case RunHead():
                    self._run(self._row.head_s, self._head_done)
                case Send():
                    self._send(action)
                case Cancel():
                    self._cancel(is_late=action.is_late)
                case RunTail():
                    self._run_tail()
                case StopTail():
                    self._is_called_off = True
                case Deliver():
                    self._delivered(self)

    def _run(self, profiled_s: float, done: Callable[[Any], None]) -> None:
        """Compute on the device, as slow as it is now."""
        self._slowdown = self._connection.world.device.at(self._clock.now_s)
        self._leg_s = profiled_s * self._slowdown
        if self._leg_s > 0:
            self._clock.later(self._leg_s, done)
        else:
            done(None)

    def _run_tail(self) -> None:
        """Compute the rest here; in a race from when all is encoded, beside the sending."""
        if not self._is_racing:
            self._run(self._row.rest_s, self._tail_done)
            return
        encode_s = self._row.encode_s * self._slowdown
        slowdown = self._connection.world.device.at(self._clock.now_s + encode_s)
        self._leg_s = self._row.rest_s * slowdown * self._sending_slowdown
        self._clock.later(encode_s + self._leg_s, self._tail_done)

    @property
    def _is_racing(self) -> bool:
        return self.order.plan.races

    def _head_done(self, _: Any) -> None:
        self._handle(HeadDone(self._clock.now_s, self._leg_s))

    def _tail_done(self, _: Any) -> None:
        if self._is_called_off:
            return
        self._handle(TailDone(self._clock.now_s, self._leg_s))

    def _send(self, action: Send) -> None:
        self._attempt += 1
        self._until_s = self._clock.now_s + action.patience_s
        encode_s = self._row.encode_s * self._slowdown
        if encode_s > 0:
            self._clock.later(encode_s, self._encoded)
            if action.patience_s <= encode_s:  # else what is looked after begins with the upload
                self._minded()
        else:
            self._upload()

    def _encoded(self, _: Any) -> None:
        if not self.is_offloaded:
            return  # the server died meanwhile
        now_s = self._clock.now_s
        self._until_s = now_s + self.inference.patience_s
        self._handle(EncodeDone(now_s))
        self._upload()

    def _upload(self) -> None:
        now_s, connection = self._clock.now_s, self._connection
        self._begun_s = now_s
        size_bytes = self._row.up_bytes
        self._sizes = connection.learner.pieces(size_bytes) if size_bytes > 0 else [0]
        connection.send(self._sizes, now_s)
        self._passage = connection.up.send(self._sizes[0], self._piece_passed)
        predicted_s = self.order.plan.predicted.upload_s
        self._watch_s = max(_LEAST_WATCH_S, predicted_s / _WATCHES)
        if not self._is_racing:  # else there is nothing that it could be called off for
            self._watch_at_s = now_s + _HEARD_FROM_S + connection.round_trip_s
        self._minded()

    def _piece_passed(self) -> None:
        now_s, connection = self._clock.now_s, self._connection
        size_bytes = self._sizes[self._num_passed]
        self.sent_bytes += size_bytes
        connection.passed(size_bytes, now_s)
        self._num_passed += 1
        if self._num_passed == 1 and not self._let_in():
            return
        if self._num_passed < len(self._sizes):
            size_bytes = self._sizes[self._num_passed]
            self._passage = connection.up.send(size_bytes, self._piece_passed)
            return
        self._passage, self._watch_at_s = None, inf
        self._uploaded_s = now_s + connection.world.delay_up_s + connection.world.delay_down_s
        self._clock.later(connection.world.delay_up_s, self._arrived)

    def _let_in(self) -> bool:
        """Tell whether the server has room; it says so as soon as it has heard of the request."""
        server, world = self._connection.server, self._connection.world
        retry_after_s = server.retry_after_s()
        if retry_after_s is None:
            server.num_coming += 1
            self._is_coming = True
            return True
        self._passage = None
        back_s = world.delay_up_s + world.delay_down_s
        self._clock.later(back_s, lambda _: self._refused(retry_after_s))
        return False

    def _refused(self, retry_after_s: float) -> None:
        if self.is_offloaded:
            self._connection.refused(self._clock.now_s, retry_after_s)
            self._fail(f"server {self._connection.name} is overloaded")

    def _arrived(self, _: Any) -> None:
        if not self._is_coming:
            return  # it was given up, or the server has died
        self._leave_door()
        now_s, world = self._clock.now_s, self._connection.world
        load = world.load.at(now_s)
        deadline_s = self._begun_s + world.delay_up_s + self.inference.patience_s
        job = Job(
            self._row.tail_s,
            load.slowdown,
            deadline_s + _DEADLINE_SLACK_S,
            self._computed,
            self._dropped,
        )
        self._job = job
        self._connection.server.submit(job, load.wait_s)

    def _dropped(self, reason: str) -> None:
        if self.is_offloaded:
            self._connection.breaker.failed(self._clock.now_s, reason)
            self._fail(reason)

    def _computed(self, job: Job) -> None:
        first_bytes = min(self._row.down_bytes, _FIRST_PART_BYTES)
        self._connection.down.send(first_bytes, partial(self._first_back, job))

    def _first_back(self, job: Job) -> None:
        left_bytes = self._row.down_bytes - _FIRST_PART_BYTES
        if left_bytes > 0:
            all_back = partial(self._all_back, job, left_bytes, self._clock.now_s)
            self._connection.down.send(left_bytes, all_back)
        else:
            self._come_back(job)

    def _all_back(self, job: Job, size_bytes: float, first_s: float) -> None:
        now_s = self._clock.now_s
        self._connection.learner.link.down.observe(size_bytes, now_s - first_s, now_s)
        self._come_back(job)

    def _come_back(self, job: Job) -> None:
        self._clock.later(self._connection.world.delay_down_s, partial(self._answered, job))

    def _answered(self, job: Job, _: Any) -> None:
        if not self.is_offloaded:
            return  # the device went on alone meanwhile
        now_s = self._clock.now_s
        self.received_bytes = round(self._row.down_bytes)
        self._note_upload(now_s)
        wait_s, tail_s = job.began_s - job.came_s, job.ended_s - job.began_s
        self._connection.answered(now_s, wait_s, tail_s, job.idle_s)
        self._connection.learner.returned(now_s - job.ended_s, self._row.down_bytes)
        self._job = job.ended = job.failed = None  # which refer back to this
        self._handle(Answered(now_s, wait_s, tail_s))

    def _note_upload(self, at_s: float) -> None:
        """Hear that the upload is through, if that has come by now."""
        self._connection.hear(at_s)
        uploaded_s = self._uploaded_s
        if uploaded_s is None or uploaded_s > at_s:
            return
        self._uploaded_s = None
        back_s = self._connection.world.delay_down_s
        upload_s = max(uploaded_s - self._begun_s - back_s, 0.0)
        is_running = self._job is not None and self._job.began_s == self._job.came_s
        self._handle(Uploaded(uploaded_s, upload_s, is_running))

    def _watch(self, now_s: float) -> None:
        """Look after an upload under way; one that lags may be called off."""
        self._watch_at_s = now_s + self._watch_s if self._passage is not None else inf
        if self._passage is None:
            return
        connection = self._connection
        connection.hear(now_s)
        rate = connection.learner.meter.most_bytes_per_s(now_s, connection.round_trip_s)
        if rate is not None:
            left_bytes = connection.learner.meter.under_way_bytes
            remaining_s = left_bytes / rate if rate > 0 else inf
            self._handle(UploadLags(now_s, remaining_s))

    def _cancel(self, *, is_late: bool) -> None:
        """Drop what is still to be sent, and let the server drop the rest."""
        now_s, connection = self._clock.now_s, self._connection
        is_heard = connection.learner.last_used_s > self._begun_s
        is_leaving = self._passage is not None
        if self._passage is not None:
            connection.up.drop(self._passage)
            self._passage = None
        self._leave_door()
        job = self._job
        if job is not None:
            self._clock.later(connection.world.delay_up_s, lambda _: _cancelled(job))
        if is_late:
            connection.late(now_s, is_link_slow=is_heard and is_leaving)
        else:
            connection.dropped()

    def _leave_door(self) -> None:
        if self._is_coming:
            self._is_coming = False
            self._connection.server.num_coming -= 1

    def _fail(self, reason: str) -> None:
        now_s = self._clock.now_s
        self._note_upload(now_s)
        self._leave_door()
        is_unsent = self._num_passed == 0 and self._passage is None
        self._handle(OffloadFailed(now_s, reason, is_unsent=is_unsent))


def _cancelled(job: Job) -> None:
    job.is_cancelled = True
