"""A server inside the test: on an event loop of its own thread, reached over real sockets."""

import asyncio
from collections.abc import Coroutine, Sequence
from threading import Thread
from typing import Any

from cutpoint.server.edge_server import EdgeServer, ServerSettings


class Loop:
    """An event loop on a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run one piece of work to its end."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def begin(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Begin one piece of work; gives its future."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()


class InProcess:
    """
    A server that shows metrics, with everything inside it in reach.

    Parameters
    ----------
    loop
        Runs it.
    models
        Files to serve.
    **settings
        Of the server.
    """

    def __init__(self, loop: Loop, models: Sequence[str], **settings: Any) -> None:
        self.loop = loop

        async def begun() -> tuple[EdgeServer, str]:
            server = EdgeServer(ServerSettings(port=0, metrics_port=0, **settings))
            return server, await server.start()

        self.server, self.address = loop.do(begun())
        self.metrics_address = str(self.server.open_metrics())
        if models:
            loop.do(self.server.load(list(models)))

    def close(self) -> None:
        """Stop it."""
        self.loop.do(self.server.stop())
