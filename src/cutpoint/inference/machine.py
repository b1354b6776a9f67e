"""One inference as a state machine: events in, actions out.

::

    start ─RunHead─> head ─(device-only)──────────────────────────────> done
                      └─Send─> offloaded ─Answered────────────────────> done
                                │   ↑ └─failed, another server: Send─┐
                                │   └────────────────────────────────┘ (once)
                                └─failed, late, lagging─RunTail─> alone ─> done

A plan that races asks for both at once, and the first to be done ends it::

    head ─Send, RunTail─> racing ─Answered: StopTail──────────────────> done
                            ├─TailDone: Cancel────────────────────────> done
                            └─failed─> alone ─TailDone────────────────> done

A fallback is a race that was begun late, and that the server has lost already: both end in
the same state.

While it is offloaded it goes through phases, as far as the server tells of them:
connect, upload, wait, compute, reply. They decide nothing but whether an upload may
still be called off; where an offload stood when it failed ends in the record.

Everything that decides what happens next is in this file. It has no clock and no
socket: the client feeds it from real ones, the simulator from made-up ones, and
the same events give the same actions.
"""

from cutpoint.exceptions import LocalProtocolError
from cutpoint.inference.actions import (
    Action,
    Cancel,
    Deliver,
    RunHead,
    RunTail,
    Send,
    StopTail,
)
from cutpoint.inference.events import (
    Answered,
    EncodeDone,
    Event,
    HeadDone,
    OffloadFailed,
    PatienceEnded,
    Replying,
    Started,
    TailDone,
    Uploaded,
    UploadLags,
)
from cutpoint.inference.patience import is_answer_late, is_upload_hopeless
from cutpoint.records import DEVICE, LegRun, Parts, Phase, Placement, Plan, RaceRun
from cutpoint.units import format_duration

LATE = "late: no answer within {}"
LAGGING = "late: the rest of the upload would take {} or more"

MOST_ATTEMPTS = 2
"""Servers that one inference may be sent to: each failure costs time that the device could use."""


class Inference:
    """
    One inference under a plan.

    Parameters
    ----------
    plan
        What it is to do.
    patience_s
        How long to wait for the server, from the moment all is encoded.
    rest_s
        What the tail takes here: an upload that lags is given up for it. Never by default.
    """

    def __init__(
        self, plan: Plan, patience_s: float = float("inf"), rest_s: float = float("inf")
    ) -> None:
        self.plan = plan
        self.patience_s = patience_s
        self.rest_s = rest_s
        self.measured = Parts()
        self.legs: tuple[LegRun, ...] = ()
        self.fallback_reason: str | None = None
        self.placement: Placement = plan.placement
        self.is_done = False
        self.attempts = 0
        self.failed_in: Phase | None = None
        self.race: RaceRun | None = None
        self.server = plan.server
        self.waited_s = 0.0
        """How long the servers had for an answer that did not come, or came second."""
        self._state = "start"
        self._phase: Phase = "connect"
        self._first_sent_at_s = 0.0
        self._sent_at_s = 0.0
        self._head_s = self._encode_s = self._lost_s = 0.0
        self._upload_s: float | None = None
        self.sending_s = 0.0
        """How long values were on their way to servers, in all attempts that have ended."""
        self.received_in_vain_s = 0.0
        """How long answers were on their way that were not waited for to their end."""
        self._is_sending = False
        self._replying_at_s: float | None = None

    def __repr__(self) -> str:
        return f"<Inference {self._state}, planned {self.plan.placement} at {self.plan.cut}>"

    @property
    def upload_s(self) -> float | None:
        """What the upload of the latest attempt took; ``None`` where that was not told."""
        return self._upload_s

    @property
    def phase(self) -> Phase:
        """Where the offload stands, or stood when it ended."""
        return self._phase

    @property
    def may_retry(self) -> bool:
        """Whether another server may be tried if this one fails now."""
        return self._state == "offloaded" and self.attempts < MOST_ATTEMPTS

    @property
    def is_uploading(self) -> bool:
        """Whether it waits for the last byte to reach the server."""
        return self._state == "offloaded" and self._phase == "upload"

    def start(self) -> tuple[Action, ...]:
        """
        Begin; every inference begins with its head, which may be empty.

        Raises
        ------
        LocalProtocolError
            If it has begun already.
        """
        if self._state != "start":
            raise LocalProtocolError(f"{self!r} cannot be started twice")
        self._state = "head"
        return (RunHead(),)

    def handle(self, event: Event) -> tuple[Action, ...]:
        """
        Take an event and give what is to be done now.

        An event that comes too late (an answer after the device went on alone, a
        timer of a finished offload) asks for nothing.

        Raises
        ------
        LocalProtocolError
            If the event cannot happen in this state.
        """
        match (self._state, event):
            case ("head", HeadDone()):
                return self._after_head(event)
            case ("offloaded" | "racing", EncodeDone()):
                return self._encoded(event)
            case ("offloaded" | "racing", Answered()):
                return self._answered(event)
            case ("offloaded", OffloadFailed()):
                return self._failed(event)
            case ("offloaded", PatienceEnded()):
                reason = LATE.format(format_duration(self.patience_s))
                return (Cancel(), *self._go_alone(event.at_s, reason))
            case ("offloaded" | "racing", Uploaded() | UploadLags() | Started() | Replying()):
                return self._progressed(event)
            case ("racing", OffloadFailed()):
                return self._failed_racing(event)
            case ("racing", PatienceEnded()):
                return ()  # to wait costs nothing as long as the device computes anyway
            case ("alone" | "racing", TailDone()):
                return self._finished_alone(event)
            case (("alone" | "done"), _) if not isinstance(event, HeadDone | TailDone):
                return ()
        raise LocalProtocolError(f"{event} cannot happen to {self!r}")

    def _after_head(self, event: HeadDone) -> tuple[Action, ...]:
        self._head_s, self._encode_s = event.head_s, event.encode_s
        part = "whole" if self.plan.placement == "device" else "head"
        leg = LegRun(DEVICE, part, event.head_s, event.cpu_s, event.stretched_s)
        if self.plan.placement == "device":
            self.measured = Parts(event.head_s, event.encode_s)
            return self._done(False, leg)
        if self.plan.placement == "split":
            self.legs += (leg,)
        self._first_sent_at_s = event.at_s
        sending = self._send(event.at_s)
        if not self.plan.races:
            return sending
        self._state = "racing"
        return (*sending, RunTail())

    def _send(self, at_s: float, server: str | None = None) -> tuple[Action, ...]:
        self._state, self._phase = "offloaded", "upload"
        self._sent_at_s, self._upload_s, self._is_sending = at_s, None, True
        self._replying_at_s = None
        self._lost_s = max(at_s - self._first_sent_at_s, 0.0)
        self.attempts += 1
        return (Send(self.patience_s, server),)

    def _encoded(self, event: EncodeDone) -> tuple[Action, ...]:
        """Count the upload from here: what left before took no time of its own."""
        took_s = max(event.at_s - self._sent_at_s, 0.0)
        self._sent_at_s += took_s
        self.sending_s += min(event.sending_s, took_s)  # while the device encoded on
        if self.attempts == 1:
            self._first_sent_at_s = self._sent_at_s
        self._encode_s += took_s
        return ()

    def _progressed(self, event: Uploaded | UploadLags | Started | Replying) -> tuple[Action, ...]:
        match event:
            case UploadLags():
                return self._lagging(event)
            case Uploaded():
                self._upload_s = event.upload_s
                self._reach("compute" if event.is_running else "wait")
            case Started():
                self._reach("compute")
            case Replying():
                self._replying_at_s = event.at_s
                self._reach("reply")
        return ()

    def _reach(self, phase: Phase) -> None:
        """Go on to a phase; a word that was overtaken by a later one leads back to none."""
        order: tuple[Phase, ...] = ("upload", "wait", "compute", "reply")
        if order.index(phase) > order.index(self._phase):
            self._phase = phase

    def _lagging(self, event: UploadLags) -> tuple[Action, ...]:
        elapsed_s = event.at_s - self._sent_at_s
        if (
            self._state == "racing"
            or self._phase != "upload"
            or not is_upload_hopeless(
                self.plan.predicted, elapsed_s, event.remaining_s, self.rest_s
            )
        ):
            return ()
        reason = LAGGING.format(format_duration(event.remaining_s))
        return (Cancel(), *self._go_alone(event.at_s, reason))

    def _failed(self, event: OffloadFailed) -> tuple[Action, ...]:
        if event.is_unsent:
            self._phase = "connect"
        self._end_exchange(event.at_s)
        if event.retry is None or not self.may_retry:
            return self._go_alone(event.at_s, event.reason)
        self.failed_in = self._phase
        self.server, self.patience_s = event.retry.server, event.retry.patience_s
        return self._send(event.at_s, event.retry.server)

    def _failed_racing(self, event: OffloadFailed) -> tuple[Action, ...]:
        """Leave the rest to the device, which is at it already."""
        if event.is_unsent:
            self._phase = "connect"
        self._end_exchange(event.at_s)
        self.failed_in = self._phase
        self.waited_s = max(event.at_s - self._sent_at_s, 0.0)
        self.fallback_reason = event.reason
        self.placement = "device"
        self._state = "alone"
        return ()

    def _answered(self, event: Answered) -> tuple[Action, ...]:
        # The server's figures are by its clock: no part may exceed what has passed here.
        elapsed_s = max(event.at_s - self._sent_at_s, 0.0)
        tail_s = min(event.tail_s + event.decode_s, elapsed_s)
        wait_s = min(event.wait_s, elapsed_s - tail_s)
        on_link_s = elapsed_s - tail_s - wait_s
        upload_s = min(self._upload_s if self._upload_s is not None else on_link_s, on_link_s)
        self._upload_s, self._replying_at_s = upload_s, None  # what came is in the parts
        self._end_exchange(event.at_s)
        self.measured = Parts(
            head_s=self._head_s,
            encode_s=self._encode_s,
            upload_s=upload_s,
            wait_s=wait_s,
            tail_s=tail_s,
            download_s=on_link_s - upload_s,
            lost_s=self._lost_s,
        )
        ran_s = event.tail_s + event.decode_s
        leg = LegRun(self.server or "", self._rest, ran_s, event.cpu_s)
        if self._state != "racing":
            return self._done(True, leg)
        self.race = RaceRun(elapsed_s, is_won=False)
        return (StopTail(), *self._done(True, leg))

    def _end_exchange(self, at_s: float) -> None:
        """Count how long an attempt that ends now has sent, and received in vain."""
        if self._replying_at_s is not None:
            self.received_in_vain_s += max(at_s - self._replying_at_s, 0.0)
            self._replying_at_s = None
        if self._is_sending and self._phase != "connect":
            elapsed_s = max(at_s - self._sent_at_s, 0.0)
            upload_s = elapsed_s if self._upload_s is None else self._upload_s
            self.sending_s += min(upload_s, elapsed_s)
        self._is_sending = False

    def _go_alone(self, at_s: float, reason: str) -> tuple[Action, ...]:
        self._end_exchange(at_s)
        self.failed_in = self._phase
        self.fallback_reason = reason
        self.placement = "device"
        self._lost_s += max(at_s - self._sent_at_s, 0.0)
        self.waited_s = self._lost_s
        self._state = "alone"
        return (RunTail(),)

    def _finished_alone(self, event: TailDone) -> tuple[Action, ...]:
        """Deliver what the device made: after a fallback, or because it was first in a race."""
        self._end_exchange(event.at_s)
        cancel: tuple[Action, ...] = ()
        if self.plan.races:
            # All but the computing: what handing over took, to the link and to another thread.
            elapsed_s = max(event.at_s - self._sent_at_s, 0.0)
            self._lost_s = max(elapsed_s - event.tail_s, 0.0)
            self.race = RaceRun(event.tail_s, is_won=True, cpu_s=event.cpu_s)
            if self._state == "racing":
                self.waited_s = elapsed_s
                cancel = (Cancel(is_answer_late(self.plan.predicted, elapsed_s)),)
            self.placement = "device"
        self.measured = Parts(
            self._head_s, self._encode_s, tail_s=event.tail_s, lost_s=self._lost_s
        )
        leg = LegRun(DEVICE, self._rest, event.tail_s, event.cpu_s, event.stretched_s)
        return (*cancel, *self._done(False, leg))

    @property
    def _rest(self) -> str:
        """What lies behind the cut: everything, where no node ran before it."""
        return "whole" if self.plan.placement == "server" else "tail"

    def _done(self, from_server: bool, leg: LegRun) -> tuple[Action, ...]:
        self.legs += (leg,)
        self._state = "done"
        self.is_done = True
        return (Deliver(from_server),)
