"""Devices that are killed in the middle of a request: the server frees what it did for them."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from cutpoint.server.edge_server import EdgeServer, ServerSettings
from cutpoint.server.served_request import ServedRequest

_log = logging.getLogger(__name__)

NURSERY = """
import os
import sys
from queue import SimpleQueue

import numpy as np

from cutpoint.wire import frames
from cutpoint.wire.channel import open_channel
from cutpoint.wire.chunks import Chunker
from cutpoint.wire.protocol import services


def live(address, stage):
    leaving = SimpleQueue()
    stub = services.GRPCInferenceServiceStub(open_channel(address))
    call = stub.ModelStreamInfer(iter(leaving.get, None))
    feed = {"x": np.ones((256, 256), np.float32), "rounds": np.array([500])}
    for number in range(3):
        pieces = [
            frames.chunk_request("counting", number, chunk, {})
            for chunk in Chunker(tuple(feed.items())).all(65_536)
        ]
        for piece in pieces if stage == "compute" else pieces[:2]:
            leaving.put(piece)
            next(call)
    print(os.getpid(), flush=True)
    next(call)
    next(call)


for line in sys.stdin:
    device = os.fork()
    if device == 0:
        live(*line.split())
    os.waitpid(device, 0)
    print("dead", flush=True)
"""
"""Brings up devices quickly, one for each line it reads: each sends three requests, or the
begins of them, says who it is, and waits for its end."""


class Nursery:
    """A process that brings up devices."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def kill_one(self, address: str, stage: str) -> float:
        """Let a device come to a stage of its requests, and kill it there; gives when."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{address} {stage}\n")
        stdin.flush()
        device = int(stdout.readline())
        killed_at_s = time.perf_counter()
        os.kill(device, signal.SIGKILL)
        assert stdout.readline() == "dead\n"
        return killed_at_s

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=30)


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    """Give a process that brings up devices."""
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def served_here(counting: Path) -> Iterator[tuple[EdgeServer, str]]:
    """Give a server inside the test, and its address."""
    ready, found = Event(), []

    async def main() -> None:
        server = EdgeServer(ServerSettings(port=0, num_threads=1))
        address = await server.start()
        await server.load([str(counting)])
        stop = asyncio.Event()
        found.append((server, address, asyncio.get_running_loop(), stop))
        ready.set()
        await stop.wait()
        await server.stop()

    thread = Thread(target=asyncio.run, args=(main(),))
    thread.start()
    while not ready.wait(0.1):
        assert thread.is_alive(), "the server did not start"
    server, address, loop, stop = found[0]
    yield server, address
    loop.call_soon_threadsafe(stop.set)
    thread.join()


def freed_after_s(server: EdgeServer, began_s: float) -> float:
    """Give how long after a time nothing is under way any more."""
    while server.queue.pending or server.uploads.held_bytes:
        assert time.perf_counter() - began_s < 30
        time.sleep(0.002)
    return time.perf_counter() - began_s


@pytest.mark.parametrize("num_kills", [5, pytest.param(100, marks=pytest.mark.soak)])
def test_a_device_that_is_killed_leaves_nothing_behind(
    served_here: tuple[EdgeServer, str], nursery: Nursery, num_kills: int
) -> None:
    """Half in their uploads, half in the queue and computed: places and memory are free again."""
    server, address = served_here
    ended: list[ServedRequest] = []
    server.plane.observers.append(ended.append)
    took_s = []
    for number in range(num_kills):
        ended.clear()
        stage = ("upload", "compute")[number % 2]
        killed_at_s = nursery.kill_one(address, stage)
        took_s.append(freed_after_s(server, killed_at_s))
        if stage == "compute":  # those that waited were not computed for nobody
            while len(ended) < 3:  # a segment that runs is not interrupted
                assert time.perf_counter() - killed_at_s < 30
                time.sleep(0.002)
            assert [each.outcome for each in ended].count("cancelled") >= 2
        else:
            assert ended == []
    _log.info("%d kills: free after %.0f ms at most", num_kills, max(took_s) * 1e3)
    if num_kills > 5:
        assert max(took_s) <= 1.0
