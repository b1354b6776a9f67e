"""How a server runs, as one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cutpoint.graph import Arrays
from cutpoint.server.door import ServerLimits, ServerSecurity

Batching = Literal["segments", "tails", "off"]
"""Whose requests may run as one batch: all that wait for the same segment, whichever cut they
entered at; those of the same tail; nobody's."""


@dataclass(frozen=True)
class ServerSettings:
    """
    How a server runs.

    Parameters
    ----------
    host
        Address to bind; one that is not loopback needs security.
    port
        0 takes any free one.
    num_workers
        Requests computed at the same time.
    max_waiting
        Requests that may wait; ``None`` is twice the workers, times what batching saves.
    num_threads
        Threads inside one operator; ``None`` leaves the runtime's default.
    providers
        Execution providers; ``None`` takes what the build has.
    drain_s
        How long requests under way may take after SIGTERM.
    tables
        Files of compiled tables: a model is held at the cuts of its own.
    sizes
        Bind open dimensions of models by name, for warming and timing.
    example
        Inputs to warm up and time with, of every model served; made up by default.
    custom_ops
        Libraries of custom operators, registered for every model.
    trusted
        Whether somebody vouches for the files; if not each is tried out in a worker first.
    repository
        Folder of models, ``<model>/<version>/model.onnx``, beside files that are named one by one.
    poll_s
        How often files are looked at for new versions; ``None`` never.
    max_batch
        Requests that may run as one.
    batching
        Whose.
    metrics_port
        Of Prometheus's page; 0 takes any free one, ``None`` has none.
    metrics_host
        Address it is bound to; like `host`, it needs security where it is not loopback.
    memory_bytes
        What weights and sessions may take; ``None`` for no limit but the machine's.
    cache
        Folder in which the times of models are kept between starts; ``None`` keeps none.
    codecs
        In which devices may send values, by name; ``None`` for all that are installed. What is
        not encoded is taken always.
    security
        Certificates and tokens; ``None`` speaks plain.
    insecure
        Whether an address that is not loopback may be served without security.
    limits
        Of messages, metadata and connections.
    """

    host: str = "127.0.0.1"
    port: int = 8001
    num_workers: int = 1
    max_waiting: int | None = None
    num_threads: int | None = None
    providers: tuple[str, ...] | None = None
    drain_s: float = 5.0
    tables: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    example: Arrays | None = None
    custom_ops: tuple[str, ...] = ()
    trusted: bool = True
    repository: str | None = None
    poll_s: float | None = None
    max_batch: int = 8
    batching: Batching = "segments"
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"
    memory_bytes: int | None = None
    cache: str | None = None
    codecs: tuple[str, ...] | None = None
    security: ServerSecurity | None = None
    insecure: bool = False
    limits: ServerLimits = field(default_factory=ServerLimits)
