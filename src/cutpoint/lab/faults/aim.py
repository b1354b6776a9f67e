"""Hit one phase of an inference: wait until word comes that it has begun, and then a little."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock, Timer
from typing import Any
from unittest.mock import patch

from cutpoint.client.offload import Offload
from cutpoint.inference import (
    Action,
    Event,
    HeadDone,
    Inference,
    Replying,
    Started,
    Uploaded,
)
from cutpoint.records import Phase


@contextmanager
def aimed_at(phase: Phase, delay_s: float, fire: Callable[[], Any]) -> Iterator[None]:
    """
    Have something done once, when an inference of this process has reached a phase.

    Parameters
    ----------
    phase
        ``"connect"`` begins with the head: what happens while it runs is found out when the
        values are to be sent.
    delay_s
        After the phase has begun.
    fire
        Called on a thread of its own; leaving the block waits for it.

    Notes
    -----
    Inferences are observed where their events come in: guessing by the clock when a request
    is half uploaded hits something else every third time. What the server says is taken when
    it is heard; the inference itself may be told later.
    """
    lock = Lock()
    timers: list[Timer] = []

    def note(begun: Phase | None) -> None:
        with lock:
            if begun != phase or timers:
                return
            timers.append(Timer(delay_s, fire))
        timers[0].start()

    with ExitStack() as stack:
        for observed in _observed(note):
            stack.enter_context(observed)
        yield
    for timer in timers:
        timer.join()


def _observed(note: Callable[[Phase | None], None]) -> Iterator[Any]:
    """Give the patches that tell each phase as it begins."""
    start, handle = Inference.start, Inference.handle
    heard, told = Offload.note, Offload.tell

    def observed_start(machine: Inference) -> tuple[Action, ...]:
        if machine.plan.placement != "device":
            note("connect")
        return start(machine)

    def observed_handle(machine: Inference, event: Event) -> tuple[Action, ...]:
        if machine.plan.placement != "device" and isinstance(event, HeadDone):
            note("upload")
        return handle(machine, event)

    def observed_note(offload: Offload, event: Event) -> None:
        note(_begun_with(event))
        heard(offload, event)

    def observed_tell(offload: Offload, event: Event) -> None:
        note(_begun_with(event))
        told(offload, event)

    yield patch.object(Inference, "start", observed_start)
    yield patch.object(Inference, "handle", observed_handle)
    yield patch.object(Offload, "note", observed_note)
    yield patch.object(Offload, "tell", observed_tell)


def _begun_with(event: Event) -> Phase | None:
    """Give the phase that begins with a word of the server."""
    match event:
        case Uploaded():
            return "compute" if event.is_running else "wait"
        case Started():
            return "compute"
        case Replying():
            return "reply"
    return None
