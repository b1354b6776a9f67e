"""One peer's stream on the server: frames in, frames out, requests side by side."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from cutpoint.exceptions import (
    CutpointError,
    DeadlineExceededError,
    OverloadedError,
    RemoteExecutionError,
    RemoteProtocolError,
)
from cutpoint.server.callers import caller
from cutpoint.server.data_plane import DataPlane, Reply
from cutpoint.server.methods import BUG, log_bug
from cutpoint.server.upload import Upload, Uploads
from cutpoint.wire import frames
from cutpoint.wire.chunks import Assembly, Chunk, Chunker
from cutpoint.wire.errors import error_parameters, words_of
from cutpoint.wire.load_text import LOAD, written
from cutpoint.wire.protocol import CANCEL, CHUNK, PHASES, PROBE, get_parameters, number

_MAX_OPEN_REQUESTS = 32
"""Requests of one peer that may be under way; more are refused before memory is taken."""

LONGEST_ID = 1 << 14
"""Characters of a request's id, which every answer repeats."""


class PeerStream:
    """
    Serves the frames of one stream; made inside the call that it serves.

    Parameters
    ----------
    plane
        Computes the answers.
    write
        Sends one frame to the peer.
    plain
        Answers a whole request that has no kind, as any client of the protocol sends it.
    uploads
        Bounds what requests in pieces take; shared by the streams of a server.
    """

    def __init__(
        self,
        plane: DataPlane,
        write: Callable[[Any], Awaitable[None]],
        plain: Callable[[Any], Awaitable[Any]],
        uploads: Uploads | None = None,
    ) -> None:
        self._plane = plane
        self._uploads = uploads or Uploads()
        self._caller = caller()
        self._plain = plain
        self._write_frame = write
        self._write_lock = asyncio.Lock()
        self._open: dict[str, Upload] = {}
        self._asked_last = ""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_idle(self) -> bool:
        """Whether no request of this peer is under way."""
        return not self._open and not self._tasks

    async def serve(self, requests: AsyncIterator[Any]) -> None:
        """Serve until the peer ends the stream; its requests under way end with it."""
        try:
            async for message in requests:
                await self._take(message)
            await asyncio.gather(*self._tasks)
        finally:
            for identity in tuple(self._open):
                self._cancel(identity)
            for task in self._tasks:
                task.cancel()

    async def _take(self, message: Any) -> None:
        kind = frames.kind_of(message)
        if len(message.id) > LONGEST_ID:
            await self._fail(
                message.id[:LONGEST_ID],
                RemoteProtocolError(
                    f"a request's id has {len(message.id)} characters; at most {LONGEST_ID} are "
                    "repeated in answers"
                ),
            )
        elif kind == CHUNK:
            await self._take_chunk(message)
        elif kind == PROBE:
            await self._take_probe(message)
        elif kind == CANCEL:
            self._cancel(message.id)
        elif kind is None:
            await self._take_plain(message)
        else:
            await self._fail(message.id, RemoteProtocolError(f"unknown kind of frame {kind!r}"))

    async def _take_probe(self, message: Any) -> None:
        """Acknowledge a probe; one of nothing asks for the load."""
        size_bytes = sum(len(content) for content in message.raw_input_contents)
        load = "" if size_bytes else self._load(message.model_name or self._asked_last)
        await self._write(frames.ack_response(message.id, size_bytes, load=load))

    def _load(self, name: str) -> str:
        return written(self._plane.load.told(name))

    async def _take_plain(self, message: Any) -> None:
        if len(self._tasks) < _MAX_OPEN_REQUESTS:
            self._start(message.id, self._answer_plain(message))
        else:  # refused here: who does not read its answers is not read either
            error = _too_many()
            self._plane.refused(message.model_name[:LONGEST_ID], error)
            await self._fail(message.id, error)

    async def _take_chunk(self, message: Any) -> None:
        request, is_queued = None, False
        try:
            chunk = frames.request_chunk(message)
            request = self._request_of(message, chunk)
            if request is not None:
                is_queued = request.assembly.is_complete
                self._add(request, chunk)
        except CutpointError as error:
            if not is_queued:  # else the plane tells of its end
                self._plane.refused(message.model_name[:LONGEST_ID], error)
            request = None
            self._cancel(message.id)
            await self._fail(message.id, error)
        if request is not None and request.assembly.is_complete:
            self._take_last(message.id, request)
            await asyncio.sleep(0)  # its acknowledgement leaves before that of any later piece
            return
        # Every piece is acknowledged, wanted or not: the peer paces itself by it.
        received_bytes = 0 if request is None else request.assembly.received_bytes
        await self._write(frames.ack_response(message.id, received_bytes))

    def _take_last(self, identity: str, request: Upload) -> None:
        """Queue a request that is complete; its last piece is acknowledged meanwhile."""
        loop = asyncio.get_running_loop()

        def started() -> None:
            with suppress(RuntimeError):  # the loop may have ended
                loop.call_soon_threadsafe(self._tell_started, identity, request)

        queued: Future[Reply] | CutpointError
        try:
            queued = request.submit(self._plane, loop.time(), started)
        except CutpointError as error:
            if not isinstance(error, OverloadedError):  # which the plane has noted itself
                self._plane.refused(request.endpoint.name, error)
            queued = error
        # In a turn of its own: until this one ends, no worker gets the interpreter to begin with.
        self._start(identity, self._answer(identity, request, queued))

    def _tell_started(self, identity: str, request: Upload) -> None:
        if self._open.get(identity) is request:
            self._start(identity, self._write(frames.started_response(identity)))

    def _request_of(self, message: Any, chunk: Chunk) -> Upload | None:
        """Give the request a piece belongs to; ``None`` if that was cancelled or has failed."""
        request = self._open.get(message.id)
        if request is None and _is_first(chunk):
            request = self._begin(message)
        return request

    def _begin(self, message: Any) -> Upload:
        if len(self._open) >= _MAX_OPEN_REQUESTS:
            raise _too_many()
        parameters = get_parameters(message.parameters)
        sha256 = parameters.get("sha256")
        endpoint = self._plane.endpoint(
            message.model_name, str(sha256) if sha256 else None, message.model_version
        )
        self._asked_last = endpoint.name
        expected = endpoint.model.inputs_of(endpoint.cut)
        remaining_s = number(parameters, "remaining_s", -1.0)
        came = self._plane.check_room()  # nobody is to send a megabyte to be refused
        loop = asyncio.get_running_loop()
        request = Upload(
            endpoint,
            Assembly(
                expected, endpoint.name, is_writable=False, codec_named=self._plane.codecs.named
            ),
            remaining_s if remaining_s >= 0 else None,
            wants_phases=parameters.get(PHASES) is True,
            at_s=loop.time(),
            came=came,
        )
        self._open[message.id] = request
        self._watch(message.id, request, self._uploads.stalled_s)
        return request

    def _watch(self, identity: str, request: Upload, delay_s: float) -> None:
        loop = asyncio.get_running_loop()
        request.timer = loop.call_later(delay_s, self._check_stalled, identity, request)

    def _check_stalled(self, identity: str, request: Upload) -> None:
        """Give up a request whose pieces have stopped coming."""
        if request.assembly.is_complete:
            return
        stalled_s = self._uploads.stalled_s
        left_s = request.heard_at_s + stalled_s - asyncio.get_running_loop().time()
        if left_s > 0:
            self._watch(identity, request, left_s)
            return
        error = DeadlineExceededError(
            f"{request.endpoint.name}: no piece of the request came for {stalled_s:g} s: send it "
            "again, or compute on the device"
        )
        self._plane.refused(request.endpoint.name, error)
        self._cancel(identity)
        self._start(identity, self._fail(identity, error))

    def _add(self, request: Upload, chunk: Chunk) -> None:
        """Take a piece, and note the memory it takes."""
        request.assembly.add(chunk)
        request.heard_at_s = asyncio.get_running_loop().time()
        more_bytes = request.assembly.held_bytes - request.held_bytes
        self._uploads.take(more_bytes, self._caller)
        request.held_bytes += more_bytes

    def _cancel(self, identity: str) -> None:
        request = self._open.get(identity)
        if request is not None:
            request.cancelled.set()
            self._forget(identity, request)

    def _forget(self, identity: str, request: Upload) -> None:
        """Free a request's number and memory; once, whoever comes first."""
        if self._open.get(identity) is request:
            del self._open[identity]
            request.came()
            if request.timer is not None:
                request.timer.cancel()
            self._uploads.give_back(request.held_bytes, self._caller)
            request.held_bytes = 0

    def _start(self, identity: str, work: Awaitable[None]) -> None:
        task = asyncio.get_running_loop().create_task(self._carried_out(identity, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carried_out(self, identity: str, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:  # a bug ends one request, not the stream of others
            log_bug(error)
            with suppress(Exception):  # the stream may be over
                await self._fail(identity, RemoteExecutionError(BUG))

    async def _answer(
        self, identity: str, request: Upload, queued: "Future[Reply] | CutpointError"
    ) -> None:
        received_bytes = request.assembly.received_bytes
        is_running = None if isinstance(queued, CutpointError) else request.is_running()
        try:
            await self._write(frames.ack_response(identity, received_bytes, is_running))
            if isinstance(queued, CutpointError):
                await self._fail_unless_cancelled(identity, request, queued)
            else:
                await self._send(identity, request, await asyncio.wrap_future(queued))
        except CutpointError as error:
            await self._fail_unless_cancelled(identity, request, error)
        except BaseException:  # the peer is gone: nobody wants the answer
            request.cancelled.set()
            raise
        finally:
            del queued  # an error keeps this frame, which would keep the error
            self._forget(identity, request)

    async def _fail_unless_cancelled(
        self, identity: str, request: Upload, error: CutpointError
    ) -> None:
        if not request.cancelled.is_set():
            self._forget(identity, request)
            await self._fail(identity, error)

    async def _send(self, identity: str, request: Upload, reply: Reply) -> None:
        chunker = Chunker(tuple(reply.outputs.items()))
        for chunk in chunker.all():
            if request.cancelled.is_set():
                return
            if chunker.is_done:  # whoever has read the last piece may use the number again
                self._forget(identity, request)
            name = request.endpoint.name
            extra = {**reply.parameters(), LOAD: self._load(name)} if _is_first(chunk) else {}
            await self._write(frames.result_response(name, identity, chunk, extra))

    async def _answer_plain(self, message: Any) -> None:
        try:
            await self._write(await self._plain(message))
        except CutpointError as error:
            await self._fail(message.id, error)

    async def _fail(self, identity: str, error: CutpointError) -> None:
        parameters = error_parameters(error)
        if isinstance(error, OverloadedError):
            parameters[LOAD] = self._load(self._asked_last)
        await self._write(frames.error_response(identity, words_of(error), parameters))

    async def _write(self, frame: Any) -> None:
        async with self._write_lock:  # gRPC takes one write at a time
            await self._write_frame(frame)


def _too_many() -> OverloadedError:
    return OverloadedError(
        f"{_MAX_OPEN_REQUESTS} requests of this stream are under way: wait for an answer"
    )


def _is_first(chunk: Chunk) -> bool:
    return chunk.value == 0 and chunk.offset == 0
