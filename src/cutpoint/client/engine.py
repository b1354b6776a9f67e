"""The loop of the device: conditions now -> plan -> inference -> record -> conditions."""

import itertools
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import Any, Literal

from cutpoint.client.device_profiles import ProfileGiven, check_are_of_this_host, read_profiles
from cutpoint.client.drive import Drive, session_clock
from cutpoint.client.server_connection import ServerConnection
from cutpoint.client.shape_bucket import ShapeBucket
from cutpoint.client.shape_buckets import ShapeBuckets
from cutpoint.cost import CutTable, read_cut_table
from cutpoint.exceptions import InvalidCutError
from cutpoint.execution import Segments, completed
from cutpoint.execution.runtime import keep_freed_memory
from cutpoint.graph import (
    Arrays,
    Cut,
    Graph,
    checked_feed,
    sample_feed,
)
from cutpoint.inference import Inference, patience_s
from cutpoint.policies import Policy, Situation
from cutpoint.profiling.quick import time_segments
from cutpoint.records import Conditions, InferenceRecord, Plan, Profile

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
        ``HOST:PORT``.
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
    table
        File of a compiled table: its cuts are held and chosen from.
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
        server: str,
        policy: Policy,
        feed: Arrays | None = None,
        profile: ProfileGiven = None,
        deadline_s: float | None = None,
        hold: Hold = "segments",
        slowdown: float = 1.0,
        on_record: RecordObserver | None = None,
        table: str | os.PathLike[str] | None = None,
        options: Any = None,
        providers: Sequence[Any] | None = None,
        provider_options: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        malloc_kept = keep_freed_memory()
        self.graph = completed(graph, feed, options)
        self.policy = policy
        self._feed = sample_feed(self.graph) if feed is None else _copied(graph, feed)
        given = read_profiles(profile, self.graph)
        compiled = None if table is None else read_cut_table(table, self.graph)
        self.cuts = self._wanted_cuts(given, compiled)
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
        self._warm_up()
        check_are_of_this_host(given, self.segments)
        self._buckets = ShapeBuckets(
            self.graph,
            self.cuts,
            given or (time_segments(self.segments, feed=self._feed, malloc_kept=malloc_kept),),
            holds_whole=self.whole is not self.segments,
            may_send_inputs=compiled is None or compiled.may_send_inputs,
        )
        self.last_record: InferenceRecord | None = None
        self._deadline_s = deadline_s
        self._on_record = on_record
        self._clock = session_clock()
        self._numbers = itertools.count(1)
        self._lock = Lock()
        self.server = ServerConnection(
            server, self.graph, self.cuts, reference=self._reference, clock=self._clock
        )

    def __repr__(self) -> str:
        return f"<Engine {self.graph.name}, {self.policy.name}: {self.server!r}>"

    def run(self, feed: Arrays, run_options: Any = None) -> Arrays:
        """
        Run one inference.

        Parameters
        ----------
        feed
            Checked against the graph.

        Returns
        -------
        dict of arrays
            Every output of the model.
        """
        at_s = self._clock()
        bucket = self._buckets.of(feed)  # may take a while: others need not wait for it
        with self._lock:
            conditions = self._conditions(bucket, at_s)
            table = bucket.table(self.server.costs, self.server.tails)
            situation = Situation(at_s, table, conditions, self.server.address, bucket.key)
            plan = self.policy.decide(situation)
        row = table.find(plan.cut) or 0
        rest_s = float(table.rest_s[row]) * conditions.device_slowdown
        inference = Inference(plan, patience_s(plan.predicted, rest_s, self._deadline_s))
        cut = table.cuts[row]
        server = None if plan.server is None else self.server
        held = self.whole if cut.placement == "device" else self.segments
        drive = Drive(inference, cut, held, server, self._clock, run_options)
        outputs = drive.run(feed)
        self._finish(drive, plan, conditions, at_s, bucket)
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
        self.server.wait_until_ready(timeout_s)
        if self.policy.needs_every_candidate:
            self.server.wait_for_tails(self.cuts, max(until_s - self._clock(), 0.0))

    def close(self) -> None:
        """End every thread and socket."""
        self.server.close()

    def _finish(
        self, drive: Drive, plan: Plan, conditions: Conditions, at_s: float, bucket: ShapeBucket
    ) -> None:
        inference = drive.inference
        record = InferenceRecord(
            request=next(self._numbers),
            at_s=at_s,
            planned=plan.placement,
            placement=inference.placement,
            cut=plan.cut,
            crossing=plan.crossing,
            server=plan.server,
            predicted=plan.predicted,
            measured=inference.measured,
            legs=inference.legs,
            sent_bytes=drive.sent_bytes,
            received_bytes=drive.received_bytes,
            fallback_reason=inference.fallback_reason or plan.note,
            conditions=conditions,
        )
        with self._lock:
            self._learn_slowdown(inference, plan.cut, bucket)
            bucket.observe_server(drive.cut, drive.idle_s)
            self.policy.observe(record)
            self.last_record = record
        if self._on_record is not None:
            try:
                self._on_record(record)
            except Exception:  # the observer's, not the inference's: its answer is not lost
                _log.exception("on_record failed")

    def _learn_slowdown(self, inference: Inference, cut: str, bucket: ShapeBucket) -> None:
        """Learn from what ran here: the head, and the tail too after a fallback."""
        took_s, profiled_s = inference.measured.head_s, bucket.device.head_s[cut]
        if inference.placement == "device" and inference.plan.placement != "device":
            took_s += inference.measured.tail_s
            profiled_s += bucket.device.tail_s[cut]
        bucket.slowdown.observe(took_s, profiled_s, self._clock())

    def _conditions(self, bucket: ShapeBucket, at_s: float) -> Conditions:
        return Conditions(
            link=self.server.link(),
            load=self.server.load(at_s),
            device_slowdown=bucket.slowdown.factor(at_s),
            unavailable=self.server.unavailable,
        )

    def _warm_up(self) -> None:
        for held in {self.segments, self.whole}:
            held.warm_up(self._feed)

    def _wanted_cuts(
        self, profiles: Sequence[Profile], compiled: CutTable | None
    ) -> tuple[Cut, ...]:
        """Give the table's cuts, or the policy's less those the profile found too dear."""
        if compiled is not None:
            own = self.policy.candidates(self.graph) if self.policy.needs_every_candidate else ()
            forbidden = [cut for cut in own if compiled.is_limited and cut not in compiled.splits]
            if forbidden:
                raise InvalidCutError(
                    f"policy {self.policy.name!r} cuts at {list(forbidden[0].crossing)}, which the "
                    "table, compiled under limits, does not have: choose one of its cuts"
                )
            return tuple(dict.fromkeys((*compiled.splits, *own)))
        is_all = self.policy.needs_every_candidate
        dropped = set() if is_all else {cut for each in profiles for cut in each.dropped_cuts}
        wanted = (cut for cut in self.policy.candidates(self.graph) if cut.crossing not in dropped)
        return tuple(wanted)

    def _reference(self) -> tuple[Arrays, Arrays]:
        values = self.segments.run(self.segments.segments, self._feed).values
        return self._feed, self.segments.outputs_of(values)


def _copied(graph: Graph, feed: Arrays) -> Arrays:
    """Keep a feed of the caller's: what it holds may be overwritten for the next run."""
    return {name: array.copy() for name, array in checked_feed(graph, feed).items()}
