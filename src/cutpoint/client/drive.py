"""Carry out one inference: the actions of its state machine on real segments and sockets."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from cutpoint.client.encoded_inputs import EncodedInputs, FileEncoders
from cutpoint.client.encoders import Encoders
from cutpoint.client.encoding import Encoding
from cutpoint.client.offload import Offload
from cutpoint.client.race import Race, RaceThreads
from cutpoint.client.retry_budget import MAY_RETRY
from cutpoint.client.sent_codecs import applied_codecs, planned_codecs, sent_codecs
from cutpoint.client.server_connection import ServerConnection
from cutpoint.exceptions import CutpointError
from cutpoint.execution import Execution, Segments
from cutpoint.graph import Arrays, Cut, Segment
from cutpoint.inference import (
    Action,
    Answered,
    Cancel,
    EncodeDone,
    Event,
    HeadDone,
    Inference,
    OffloadFailed,
    PatienceEnded,
    Retry,
    RunHead,
    RunTail,
    Send,
    StopTail,
    TailDone,
    UploadLags,
)
from cutpoint.records import RAW, LoadReport
from cutpoint.wire.encoded import Encoded

Other = Callable[[Offload | None, CutpointError], tuple[ServerConnection, float] | None]
"""Gives another server to try after a failure and how long to wait for it, if there is one."""

_DEADLINE_SLACK_S = 0.05
"""The server need not drop what the device would still have waited for."""

_WATCH_EVERY_S = 0.01
"""How often an upload is looked after: a collapse of the link is noticed in tens of milliseconds,
and an upload that is through by then is left alone."""

_ENCODED_FIRST_S = 0.002
"""What is encoded in less leaves when it is: to wake the sending thread in between costs more
than it brings."""


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
    encoders
        Encode what crosses, as the plan says.
    inputs
        Those that came as image files. Where the server computes everything they cross as
        they came, else they are decoded first.
    threads
        On which a tail is raced that the plan races.
    decode_s, late_decode_s
        What that took here, and how much of it when the device went on alone.
    is_disturbed
        Whether the head shared the device with a tail that had lost its race.
    """

    inference: Inference
    cut: Cut
    segments: Segments
    server: ServerConnection | None
    clock: Callable[[], float]
    run_options: Any = None
    other: Other | None = None
    encoders: Encoders = field(default_factory=Encoders)
    inputs: EncodedInputs | None = None
    threads: RaceThreads = field(default_factory=RaceThreads)
    decode_s: float = 0.0
    late_decode_s: float = 0.0
    is_disturbed: bool = False
    idle_s: float = 0.0
    crossing_values: Arrays = field(default_factory=dict)
    _encoding: Encoding | None = None
    _offloads: list[Offload] = field(default_factory=list)
    _race: Race | None = None

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
            self._carry_out(StopTail())
            raise
        return self.segments.outputs_of(self._values)

    @property
    def sent_bytes(self) -> int:
        """Payload bytes that left for servers, whatever came of them."""
        return sum(offload.request.chunker.given_bytes for offload in self._offloads)

    @property
    def received_bytes(self) -> int:
        """Payload bytes that came from servers, of answers that were of no use as well."""
        return sum(offload.received_bytes for offload in self._offloads)

    @property
    def load(self) -> LoadReport | None:
        """What a server told of its load with the latest answer or refusal that told any."""
        told = [offload.load for offload in self._offloads if offload.load is not None]
        return told[-1] if told else None

    @property
    def codecs(self) -> tuple[str, ...]:
        """Codec in which each crossing value of the plan was sent last; empty if nothing was."""
        return sent_codecs(self.inference.plan, self._encoding) if self._offloads else ()

    @property
    def applied_codecs(self) -> tuple[str, ...]:
        """What this device did to each crossing value: nothing to files that cross as they came."""
        return applied_codecs(self.inference.plan, self.codecs, self.inputs)

    @property
    def is_sent_as_planned(self) -> bool:
        """Whether whatever was sent was encoded as the plan says."""
        planned = planned_codecs(self.inference.plan)
        pairs = zip(self.inference.plan.crossing, self.applied_codecs, strict=False)
        return all(codec == planned.get(name, RAW) for name, codec in pairs)

    def _run(self) -> None:
        actions = self.inference.start()
        happened: deque[Event] = deque()
        while not self.inference.is_done:
            happened.extend(filter(None, map(self._carry_out, actions)))
            actions = self.inference.handle(happened.popleft() if happened else self._next_event())
        happened.extend(filter(None, map(self._carry_out, actions)))

    def _carry_out(self, action: Action) -> Event | None:
        match action:
            case RunHead():
                return self._run_head()
            case Send():
                return self._send(action)
            case Cancel():
                self._cancel(action.is_late)
            case RunTail():
                return self._race_on() if self.inference.plan.races else self._run_tail()
            case StopTail() if self._race is not None:
                self._race.stop()
        return None

    @property
    def passes_files(self) -> bool:
        """Whether inputs came as files and are to cross so: nothing needs their pixels here."""
        return (
            self.inputs is not None
            and not self.decode_s
            and self.cut.placement == "server"
            and not self.inputs.images.keys() & planned_codecs(self.inference.plan).keys()
        )

    def _run_head(self) -> Event:
        decode_s = 0.0 if self.passes_files else self._decode()
        self.is_disturbed = self.threads.is_winding_down
        ran = self._ran(self.segments.head_of(self.cut))
        return HeadDone(self.clock(), ran.duration_s, decode_s, ran.cpu_s, ran.stretched_s)

    def _run_tail(self) -> Event:
        self.late_decode_s = self._decode()
        ran = self._ran(self.segments.tail_of(self.cut))
        tail_s = self.late_decode_s + ran.duration_s
        # Of decoding no CPU time is known: it is not said to have taken any.
        cpu_s = None if self.late_decode_s else ran.cpu_s
        return TailDone(self.clock(), tail_s, cpu_s, ran.stretched_s)

    def _begin_race(self) -> Race:
        """Run the tail on another thread: this one sends, and waits for whoever is first."""
        self._race = Race(self.clock, self.run_options)
        inputs = None if self.decode_s else self.inputs
        tail = self.segments.tail_of(self.cut)
        self._race.begin(self.threads, self.segments, tail, self._values, inputs)
        return self._race

    def _race_on(self) -> Event | None:
        """Begin the race, if that has not been done, and see that its end is heard of."""
        race = self._race or self._begin_race()
        if self._offloads:
            race.tell_to(self._offloads[-1])
            return None
        ended = race.wait()  # nothing has left: there is nobody to race with
        self._look_after(race, ended)
        return ended

    def _decode(self) -> float:
        """Decode inputs that came as files, once; gives what it took."""
        if self.inputs is None or self.decode_s:
            return 0.0
        began_s = self.clock()
        self._values = {**self._values, **self.inputs.decoded()}
        if self.segments.slowdown > 1:
            time.sleep((self.segments.slowdown - 1) * (self.clock() - began_s))
        self.decode_s = max(self.clock() - began_s, 1e-9)
        return self.decode_s

    def _ran(self, segments: tuple[Segment, ...]) -> Execution:
        """Run segments on the device; gives what they made and took."""
        if not segments:
            return Execution(self._values)
        execution = self.segments.run(
            segments, self._values, run_options=self.run_options, measures_cpu=False
        )
        self._values = execution.values
        return execution

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
        # Asked once: another server may answer at this address a moment later.
        takes = self.server.decoding.takes
        try:
            decoded = self._decoded_for(takes, action.patience_s)
            codecs = planned_codecs(self.inference.plan)
            if self.inputs is not None and self.passes_files:
                codecs.update(self.inputs.codecs)
            if codecs:
                encoding = self._begun(codecs, takes)
                return self._send_encoded(self.server, encoding, action.patience_s, remaining_s)
            if self.inference.plan.races:
                self._begin_race()  # the first byte leaves meanwhile
            self._offload_to(self.server, remaining_s)
        except CutpointError as error:
            failed = OffloadFailed(self.clock(), str(error), is_unsent=True)
            return self._with_retry(failed, None, error)
        return decoded

    def _decoded_for(self, takes: Callable[[str], bool], patience_s: float) -> Event | None:
        """Decode files that a server cannot; patience counts from then."""
        if self.inputs is None or not self.passes_files or self.inputs.are_taken(takes):
            return None
        self._decode()
        self._encoding = None  # it was to pass them on
        at_s = self.clock()
        self._until_s = at_s + patience_s
        return EncodeDone(at_s)

    def _offload_to(
        self,
        server: ServerConnection,
        remaining_s: float | None,
        encoded: dict[str, Encoded] | None = None,
    ) -> Offload:
        more = (encoded,) if encoded else ()
        offload = server.offload(self.cut, self._values, remaining_s, *more)
        self._offload = offload
        self._offloads.append(offload)
        return offload

    def _begun(self, codecs: dict[str, str], takes: Callable[[str], bool]) -> Encoding:
        """Give the encoding, of which so much is to be sent as a server decodes."""
        if self._encoding is None:
            values = {name: self._values[name] for name in self.cut.crossing}
            encoders, files = self.encoders, frozenset[str]()
            if self.inputs is not None and self.passes_files:
                encoders = FileEncoders(self.inputs, encoders)
                files = frozenset(self.inputs.images)
            self.crossing_values = {n: array for n, array in values.items() if n not in files}
            self._encoding = Encoding(values, codecs, encoders, self.clock)
        self._encoding.begin(takes)
        return self._encoding

    def _send_encoded(
        self,
        server: ServerConnection,
        encoding: Encoding,
        patience_s: float,
        remaining_s: float | None,
    ) -> Event:
        """Send what is encoded while the rest is being; patience counts from when all is."""
        is_whole_first = not server.takes_pieces
        encoding.run(float("inf") if is_whole_first else self.clock() + _ENCODED_FIRST_S)
        if remaining_s is not None and not encoding.is_done:
            remaining_s += self.inference.plan.predicted.encode_s
        first_sent_s = self.clock()
        offload = self._offload_to(server, remaining_s, encoding.encoded)
        while not encoding.is_done and offload.error is None:
            if not encoding.step():
                server.cancel(offload, self.clock(), is_late=False)
                offload = self._offload_to(server, remaining_s, encoding.encoded)
            server.more(offload)
        at_s = self.clock()
        offload.encoded(at_s)
        self._until_s = at_s + patience_s
        return EncodeDone(at_s, at_s - first_sent_s)

    def _cancel(self, is_late: bool = True) -> None:
        """Tell the server to drop what it still holds of this inference, once."""
        offload, self._offload = self._offload, None
        if self.server is not None and offload is not None:
            self.server.cancel(offload, self.clock(), is_late)

    def _next_event(self) -> Event:
        offload = self._offload or self._offloads[-1]  # where a race tells of its end as well
        event = self._heard(offload)
        if self._race is not None:
            self._look_after(self._race, event)
        if isinstance(event, Answered):
            self._offload = None
            self._values = {**self._values, **offload.outputs}
            self._learn(offload, event)
        elif isinstance(event, OffloadFailed):
            self._offload = None
            return self._with_retry(event, offload, offload.error)
        return event

    def _look_after(self, race: Race, event: Event | None) -> None:
        """Take what a race has come to, if it has ended; if it failed, the server has its time."""
        if race.error is not None and not isinstance(event, Answered):
            is_awaited = self._offload is not None and not isinstance(event, OffloadFailed)
            if not (is_awaited and self.clock() < self._until_s < float("inf")):
                raise race.error
        elif isinstance(event, PatienceEnded):
            self._until_s = float("inf")  # who computes anyway can wait
        elif race.finished is not None and isinstance(event, TailDone):
            self._values, self.late_decode_s = race.finished.values, race.finished.decode_s
            self.decode_s = self.decode_s or self.late_decode_s

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
        if self.other is None or not self.inference.may_retry or not isinstance(error, MAY_RETRY):
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
