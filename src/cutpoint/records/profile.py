"""A profile: the samples of one model on one host, with the environment they were taken in."""

from dataclasses import dataclass, field

from cutpoint.records.sample import Sample

FORMAT_VERSION = 1
"""Raised when a file of an older version can no longer be read."""


@dataclass(frozen=True)
class Environment:
    """
    The machine and the settings a profile was measured with.

    Parameters
    ----------
    runtime
        ONNX Runtime's version.
    providers
        Execution providers, as the sessions report them.
    num_threads
        Threads inside one operator; 0 is the runtime's default.
    cpu
        Name of the processor.
    num_cores
        Cores this process may use.
    power_mode
        Frequency governor or board power mode; ``None`` where it cannot be read.
    malloc_kept
        Whether freed memory is kept (see `cutpoint.execution.runtime`).
    emulated_slowdown
        Factor by which this host is slowed on purpose; 1 for a real device.
    """

    runtime: str
    providers: tuple[str, ...]
    num_threads: int
    cpu: str
    num_cores: int
    power_mode: str | None
    malloc_kept: bool
    emulated_slowdown: float = 1.0


@dataclass(frozen=True)
class Profile:
    """
    What one model takes on one host.

    Parameters
    ----------
    format_version
        Version of the file's layout.
    model_sha256
        Hex digest of the model file.
    model_name
        For people; the digest decides.
    host
        Name of the machine.
    environment
        Where and how it was measured.
    cuts
        Crossing values of each cut at which the model is held in segments, in
        topological order of the cuts.
    samples
        Timings: ``whole``, ``segment`` (subject: segment id) and ``node``.
    contention
        Wall time / CPU time of the quietest runs; well above 1 on one thread means
        that other work disturbed the measurement.
    dropped_cuts
        Crossing values of cuts given up to keep the segments cheap, and why.
    sizes
        What the model's open dimensions were bound to, by name; empty if it has none.
    """

    format_version: int
    model_sha256: str
    model_name: str
    host: str
    environment: Environment
    cuts: tuple[tuple[str, ...], ...]
    samples: tuple[Sample, ...]
    contention: float
    dropped_cuts: tuple[tuple[str, ...], ...] = ()
    sizes: dict[str, int] = field(default_factory=dict)
