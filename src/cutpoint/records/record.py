"""What one inference was planned to be, and what it was."""

from dataclasses import dataclass
from typing import Literal

from cutpoint.records.conditions import Conditions
from cutpoint.records.load_report import LoadReport
from cutpoint.records.parts import Parts
from cutpoint.records.plan import Placement

Phase = Literal["connect", "upload", "wait", "compute", "reply"]
"""Where an offload stands, as far as the device knows: nothing of it has left, its values are
leaving, it is in the server's queue, it is computed, its answer is coming."""


@dataclass(frozen=True)
class LegRun:
    """
    One leg as it ran.

    Parameters
    ----------
    host
        ``"device"`` or the server's address.
    part
        ``"head"``, ``"tail"`` or ``"whole"``.
    duration_s
        By that host's own clock.
    cpu_s
        CPU time of the thread that ran it; ``None`` where nobody tells, as of a server that is
        not cutpoint's.
    stretched_s
        How much of `duration_s` an emulated device slept on purpose.
    """

    host: str
    part: str
    duration_s: float
    cpu_s: float | None = None
    stretched_s: float = 0.0

    @property
    def contention(self) -> float | None:
        """
        Wall time over CPU time, what was slept on purpose left out; ``None`` if not known.

        Well above 1 means that the thread waited for a core that other work held, or for other
        threads of its own operators.
        """
        if not self.cpu_s:
            return None
        return (self.duration_s - self.stretched_s) / self.cpu_s


@dataclass(frozen=True)
class RaceRun:
    """
    What the device computed from the cut on while the server was asked for the same.

    Parameters
    ----------
    duration_s
        Time it computed, until it was done or was called off.
    is_won
        Whether its outputs were the first.
    cpu_s
        CPU time of that; ``None`` where it is not known.
    """

    duration_s: float
    is_won: bool
    cpu_s: float | None = None


@dataclass(frozen=True)
class InferenceRecord:
    """
    One inference: what was predicted, beside what happened.

    Parameters
    ----------
    request
        Number of the inference in its session, from 1.
    at_s
        When it began, on the session's own clock (seconds since it was opened).
    planned
        Where it was to run.
    placement
        Where the answer came from: differs from `planned` after a fallback.
    cut
        Id of the planned cut.
    crossing
        Names of the values the plan sends, sorted.
    server
        Address of the server asked last, the planned one unless another was tried after it;
        ``None`` for a device-only plan.
    predicted, measured
        Seconds, part by part.
    legs
        What ran where, in order.
    sent_bytes, received_bytes
        Payload bytes that left for and came from the server.
    fallback_reason
        Why the device finished alone; ``None`` when the plan was carried out.
    conditions
        What the session believed when it decided.
    attempts
        Servers the values were sent to, one after the other; 0 for a device-only plan.
    failed_in
        Where the last offload that failed stood; ``None`` if none did.
    codecs
        Codec of each crossing value of the plan, in the order of `crossing`.
    calibrated_error
        What those codecs did to the outputs when calibrated, in the measure of the session's
        tolerance; 0 where they lose nothing, ``None`` where nothing was sent.
    load
        What the server told of its load with the answer; ``None`` where none came, or it tells
        nothing.
    race
        What the device computed beside the server; ``None`` where it did not.
    energy_j
        What the inference cost the device; ``None`` where no power profile was given.
    """

    request: int
    at_s: float
    planned: Placement
    placement: Placement
    cut: str
    crossing: tuple[str, ...]
    server: str | None
    predicted: Parts
    measured: Parts
    legs: tuple[LegRun, ...]
    sent_bytes: int
    received_bytes: int
    fallback_reason: str | None
    conditions: Conditions
    attempts: int = 0
    failed_in: Phase | None = None
    codecs: tuple[str, ...] = ()
    calibrated_error: float | None = None
    load: LoadReport | None = None
    race: RaceRun | None = None
    energy_j: float | None = None

    @property
    def latency_s(self) -> float:
        """Inputs given -> outputs ready."""
        return self.measured.latency_s

    @property
    def contention(self) -> float | None:
        """The greatest of its legs' (`LegRun.contention`); ``None`` if that of one is not known."""
        known = [leg.contention for leg in self.legs]
        each = [contention for contention in known if contention is not None]
        return max(each) if each and len(each) == len(known) else None
