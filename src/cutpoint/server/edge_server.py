"""The server process: live at once, ready when every model is warm, gone on SIGTERM."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from grpc_health.v1 import health, health_pb2

from cutpoint.exceptions import ModelError
from cutpoint.execution import ModelFile
from cutpoint.execution.model_file import file_bytes, served_name
from cutpoint.execution.runtime import keep_freed_memory, return_freed_memory
from cutpoint.server.catalog import Catalog
from cutpoint.server.data_plane import DataPlane
from cutpoint.server.door import bind, check_is_guarded, make_server
from cutpoint.server.known_codecs import KnownCodecs
from cutpoint.server.loader import Loader
from cutpoint.server.memory_budget import MemoryBudget
from cutpoint.server.methods import add_health, add_inference
from cutpoint.server.metrics import Metrics
from cutpoint.server.metrics_door import MetricsDoor
from cutpoint.server.model_store import ModelStore, StoreEvent, check_some
from cutpoint.server.repository import Offer, Repository
from cutpoint.server.scheduler import Scheduler
from cutpoint.server.served_model import ServedModel
from cutpoint.server.service import InferenceService
from cutpoint.server.settings import ServerSettings
from cutpoint.server.upload import Uploads

__all__ = ["EdgeServer", "ServerSettings"]

_log = logging.getLogger(__name__)

_LOOK_AGAIN_S = 0.01
_ENDING_S = 2.0
_TRIM_AFTER_S = 2.0
"""After a reload: requests under way on the model before have ended by then, mostly."""

Tell = Callable[[StoreEvent], object]


class EdgeServer:
    """
    Serves models and their tails.

    Parameters
    ----------
    settings
        How.
    """

    def __init__(self, settings: ServerSettings) -> None:
        check_is_guarded(settings.host, settings.security, insecure=settings.insecure)
        self.settings = settings
        self.catalog = Catalog()
        self.budget = MemoryBudget.of(settings.memory_bytes)
        self.store: ModelStore | None = None
        self._last_trouble = ""
        self._num_busy = 0
        self.queue = Scheduler(
            settings.num_workers,
            settings.max_waiting,
            max_batch=1 if settings.batching == "off" else settings.max_batch,
        )
        self.codecs = KnownCodecs(settings.codecs)
        self.plane = DataPlane(self.catalog, self.queue, self.codecs)
        self.uploads = Uploads(stalled_s=settings.limits.stalled_s)
        self._service = InferenceService(self.plane, version("cutpoint"), self.uploads)
        self._health = health.aio.HealthServicer()
        self._server: Any = None
        self._malloc_kept = keep_freed_memory(num_arenas=1)
        self.metrics: Metrics | None = None
        self._metrics_door: MetricsDoor | None = None
        if settings.metrics_port is not None:
            self.metrics, self._metrics_door = self._monitored(settings.metrics_port)

    def open_metrics(self) -> str | None:
        """
        Show metrics and health over HTTP; the address, or ``None`` without a port for them.

        Raises
        ------
        ConnectError
            If the port cannot be bound.
        """
        return None if self._metrics_door is None else self._metrics_door.open()

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
        self._server = make_server(
            self.settings.limits,
            self.settings.security,
            check_room=self.plane.check_room,
            refused=self.plane.refused,
        )
        add_inference(self._server, self._service)
        add_health(self._server, self._health)
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        port = bind(
            self._server,
            self.settings.host,
            self.settings.port,
            self.settings.security,
            insecure=self.settings.insecure,
        )
        await self._server.start()
        return f"{_in_address(self.settings.host)}:{port}"

    async def load(
        self,
        paths: Sequence[str] = (),
        progress: Callable[[ServedModel], None] | None = None,
        *,
        copies: Mapping[str, str] | None = None,
        tell: Tell | None = None,
    ) -> None:
        """
        Load, warm and time models; ready when all that are good are.

        Parameters
        ----------
        paths
            Files beside the repository's; each must be good.
        progress
            Told each model as it becomes warm.
        copies
            Of files that were vetted already: loaded in their stead, this once.
        tell
            Told whatever becomes of a model, on another thread.

        Raises
        ------
        ModelError
            If a file cannot be loaded, or nothing is there to be served.
        CostError
            If a table cannot be read, or is of none of the models.
        """
        for path in paths:
            file_bytes(ModelFile(Path(path).stem, "", path))
        repository = Repository(paths, self.settings.repository)
        loader = Loader(
            self.settings,
            self.budget,
            malloc_kept=self._malloc_kept,
            copies=copies,
            codecs=self.codecs,
        )
        self.store = ModelStore(
            repository, self.catalog, self._counted(loader), self.budget.has_room
        )
        required = {served_name(Path(path).stem) for path in paths}

        def take(event: StoreEvent) -> None:
            if event.error is not None and event.name in required:
                raise event.error
            if event.model is not None and progress is not None:
                progress(event.model)
            if tell is not None:
                tell(event)

        await asyncio.to_thread(self._refresh, self.store, take, is_patient=False)
        loader.copies = {}
        check_some(self.catalog, self.store)
        self.catalog.check_tables(self.settings.tables)
        await self._set_ready(is_ready=True)

    async def refresh(self, tell: Tell, *, is_asked: bool = False, looks: bool = True) -> None:
        """
        Look at the disk once, and serve what is new there; what is served goes on meanwhile.

        Parameters
        ----------
        tell
            Told whatever becomes of a model, on another thread.
        is_asked
            Whether somebody asks for it: what could not be loaded before is tried again.
        looks
            Whether to look at the disk: if not, only what found no room is tried again.
        """
        store = self.store
        if store is None:
            return
        if is_asked:
            store.forget_failures()
        try:
            num_events = await asyncio.to_thread(
                self._refresh, store, tell, is_patient=True, looks=looks
            )
        except ModelError as error:
            if str(error) != self._last_trouble:  # told once, not at every look
                _log.error("what is served stays as it is: %s", error)
            self._last_trouble = str(error)
            return
        self._last_trouble = ""
        if num_events:
            await self._set_ready(is_ready=bool(self.catalog.names))
            asyncio.get_running_loop().call_later(_TRIM_AFTER_S, _trim)

    @property
    def is_settled(self) -> bool:
        """Whether nothing was new, changed or missing on disk at the last look."""
        return self.store is None or self.store.is_settled

    @property
    def waits_for_room(self) -> bool:
        """Whether a model is not served only because there was no room for it."""
        return self.store is not None and self.store.waits_for_room

    async def stop(self) -> None:
        """Refuse new requests, finish those under way, end."""
        await self._set_ready(is_ready=False)
        self.catalog.stop()
        await self._finish(self.settings.drain_s)
        if self._server is not None:
            await self._server.stop(None)
        # What runs or is being built cannot be stopped: it is waited for, but not for long.
        ending = {
            asyncio.ensure_future(asyncio.to_thread(close))
            for close in (self.queue.close, self.catalog.close)
        }
        _, late = await asyncio.wait(ending, timeout=_ENDING_S)
        self._num_busy += len(late)
        if self._metrics_door is not None:  # last: scrapes are served while the rest drains
            await asyncio.to_thread(self._metrics_door.close)

    @property
    def is_busy(self) -> bool:
        """Whether a thread of this server works that cannot be stopped."""
        return self._num_busy > 0

    async def _finish(self, patience_s: float) -> None:
        """Wait for requests under way; new ones are refused by words meanwhile."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + patience_s
        # Idle is what each of the streams says of itself: there is nobody to set an event.
        while not self._service.is_idle and loop.time() < until_s:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_AGAIN_S)

    def _refresh(
        self, store: ModelStore, tell: Tell, *, is_patient: bool, looks: bool = True
    ) -> int:
        num_events = 0
        self._num_busy += 1
        try:
            for event in store.refresh(is_patient=is_patient, looks=looks):
                num_events += 1
                if self.metrics is not None and not event.is_first and event.kind != "withdrawn":
                    self.metrics.reloaded(event.kind == "loaded")
                tell(event)
        finally:
            self._num_busy -= 1
        return num_events

    def _counted(self, loader: Loader) -> Callable[[Offer], ServedModel]:
        def load(offer: Offer) -> ServedModel:
            if self.metrics is None:
                return loader(offer)
            self.metrics.loading(1)
            try:
                return loader(offer)
            finally:
                self.metrics.loading(0)

        return load

    def _monitored(self, port: int) -> tuple[Metrics, MetricsDoor]:
        settings = self.settings

        def is_ready() -> bool:
            return self._service.is_ready

        metrics = Metrics(self.catalog, self.queue, is_ready, version("cutpoint"))
        self.plane.observers.append(metrics.observe)
        door = MetricsDoor(
            metrics,
            is_ready,
            settings.metrics_host,
            port,
            security=settings.security,
            insecure=settings.insecure,
        )
        budget = self.budget
        service = self._service
        metrics.watch("streams", "Streams that are open.", lambda: service.num_streams)
        metrics.watch("weights_bytes", "Weights in memory.", lambda: budget.held_bytes)
        metrics.watch(
            "weights_evicted",
            "Weights that made room for others.",
            lambda: budget.num_evicted,
            is_total=True,
        )
        return metrics, door

    async def _set_ready(self, *, is_ready: bool) -> None:
        self._service.is_ready = is_ready
        status = health_pb2.HealthCheckResponse
        await self._set_health(status.SERVING if is_ready else status.NOT_SERVING)

    async def _set_health(self, status: Any) -> None:
        await self._health.set("", status)
        await self._health.set("inference.GRPCInferenceService", status)


def _trim() -> None:
    """Give back what models took that are gone; on another thread, for it takes a while."""
    asyncio.get_running_loop().run_in_executor(None, return_freed_memory)


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
