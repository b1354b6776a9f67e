"""A server's life: it listens, loads, serves, reloads when asked, drains, and ends."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cutpoint.server.edge_server import EdgeServer, Tell
from cutpoint.server.settings import ServerSettings

_SETTLE_S = 0.25
"""Between the looks that an asked-for reload takes until two saw the same."""

_MOST_LOOKS = 240
"""After which what is still being written is left to the next reload."""

_ROOM_S = 5.0
"""Between the looks at whether there is room for a model that found none."""

_ENDINGS = (signal.SIGTERM, signal.SIGINT)
_RELOAD = getattr(signal, "SIGHUP", None)


@dataclass(frozen=True)
class Voice:
    """
    Who is told what becomes of a server.

    Parameters
    ----------
    listening, metrics
        Told the address, once it is bound; metrics only where they are shown.
    model
        Told what becomes of a model, on any thread.
    ready
        Told once that all models are warm.
    """

    listening: Callable[[str], object]
    model: Tell
    ready: Callable[[], object]
    metrics: Callable[[str], object]


@dataclass
class _Wishes:
    """What signals asked for."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    reload: asyncio.Event = field(default_factory=asyncio.Event)


async def serve(
    paths: Sequence[str],
    settings: ServerSettings,
    voice: Voice,
    *,
    copies: Mapping[str, str] | None = None,
    abandon: Callable[[int], object] = os._exit,
) -> bool:
    """
    Serve models until SIGTERM or SIGINT; the second one ends the process at once.

    SIGHUP looks for new versions; so does time, where `ServerSettings.poll_s` says so.

    Parameters
    ----------
    paths, copies
        As for `EdgeServer.load`.
    abandon
        Ends the process with a code, whatever is under way.

    Returns
    -------
    bool
        Whether nothing of the server runs any more; a model may still be loading, which
        cannot be stopped: the process is to be ended as it is.

    Raises
    ------
    ModelError, ConnectError
        If a model cannot be loaded or a port cannot be bound.
    """
    server = EdgeServer(settings)
    wishes = _Wishes()
    _listen_to_signals(wishes, abandon)
    work = asyncio.ensure_future(_life(server, paths, voice, wishes.reload, copies))
    stopping = asyncio.ensure_future(wishes.stop.wait())
    try:
        await asyncio.wait((work, stopping), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            await work  # it ends by an error alone
    finally:
        work.cancel()
        stopping.cancel()
        await server.stop()
    return not server.is_busy


async def _life(
    server: EdgeServer,
    paths: Sequence[str],
    voice: Voice,
    asked: asyncio.Event,
    copies: Mapping[str, str] | None,
) -> None:
    metrics_address = server.open_metrics()
    address = await server.start()
    voice.listening(address)
    if metrics_address is not None:
        voice.metrics(metrics_address)
    await server.load(paths, copies=copies, tell=voice.model)
    voice.ready()
    while True:
        poll_s = server.settings.poll_s
        wait_s = _ROOM_S if poll_s is None and server.waits_for_room else poll_s
        is_asked = await _is_asked(asked, wait_s)
        asked.clear()
        await server.refresh(voice.model, is_asked=is_asked, looks=is_asked or poll_s is not None)
        for _ in range(_MOST_LOOKS if is_asked else 0):
            if server.is_settled:
                break
            await asyncio.sleep(_SETTLE_S)
            await server.refresh(voice.model)


async def _is_asked(asked: asyncio.Event, poll_s: float | None) -> bool:
    """Wait for somebody to ask, or for time to pass."""
    try:
        await asyncio.wait_for(asked.wait(), poll_s)
    except asyncio.TimeoutError:
        return False
    return True


def _listen_to_signals(wishes: _Wishes, abandon: Callable[[int], object]) -> None:
    loop = asyncio.get_running_loop()

    def end(number: int) -> None:
        if wishes.stop.is_set():
            sys.stdout.flush()
            abandon(128 + number)
        wishes.stop.set()

    for number in _ENDINGS:
        loop.add_signal_handler(number, end, number)
    if _RELOAD is not None:
        loop.add_signal_handler(_RELOAD, wishes.reload.set)
