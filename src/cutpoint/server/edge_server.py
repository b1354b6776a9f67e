"""The server process: live at once, ready when every model is warm, gone on SIGTERM."""

import asyncio
import ipaddress
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from grpc import aio as grpc_aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from cutpoint.exceptions import ConnectError
from cutpoint.execution.runtime import keep_freed_memory
from cutpoint.graph import Arrays
from cutpoint.server.catalog import Catalog
from cutpoint.server.data_plane import DataPlane
from cutpoint.server.served_model import ServedModel
from cutpoint.server.service import InferenceService
from cutpoint.server.work_queue import WorkQueue
from cutpoint.wire.channel import SERVER_OPTIONS
from cutpoint.wire.protocol import services


@dataclass(frozen=True)
class ServerSettings:
    """
    How a server runs.

    Parameters
    ----------
    host
        Address to bind; loopback only for now.
    port
        0 takes any free one.
    num_workers
        Requests computed at the same time.
    max_waiting
        Requests that may wait; ``None`` is twice the workers.
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


class EdgeServer:
    """
    Serves models and their tails.

    Parameters
    ----------
    settings
        How.
    """

    def __init__(self, settings: ServerSettings) -> None:
        _check_is_loopback(settings.host)
        self.settings = settings
        self.catalog = Catalog()
        self.queue = WorkQueue(settings.num_workers, settings.max_waiting)
        self._service = InferenceService(DataPlane(self.catalog, self.queue), version("cutpoint"))
        self._health = health.aio.HealthServicer()
        self._server: Any = None
        self._malloc_kept = keep_freed_memory()

    async def start(self) -> str:
        """
        Listen; live from here on, not ready yet.

        Returns
        -------
        str
            The address, with the port that was taken.

        Raises
        ------
        ConnectError
            If the port cannot be bound.
        """
        self._server = grpc_aio.server(options=SERVER_OPTIONS)
        services.add_GRPCInferenceServiceServicer_to_server(self._service, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        host = _in_address(self.settings.host)
        wanted = f"{host}:{self.settings.port}"
        try:
            port = self._server.add_insecure_port(wanted)
        except RuntimeError as error:
            raise ConnectError(f"cannot listen on {wanted}: is another server running?") from error
        await self._server.start()
        return f"{host}:{port}"

    async def load(
        self, paths: Sequence[str], progress: Callable[[ServedModel], None] | None = None
    ) -> None:
        """
        Load, warm and time models; ready when all are.

        Raises
        ------
        ModelError
            If one cannot be loaded.
        CostError
            If a table cannot be read, or is of none of the models.
        """
        for path in paths:
            model = await asyncio.to_thread(
                ServedModel.load,
                path,
                self.settings.tables,
                self.settings.sizes,
                self.settings.custom_ops,
                self.settings.trusted,
                num_threads=self.settings.num_threads,
                providers=self.settings.providers,
                malloc_kept=self._malloc_kept,
                example=self.settings.example,
            )
            self.catalog.add(model)
            if progress is not None:
                progress(model)
        self.catalog.check_tables(self.settings.tables)
        self._service.is_ready = True
        await self._set_health(health_pb2.HealthCheckResponse.SERVING)

    async def stop(self) -> None:
        """Refuse new requests, finish those under way, end."""
        self._service.is_ready = False
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        await self._server.stop(self.settings.drain_s)
        await asyncio.to_thread(self.queue.close)
        await asyncio.to_thread(self.catalog.close)

    async def _set_health(self, status: Any) -> None:
        await self._health.set("", status)
        await self._health.set("inference.GRPCInferenceService", status)


async def serve(
    paths: Sequence[str],
    settings: ServerSettings,
    *,
    on_listening: Callable[[str], None],
    on_model: Callable[[ServedModel], None],
    on_ready: Callable[[], None],
) -> None:
    """
    Serve models until SIGTERM or SIGINT.

    Parameters
    ----------
    on_listening, on_model, on_ready
        Told the address, each model as it becomes warm, and that all are.

    Raises
    ------
    ModelError, ConnectError
        If a model cannot be loaded or the port cannot be bound.
    """
    server = EdgeServer(settings)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    on_listening(await server.start())
    loading = loop.create_task(server.load(paths, on_model))
    stopping = loop.create_task(stopped.wait())
    try:
        await asyncio.wait((loading, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not stopped.is_set():
            await loading
            on_ready()
            await stopping
    finally:
        loading.cancel()
        stopping.cancel()
        await server.stop()


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _check_is_loopback(host: str) -> None:
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ConnectError(
            f"cannot serve on {host!r}: only loopback (127.0.0.1, ::1) is allowed until TLS is "
            "there; reach it through an SSH tunnel"
        )
