"""One scenario on two clocks: a session over an emulated link, and the same in the simulator."""

import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from statistics import median

from cutpoint.client.session import InferenceSession
from cutpoint.cost import CutTable
from cutpoint.exceptions import ExperimentError
from cutpoint.graph import Arrays, Cut, Graph
from cutpoint.lab.link_process import LinkProcess
from cutpoint.policies import Policy, Situation, policy_named
from cutpoint.records import RAW, InferenceRecord, LoadConditions, Plan, Profile
from cutpoint.simulation.load_schedule import LoadSchedule, SlowdownSchedule
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.simulation.scenario import DeviceSpec, Scenario
from cutpoint.simulation.simulator import simulate
from cutpoint.simulation.world import World

MOST_CONTENTION = 1.1
"""Wall time over CPU time beyond which something else held the cores."""

MOST_DROPPED = 0.8
"""Where more than this share does not count, what is left is no result."""

_READY_S = 60.0
_NUM_WARM = 4
"""Inferences before the scenario begins: threads, connections and codecs are warm then."""


class Watched:
    """
    A policy that is looked over the shoulder.

    Parameters
    ----------
    policy
        Decides.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.table: CutTable | None = None

    @property
    def name(self) -> str:
        """Its own."""
        return self._policy.name

    @property
    def needs_every_candidate(self) -> bool:
        """As it says."""
        return self._policy.needs_every_candidate

    @property
    def is_steady(self) -> bool:
        """As it says, if it does."""
        return bool(getattr(self._policy, "is_steady", False))

    def candidates(self, graph: Graph) -> Sequence[Cut]:
        """Give its own."""
        return self._policy.candidates(graph)

    def decide(self, situation: Situation) -> Plan:
        """Decide as it does, and remember among what."""
        self.table = situation.table
        return self._policy.decide(situation)

    def observe(self, record: InferenceRecord) -> None:
        """Let it learn."""
        self._policy.observe(record)


@dataclass(frozen=True)
class RealRun:
    """
    A session on the real clock.

    Parameters
    ----------
    records
        Every inference of the scenario.
    table
        What it decided among in the end.
    message_s
        What the session found a message to take one way, whatever its size.
    slowdowns, loads
        What device and server truly were like beside the table, phase of the link by phase:
        medians of its own records.
    """

    records: tuple[InferenceRecord, ...]
    table: CutTable
    message_s: float
    slowdowns: tuple[float, ...]
    loads: tuple[LoadConditions, ...]

    @property
    def kept(self) -> tuple[InferenceRecord, ...]:
        """Those that no other work on either host has disturbed; none where most were."""
        found = tuple(
            r for r in self.records if r.contention is None or r.contention <= MOST_CONTENTION
        )
        most_dropped = MOST_DROPPED * len(self.records)
        return found if len(self.records) - len(found) <= most_dropped else ()


@dataclass(frozen=True)
class Stage:
    """
    What a scenario is played on.

    Parameters
    ----------
    model, graph
        File of the model, and what is in it.
    server
        Address of a server that has it.
    profile, slowdown
        Of the device.
    schedule
        Rate of the link, both ways.
    delay_s
        One way.
    duration_s
        How long inferences are begun.
    feeds
        Inputs, in turn.
    """

    model: Path
    graph: Graph
    server: str
    profile: Profile
    slowdown: float
    schedule: RateSchedule
    delay_s: float
    duration_s: float
    feeds: tuple[Arrays, ...]


def on_the_real_clock(stage: Stage, policy: str) -> RealRun:
    """
    Run a closed loop of inferences over an emulated link.

    Raises
    ------
    CutpointError
        If the server cannot be reached.
    """
    watched = Watched(policy_named(policy))
    rate = stage.schedule.bandwidth_at(0.0)
    with (
        LinkProcess(
            stage.server, delay_s=stage.delay_s, up_bytes_per_s=rate, down_bytes_per_s=rate
        ) as link,
        InferenceSession(
            stage.model,
            server=link.address,
            policy=watched,
            profile=stage.profile,
            slowdown=stage.slowdown,
        ) as session,
    ):
        session.wait_until_ready(_READY_S)
        outputs = [value.name for value in session.get_outputs()]
        for feed in stage.feeds[:1] * _NUM_WARM:
            session.run(outputs, feed)
        link.play(stage.schedule, stage.schedule, 0.0)
        records = _closed_loop(session, outputs, stage)
    if watched.table is None:
        raise ExperimentError(f"{policy}: the session decided nothing, so there is no table")
    return world_of(policy, records, watched.table, stage.schedule)


def by_phase(
    records: Sequence[InferenceRecord], schedule: RateSchedule, begun_s: float
) -> list[list[InferenceRecord]]:
    """Give the records that began in each phase of the link, which was played from a time on."""
    ends_s = list(accumulate(duration_s for duration_s, _ in schedule.phases))
    found: list[list[InferenceRecord]] = [[] for _ in ends_s]
    for record in records:
        found[min(bisect_right(ends_s, record.at_s - begun_s), len(ends_s) - 1)].append(record)
    return found


def world_of(
    policy: str, records: tuple[InferenceRecord, ...], table: CutTable, schedule: RateSchedule
) -> RealRun:
    """Read off a session's records what the world was that it ran in."""
    links = [record.conditions.link for record in records if record.conditions.link is not None]
    if not links:
        raise ExperimentError(f"{policy}: the session never knew its link: is the server there?")
    phases = by_phase(records, schedule, records[0].at_s)
    return RealRun(
        records,
        table,
        median(found.round_trip_s for found in links) / 2,
        tuple(_slowdown(phase or records, table) for phase in phases),
        tuple(_load(phase, table) or _load(records, table) or LoadConditions() for phase in phases),
    )


def _slowdown(records: Sequence[InferenceRecord], table: CutTable) -> float:
    return _median([_device_ratio(record, table) for record in records], 1.0)


def _load(records: Sequence[InferenceRecord], table: CutTable) -> LoadConditions | None:
    answered = [record for record in records if record.placement != "device"]
    if not answered:
        return None
    wait_s = median(record.measured.wait_s for record in answered)
    return LoadConditions(wait_s, _median([_tail_ratio(r, table) for r in answered], 1.0))


def _median(found: Sequence[float | None], otherwise: float) -> float:
    known = [each for each in found if each is not None]
    return median(known) if known else otherwise


def _device_ratio(record: InferenceRecord, table: CutTable) -> float | None:
    row = _row_of(record, table)
    profiled_s = 0.0 if row is None else float(table.head_s[row] + table.encode_s[row])
    took_s = record.measured.head_s + record.measured.encode_s
    return took_s / profiled_s if profiled_s > 0 else None


def _tail_ratio(record: InferenceRecord, table: CutTable) -> float | None:
    row = _row_of(record, table)
    profiled_s = 0.0 if row is None else float(table.tail_s[row])
    return record.measured.tail_s / profiled_s if profiled_s > 0 else None


def _row_of(record: InferenceRecord, table: CutTable) -> int | None:
    codec = next((codec for codec in record.codecs if codec != RAW), RAW)
    return table.find(record.cut, codec)


def _closed_loop(
    session: InferenceSession, outputs: Sequence[str], stage: Stage
) -> tuple[InferenceRecord, ...]:
    records: list[InferenceRecord] = []
    began_s = time.perf_counter()
    while time.perf_counter() - began_s < stage.duration_s:
        session.run(outputs, stage.feeds[len(records) % len(stage.feeds)])
        record = session.last_record
        assert record is not None
        records.append(record)
    return tuple(records)


def on_the_virtual_clock(stage: Stage, run: RealRun, policy: str) -> tuple[InferenceRecord, ...]:
    """Give what the same policy does in the simulator with the very table of a session."""
    device = device_of(stage, run, policy)
    return simulate(Scenario((device,)), stage.duration_s).records


def device_of(stage: Stage, run: RealRun, policy: str, name: str = "device") -> DeviceSpec:
    """Give the simulated twin of a session's device."""
    decider = policy_named(policy)
    decider.candidates(stage.graph)
    durations_s = [duration_s for duration_s, _ in stage.schedule.phases]
    world = World(
        stage.schedule,
        stage.schedule,
        run.message_s,
        run.message_s,
        LoadSchedule(tuple(zip(durations_s, run.loads, strict=True))),
        SlowdownSchedule(tuple(zip(durations_s, run.slowdowns, strict=True))),
    )
    return DeviceSpec(name, decider, run.table, world)
