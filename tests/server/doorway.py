"""A server's door in this process: no models behind it, only calls that echo and wait."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

import grpc

from cutpoint.exceptions import CutpointError
from cutpoint.server.callers import caller
from cutpoint.server.door import ServerLimits, ServerSecurity, bind, make_server
from cutpoint.server.methods import INFERENCE

INFER = f"/{INFERENCE}/ModelInfer"
STREAM = f"/{INFERENCE}/ModelStreamInfer"


@dataclass
class Doorway:
    """What came through the door, and where it is."""

    port: int = 0
    received: list[int] = field(default_factory=list)
    callers: list[str] = field(default_factory=list)
    may_answer: Event = field(default_factory=Event)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    async def echo(self, request: bytes, context: Any) -> bytes:
        """Answer how many bytes came, once that is allowed."""
        self.received.append(len(request))
        self.callers.append(caller())
        await asyncio.to_thread(self.may_answer.wait)
        return b"%d" % len(request)

    async def each(self, requests: AsyncIterator[bytes], context: Any) -> None:
        """Answer every message of a stream."""
        async for request in requests:
            await context.write(await self.echo(request, context))


@contextmanager
def doorway(
    limits: ServerLimits | None = None,
    security: ServerSecurity | None = None,
    check_room: Callable[[], Callable[[], None]] | None = None,
    refused: Callable[[str, CutpointError], None] | None = None,
) -> Iterator[Doorway]:
    """Give a door that is open; answers are allowed at once."""
    door, listening, ended = Doorway(), Event(), asyncio.Event()
    door.may_answer.set()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        server = make_server(limits, security, check_room=check_room, refused=refused)
        handlers = {
            "ModelInfer": grpc.unary_unary_rpc_method_handler(door.echo),
            "ModelStreamInfer": grpc.stream_stream_rpc_method_handler(door.each),
        }
        handler = grpc.method_handlers_generic_handler(INFERENCE, handlers)
        server.add_generic_rpc_handlers((handler,))
        door.port = bind(server, "127.0.0.1", 0, security)
        await server.start()
        listening.set()
        await ended.wait()
        await server.stop(0)

    thread = Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    try:
        assert listening.wait(30)
        yield door
    finally:
        door.may_answer.set()
        loop.call_soon_threadsafe(ended.set)
        thread.join(30)
        loop.close()
