"""One inference as a state machine: events in, actions out.

::

    start ─RunHead─> head ─(device-only)──────────────────────────> done
                      └─Send─> offloaded ─Answered────────────────> done
                                  └─failed, late─RunTail─> alone ─> done

Everything that decides what happens next is in this file. It has no clock and no
socket: the client feeds it from real ones, the simulator from made-up ones, and
the same events give the same actions.
"""

from dataclasses import replace

from cutpoint.exceptions import LocalProtocolError
from cutpoint.inference.actions import Action, Cancel, Deliver, RunHead, RunTail, Send
from cutpoint.inference.events import (
    Answered,
    Event,
    HeadDone,
    OffloadFailed,
    PatienceEnded,
    TailDone,
    Uploaded,
)
from cutpoint.records import DEVICE, LegRun, Parts, Placement, Plan
from cutpoint.units import format_duration

LATE = "late: no answer within {}"


class Inference:
    """
    One inference under a plan.

    Parameters
    ----------
    plan
        What it is to do.
    patience_s
        How long to wait for the server, from the moment the sending begins.
    """

    def __init__(self, plan: Plan, patience_s: float = float("inf")) -> None:
        self.plan = plan
        self.patience_s = patience_s
        self.measured = Parts()
        self.legs: tuple[LegRun, ...] = ()
        self.fallback_reason: str | None = None
        self.placement: Placement = plan.placement
        self.is_done = False
        self._state = "start"
        self._sent_at_s = 0.0
        self._upload_s: float | None = None

    def __repr__(self) -> str:
        return f"<Inference {self._state}, planned {self.plan.placement} at {self.plan.cut}>"

    def start(self) -> tuple[Action, ...]:
        """Begin; every inference begins with its head, which may be empty."""
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
            case ("offloaded", Uploaded()):
                self._upload_s = event.upload_s
                return ()
            case ("offloaded", Answered()):
                return self._answered(event)
            case ("offloaded", OffloadFailed()):
                return self._go_alone(event.at_s, event.reason)
            case ("offloaded", PatienceEnded()):
                reason = LATE.format(format_duration(self.patience_s))
                return (Cancel(), *self._go_alone(event.at_s, reason))
            case ("alone", TailDone()):
                return self._finished_alone(event)
            case (
                ("alone" | "done"),
                (Uploaded() | Answered() | OffloadFailed() | PatienceEnded()),
            ):
                return ()
        raise LocalProtocolError(f"{event} cannot happen to {self!r}")

    def _after_head(self, event: HeadDone) -> tuple[Action, ...]:
        self.measured = Parts(head_s=event.head_s, encode_s=event.encode_s)
        if self.plan.placement == "device":
            return self._done(False, LegRun(DEVICE, "whole", event.head_s))
        if self.plan.placement == "split":
            self.legs += (LegRun(DEVICE, "head", event.head_s),)
        self._state = "offloaded"
        self._sent_at_s = event.at_s
        return (Send(self.patience_s),)

    def _answered(self, event: Answered) -> tuple[Action, ...]:
        # The server's figures are by its clock: no part may exceed what has passed here.
        elapsed_s = max(event.at_s - self._sent_at_s, 0.0)
        tail_s = min(event.tail_s, elapsed_s)
        wait_s = min(event.wait_s, elapsed_s - tail_s)
        on_link_s = elapsed_s - tail_s - wait_s
        upload_s = min(self._upload_s if self._upload_s is not None else on_link_s, on_link_s)
        self.measured = replace(
            self.measured,
            upload_s=upload_s,
            wait_s=wait_s,
            tail_s=tail_s,
            download_s=on_link_s - upload_s,
        )
        return self._done(True, LegRun(self.plan.server or "", self._rest, event.tail_s))

    def _go_alone(self, at_s: float, reason: str) -> tuple[Action, ...]:
        self.fallback_reason = reason
        self.placement = "device"
        self.measured = replace(self.measured, lost_s=max(at_s - self._sent_at_s, 0.0))
        self._state = "alone"
        return (RunTail(),)

    def _finished_alone(self, event: TailDone) -> tuple[Action, ...]:
        self.measured = replace(self.measured, tail_s=event.tail_s)
        return self._done(False, LegRun(DEVICE, self._rest, event.tail_s))

    @property
    def _rest(self) -> str:
        """What lies behind the cut: everything, where no node ran before it."""
        return "whole" if self.plan.placement == "server" else "tail"

    def _done(self, from_server: bool, leg: LegRun) -> tuple[Action, ...]:
        self.legs += (leg,)
        self._state = "done"
        self.is_done = True
        return (Deliver(from_server),)
