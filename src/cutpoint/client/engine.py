"""The loop of the device: conditions now -> plan -> inference -> record -> conditions."""

import itertools
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Condition, Lock
from typing import Any, Literal

from cutpoint.client.codec_choice import CodecChoice
from cutpoint.client.codec_guard import WithdrawalObserver
from cutpoint.client.device_profiles import (
    ProfileGiven,
    check_are_of_this_host,
    measured_sending_slowdown,
    read_profiles,
)
from cutpoint.client.dispatch import Dispatch
from cutpoint.client.drive import Drive
from cutpoint.client.encoded_inputs import EncodedInputs
from cutpoint.client.file_bucket import AnyBucket, FileBuckets
from cutpoint.client.file_times import FileTimes
from cutpoint.client.pace_lesson import teach_pace
from cutpoint.client.race import RaceThreads
from cutpoint.client.record_of import record_of
from cutpoint.client.reference import Reference, reference_of
from cutpoint.client.retry_budget import RetryBudget
from cutpoint.client.sensing import PolicySenses
from cutpoint.client.server_connection import ServerConnection
from cutpoint.client.servers import Servers, addresses_of
from cutpoint.client.session_clock import session_clock
from cutpoint.client.session_codecs import SessionCodecs, check_allowed
from cutpoint.client.shape_buckets import ShapeBuckets
from cutpoint.client.wanted_cuts import wanted_cuts
from cutpoint.cost import PowerProfile, read_cut_table
from cutpoint.execution import Segments, completed
from cutpoint.execution.file_cache import FileCache
from cutpoint.execution.runtime import keep_freed_memory
from cutpoint.graph import Arrays, Graph, checked_feed, sample_feed
from cutpoint.inference import Inference
from cutpoint.planning import LATENCY, Objective
from cutpoint.policies import Hedge, Hedging, Policy
from cutpoint.profiling.kept_times import setting_of, time_or_recall
from cutpoint.records import InferenceRecord, Plan, Profile, Withdrawal
from cutpoint.wire.credentials import ClientSecurity

Hold = Literal["segments", "whole"]
RecordObserver = Callable[[InferenceRecord], None]

_log = logging.getLogger(__name__)


class Engine:
    """
    Decides, runs and learns, one inference after the other or side by side.

    Parameters
    ----------
    graph
        The model, loaded; open dimensions may be open yet.
    feed
        Inputs that bind them, and that everything is warmed and timed with; made up by
        default.
    server
        ``HOST:PORT``, or several in order of preference.
    policy
        Decides.
    profile
        Of this device, or one for each of several sizes; ``None`` times the segments now.
    deadline_s
        Wanted latency.
    hold
        ``"whole"`` holds the whole model beside the segments, for device-only runs.
    slowdown
        Of an emulated device.
    on_record
        Told every record.
    on_fallback
        Told every record with a reason why the device finished alone.
    security
        What to show the servers and to demand of them.
    max_extra_attempts
        Second attempts at another server, as a share of all requests.
    table
        File of a compiled table: its cuts are held and chosen from.
    cache
        Folder where times are kept between starts; ``None`` keeps none.
    codecs
        Which codecs may be used, what they have to keep, and how that is seen.
    on_withdrawn
        Told every codec that is used no more because of what it does to the outputs.
    objective
        What is to be small.
    power
        What this device draws; ``None`` counts no joules.
    hedge
        When the device computes on after sending.
    options, providers, provider_options
        Of ONNX Runtime, for every segment.

    Raises
    ------
    CutpointError
        As `cutpoint.InferenceSession`.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        server: str | Sequence[str],
        policy: Policy,
        feed: Arrays | None = None,
        profile: ProfileGiven = None,
        deadline_s: float | None = None,
        hold: Hold = "segments",
        slowdown: float = 1.0,
        on_record: RecordObserver | None = None,
        on_fallback: RecordObserver | None = None,
        security: ClientSecurity | None = None,
        max_extra_attempts: float = 0.1,
        table: str | os.PathLike[str] | None = None,
        cache: str | os.PathLike[str] | None = None,
        codecs: CodecChoice | None = None,
        on_withdrawn: WithdrawalObserver | None = None,
        objective: Objective = LATENCY,
        power: PowerProfile | None = None,
        hedge: Hedge = "off",
        options: Any = None,
        providers: Sequence[Any] | None = None,
        provider_options: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        addresses, budget = addresses_of(server), RetryBudget(max_extra_attempts)
        malloc_kept = keep_freed_memory()
        self.graph = completed(graph, feed, options)
        self.policy = policy
        self._feed = sample_feed(self.graph) if feed is None else _copied(graph, feed)
        given = read_profiles(profile, self.graph)
        compiled = None if table is None else read_cut_table(table, self.graph)
        self.cuts = wanted_cuts(policy, self.graph, given, compiled)
        choice = codecs or CodecChoice()
        check_allowed(policy, choice)
        held = partial(
            Segments,
            self.graph,
            options=options,
            providers=providers,
            provider_options=provider_options,
            slowdown=slowdown,
        )
        self.segments = held(self.cuts)
        self.whole = held(()) if hold == "whole" else self.segments
        for each in {self.segments, self.whole}:
            each.warm_up(self._feed)
        check_are_of_this_host(given, self.segments)
        kept = None if cache is None else FileCache(cache)
        self._codecs = SessionCodecs(
            choice,
            self.segments,
            self._feed,
            is_made_up=feed is None,
            cache=kept,
            on_withdrawn=on_withdrawn,
        )
        profiles = given or (self._timed(kept, malloc_kept, options, provider_options),)
        self._buckets = ShapeBuckets(
            self.graph,
            self.cuts,
            profiles,
            holds_whole=self.whole is not self.segments,
            may_send_inputs=compiled is None or compiled.may_send_inputs,
            codings=self._codecs.book.codings,
            is_struck=self._codecs.book.is_struck,
            keeps_dominated=policy.needs_every_candidate,
        )
        self._codecs.outdated = self._buckets.outdate
        self._file_buckets = FileBuckets(FileTimes(slowdown))
        self.last_record: InferenceRecord | None = None
        self._noted: str | None = None
        self._deadline_s = deadline_s
        self._objective, self._power = objective, power
        sending = measured_sending_slowdown(profiles[0], self.segments, self._feed, hedge)
        self._hedge, self._hedging = hedge, Hedging(sending, power)
        self._race_threads = RaceThreads()
        self._on_record = on_record
        self._on_fallback = on_fallback
        self._clock = session_clock()
        self._numbers = itertools.count(1)
        self._dispatch: Dispatch | None = None
        self._lock = Lock()
        self._senses = PolicySenses(policy, self._lock)
        self.servers = Servers(
            addresses,
            partial(self._connect, security=security),
            clock=self._clock,
            budget=budget,
        )

    def __repr__(self) -> str:
        return f"<Engine {self.graph.name}, {self.policy.name}: {self.servers!r}>"

    @property
    def server(self) -> ServerConnection:
        """The server that is used now, or would be."""
        return self.servers.chosen(self._clock())

    def run(
        self,
        feed: Arrays,
        run_options: Any = None,
        deadline_s: float | None = None,
        inputs: EncodedInputs | None = None,
    ) -> Arrays:
        """
        Run one inference.

        Parameters
        ----------
        feed
            Checked against the graph.
        deadline_s
            Wanted latency from now on; ``None`` for the session's.
        inputs
            Those that came as image files; the feed has no pixels of them.

        Returns
        -------
        dict of arrays
            Every output of the model.
        """
        entered_s = self._clock()
        bucket = self._bucket_of(feed, inputs)  # may take a while: others need not wait for it
        deadline_s = self._deadline_s if deadline_s is None else deadline_s
        if deadline_s is not None:
            deadline_s -= self._clock() - entered_s
        dispatch = Dispatch(
            self.servers,
            bucket,
            self.policy,
            clock=self._clock,
            lock=self._lock,
            deadline_s=deadline_s,
            previous=self._dispatch,
            objective=self._objective,
            hedge=self._hedge,
            hedging=self._hedging,
        )
        self._dispatch = dispatch
        cut, plan = dispatch.cut, dispatch.plan
        is_alone = plan.server is None
        drive = Drive(
            Inference(plan) if is_alone else Inference(plan, dispatch.patience_s, dispatch.rest_s),
            cut,
            self.whole if cut.placement == "device" else self.segments,
            dispatch.server,
            self._clock,
            run_options,
            dispatch.other,
            self._codecs.encoders,
            inputs,
            self._race_threads,
        )
        try:
            outputs = drive.run(feed)
            self._codecs.ended(drive, outputs)
            self._finish(drive, dispatch, bucket)
        finally:
            dispatch.release()
        return outputs

    def wait_until_ready(self, timeout_s: float) -> None:
        """
        Wait until the server can be used, for the very cut where a policy has but one.

        Raises
        ------
        CutpointError
            Why it cannot, when the time has passed.
        """
        until_s = self._clock() + timeout_s
        server = self.servers.wait_until_ready(timeout_s)
        if self.policy.needs_every_candidate:
            server.wait_for_tails(self.cuts, max(until_s - self._clock(), 0.0))

    @property
    def withdrawn(self) -> tuple[Withdrawal, ...]:
        """Codecs that are used no more because of what they did to the outputs."""
        return self._codecs.withdrawn

    @property
    def num_checked(self) -> int:
        """Inferences that were computed again, to see what codecs do to the outputs."""
        return self._codecs.num_checked

    def close(self) -> None:
        """End every thread and socket."""
        self.servers.close()
        self._codecs.close()
        self._race_threads.close()

    def _bucket_of(self, feed: Arrays, inputs: EncodedInputs | None) -> AnyBucket:
        bucket = self._buckets.of(feed)
        return bucket if inputs is None else self._file_buckets.of(bucket, inputs)

    def _finish(self, drive: Drive, dispatch: Dispatch, bucket: AnyBucket) -> None:
        inference, plan = drive.inference, dispatch.plan
        error = self._codecs.error(drive)
        record = record_of(next(self._numbers), drive, dispatch, error, self._power)
        if drive.inputs is not None and drive.decode_s:
            slowdown = dispatch.conditions.device_slowdown
            self._file_buckets.times.observe(drive.inputs, drive.decode_s / slowdown)
        with self._lock:
            self._learn_slowdown(drive, dispatch, bucket)
            if inference.server is not None:
                bucket.observe_server(drive.cut, drive.idle_s, inference.server)
            self._senses.deliver()
            self.policy.observe(record)
            self._hedging.observe(record)
            self.last_record = record
        # Sent otherwise than planned, it took longer than predicted by no fault of the server.
        if drive.is_sent_as_planned and record.server is not None and record.attempts <= 1:
            server, at_s = self.servers.at(record.server), self._clock()
            teach_pace(server, record, inference, dispatch.rest_s, at_s)
        if inference.fallback_reason is None and plan.server is not None:
            self._note(plan)
        _tell("on_record", self._on_record, record)
        if record.fallback_reason is not None:
            _tell("on_fallback", self._on_fallback, record)

    def _note(self, plan: Plan) -> None:
        """Say once why a plan that is carried out is not what the policy stands for."""
        if plan.note != self._noted:
            self._noted = plan.note
            if plan.note is not None:
                _log.warning("%s: %s", self.policy.name, plan.note)

    def _learn_slowdown(self, drive: Drive, dispatch: Dispatch, bucket: AnyBucket) -> None:
        """Learn from what ran here: the head, encoding, and the tail too after a fallback."""
        inference, plan = drive.inference, dispatch.plan
        if drive.is_disturbed:
            return  # by a tail that lost its race and had not quite ended
        took_s, profiled_s = inference.measured.head_s, bucket.device.head_s[plan.cut]
        if inference.placement == "device" and plan.placement != "device":
            sending_slowdown = self._hedging.sending_slowdown if plan.races else 1.0
            took_s += inference.measured.tail_s - drive.late_decode_s
            profiled_s += sending_slowdown * bucket.device.tail_s[plan.cut]
        bucket.slowdown.observe(took_s, profiled_s, self._clock())
        if drive.inputs is None and drive.is_sent_as_planned:
            profiled_s = plan.predicted.encode_s / dispatch.conditions.device_slowdown
            bucket.slowdown.observe_at_most(inference.measured.encode_s, profiled_s, self._clock())

    def _connect(
        self, address: str, changed: Condition, security: ClientSecurity | None
    ) -> ServerConnection:
        return ServerConnection(
            address,
            self.graph,
            self.cuts,
            reference=self._reference,
            clock=self._clock,
            security=security,
            typed=self._codecs.book.lossy,
            changed=changed,
            senses=self._senses,
        )

    def _timed(
        self,
        cache: FileCache | None,
        malloc_kept: bool,
        options: Any,
        provider_options: Sequence[Mapping[str, Any]] | None,
    ) -> Profile:
        return time_or_recall(
            self.segments,
            cache,
            feed=self._feed,
            malloc_kept=malloc_kept,
            setting=setting_of(options, provider_options),
        )

    def _reference(self) -> Reference:
        return reference_of(self.segments, self._feed)


def _tell(name: str, observer: RecordObserver | None, record: InferenceRecord) -> None:
    if observer is None:
        return
    try:
        observer(record)
    except Exception:  # the observer's, not the inference's: its answer is not lost
        _log.exception("%s failed", name)


def _copied(graph: Graph, feed: Arrays) -> Arrays:
    """Keep a feed of the caller's: what it holds may be overwritten for the next run."""
    return {name: array.copy() for name, array in checked_feed(graph, feed).items()}
