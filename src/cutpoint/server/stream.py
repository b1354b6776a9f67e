"""One peer's stream on the server: frames in, frames out, requests side by side."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from cutpoint.exceptions import CutpointError, OverloadedError, RemoteProtocolError
from cutpoint.server.catalog import Endpoint
from cutpoint.server.data_plane import DataPlane, Reply
from cutpoint.wire import frames
from cutpoint.wire.chunks import Assembly, Chunk, Chunker
from cutpoint.wire.errors import error_parameters
from cutpoint.wire.protocol import CANCEL, CHUNK, PROBE, get_parameters, number

_MAX_OPEN_REQUESTS = 32
"""Requests of one peer that may be under way; more are refused before memory is taken."""


@dataclass
class _Open:
    """A request under way: what has come of it, and the flag that stops it."""

    endpoint: Endpoint
    assembly: Assembly
    remaining_s: float | None
    cancelled: Event = field(default_factory=Event)


class PeerStream:
    """
    Serves the frames of one stream.

    Parameters
    ----------
    plane
        Computes the answers.
    write
        Sends one frame to the peer.
    plain
        Answers a whole request that has no kind, as any client of the protocol sends it.
    """

    def __init__(
        self,
        plane: DataPlane,
        write: Callable[[Any], Awaitable[None]],
        plain: Callable[[Any], Awaitable[Any]],
    ) -> None:
        self._plane = plane
        self._plain = plain
        self._write_frame = write
        self._write_lock = asyncio.Lock()
        self._open: dict[str, _Open] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, requests: AsyncIterator[Any]) -> None:
        """Serve until the peer ends the stream; its requests under way end with it."""
        try:
            async for message in requests:
                await self._take(message)
            await asyncio.gather(*self._tasks)
        finally:
            for request in self._open.values():
                request.cancelled.set()
            for task in self._tasks:
                task.cancel()

    async def _take(self, message: Any) -> None:
        kind = frames.kind_of(message)
        if kind == CHUNK:
            await self._take_chunk(message)
        elif kind == PROBE:
            size_bytes = sum(len(content) for content in message.raw_input_contents)
            await self._write(frames.ack_response(message.id, size_bytes))
        elif kind == CANCEL:
            self._cancel(message.id)
        elif kind is None:
            self._start(self._answer_plain(message))
        else:
            await self._fail(message.id, RemoteProtocolError(f"unknown kind of frame {kind!r}"))

    async def _take_chunk(self, message: Any) -> None:
        request = None
        try:
            chunk = frames.request_chunk(message)
            request = self._request_of(message, chunk)
            if request is not None:
                request.assembly.add(chunk)
        except CutpointError as error:
            request = None
            self._cancel(message.id)
            await self._fail(message.id, error)
        # Every piece is acknowledged, wanted or not: the peer paces itself by it.
        received_bytes = 0 if request is None else request.assembly.received_bytes
        await self._write(frames.ack_response(message.id, received_bytes))
        if request is not None and request.assembly.is_complete:
            self._start(self._answer(message.id, request))

    def _request_of(self, message: Any, chunk: Chunk) -> _Open | None:
        """Give the request a piece belongs to; ``None`` if that was cancelled or has failed."""
        request = self._open.get(message.id)
        if request is None and _is_first(chunk):
            request = self._begin(message)
        return request

    def _begin(self, message: Any) -> _Open:
        if len(self._open) >= _MAX_OPEN_REQUESTS:
            raise OverloadedError(
                f"{_MAX_OPEN_REQUESTS} requests of this stream are under way: wait for an answer"
            )
        parameters = get_parameters(message.parameters)
        sha256 = parameters.get("sha256")
        endpoint = self._plane.endpoint(message.model_name, str(sha256) if sha256 else None)
        expected = endpoint.model.inputs_of(endpoint.cut)
        remaining_s = number(parameters, "remaining_s", -1.0)
        request = _Open(
            endpoint,
            Assembly(expected, endpoint.name),
            remaining_s if remaining_s >= 0 else None,
        )
        self._open[message.id] = request
        return request

    def _cancel(self, identity: str) -> None:
        request = self._open.pop(identity, None)
        if request is not None:
            request.cancelled.set()

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, identity: str, request: _Open) -> None:
        try:
            arrays = request.assembly.arrays()
            future = self._plane.submit(
                request.endpoint, arrays, request.cancelled, request.remaining_s
            )
            reply = await asyncio.wrap_future(future)
        except CutpointError as error:
            if not request.cancelled.is_set():
                await self._fail(identity, error)
            return
        finally:
            if self._open.get(identity) is request:
                del self._open[identity]
        if not request.cancelled.is_set():
            await self._send(identity, request, reply)

    async def _send(self, identity: str, request: _Open, reply: Reply) -> None:
        for chunk in Chunker(tuple(reply.outputs.items())).all():
            if request.cancelled.is_set():
                return
            extra = reply.parameters() if _is_first(chunk) else {}
            name = request.endpoint.name
            await self._write(frames.result_response(name, identity, chunk, extra))

    async def _answer_plain(self, message: Any) -> None:
        try:
            await self._write(await self._plain(message))
        except CutpointError as error:
            await self._fail(message.id, error)

    async def _fail(self, identity: str, error: CutpointError) -> None:
        await self._write(frames.error_response(identity, str(error), error_parameters(error)))

    async def _write(self, frame: Any) -> None:
        async with self._write_lock:  # gRPC takes one write at a time
            await self._write_frame(frame)


def _is_first(chunk: Chunk) -> bool:
    return chunk.value == 0 and chunk.offset == 0
