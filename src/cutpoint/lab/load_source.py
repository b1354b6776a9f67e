"""Clients that ask whether they are answered or not: Poisson arrivals, over several streams."""

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
from grpc import aio as grpc_aio

from cutpoint.client.retry_budget import RetryBudget
from cutpoint.exceptions import CutpointError, DeadlineExceededError, OverloadedError
from cutpoint.graph import Arrays
from cutpoint.lab.load_order import Load, LoadOrder, Target
from cutpoint.wire import frames
from cutpoint.wire.channel import CLIENT_OPTIONS
from cutpoint.wire.chunks import Chunker
from cutpoint.wire.errors import frame_error
from cutpoint.wire.protocol import ACK, ERROR, RESULT, Parameter, get_parameters, services

_LEAST_LEFT_S = 1e-3


class _Lane:
    """
    One connection and its stream.

    As a session does, it sends the first piece of a request, and the others once that is
    acknowledged: who is refused has not uploaded everything.
    """

    def __init__(self, target: Target, address: str, feed: Arrays) -> None:
        self._target = target
        self._feed = feed
        self._channel = grpc_aio.insecure_channel(address, options=CLIENT_OPTIONS)
        self._call = services.GRPCInferenceServiceStub(self._channel).ModelStreamInfer()
        self._leaving: asyncio.Queue[Any] = asyncio.Queue()
        self._rest: dict[str, Iterator[Any]] = {}
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._tasks = [asyncio.ensure_future(work) for work in (self._write(), self._read())]

    async def ask(self, number: int, left_s: float) -> None:
        """Ask once; returns with the answer, raises what came instead of it."""
        identity = str(number)
        extra: dict[str, Parameter] = {"sha256": self._target.sha256, "remaining_s": left_s}
        pieces = (
            frames.chunk_request(self._target.model, number, chunk, extra)
            for chunk in Chunker(tuple(self._feed.items())).all()
        )
        answered = self._waiting[identity] = asyncio.get_running_loop().create_future()
        self._rest[identity] = pieces
        self._leaving.put_nowait(next(pieces))
        try:
            await asyncio.wait_for(answered, left_s)
        except asyncio.TimeoutError:
            self._leaving.put_nowait(frames.cancel_request(number))
            raise DeadlineExceededError("no answer in time") from None
        finally:
            self._waiting.pop(identity, None)
            self._rest.pop(identity, None)

    async def close(self) -> None:
        """End the stream and the connection."""
        for task in self._tasks:
            task.cancel()
        self._call.cancel()
        await self._channel.close()

    async def _write(self) -> None:
        while True:
            await self._call.write(await self._leaving.get())

    async def _read(self) -> None:
        async for message in self._call:
            response = message.infer_response
            identity, kind = response.id, frames.kind_of(response)
            waiting = self._waiting.get(identity)
            if waiting is None or waiting.done():
                continue
            if kind == ACK:
                for piece in self._rest.pop(identity, ()):
                    self._leaving.put_nowait(piece)
            elif kind == ERROR:
                parameters = get_parameters(response.parameters)
                waiting.set_exception(frame_error(message.error_message, parameters))
            elif kind == RESULT and _is_last(response):
                waiting.set_result(None)


def _is_last(response: Any) -> bool:
    chunk = frames.response_chunk(response)
    size_bytes = chunk.tensor_bytes
    is_end = size_bytes is not None and chunk.offset + len(chunk.payload) >= size_bytes
    return is_end and chunk.value == chunk.num_values - 1


class Source:
    """
    Lanes to every server.

    Parameters
    ----------
    target
        Whom to ask for what; made on the loop that runs it.
    """

    def __init__(self, target: Target) -> None:
        feed = _made_up(target)
        self._lanes = [
            [_Lane(target, address, feed) for _ in range(target.num_connections)]
            for address in target.addresses
        ]
        self._num_asked = 0

    async def carry_out(self, order: LoadOrder) -> Load:
        """Ask as an order says; the requests of one that is late are waited for."""
        load = Load()
        began_s = asyncio.get_running_loop().time()
        if order.num_at_once:
            work = (self._in_turn(order, began_s, load) for _ in range(order.num_at_once))
            await asyncio.gather(*work)
        else:
            await self._openly(order, began_s, load)
        return load

    async def _in_turn(self, order: LoadOrder, began_s: float, load: Load) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() - began_s < order.duration_s:
            await self.request(order, None, loop.time(), load)

    async def _openly(self, order: LoadOrder, began_s: float, load: Load) -> None:
        loop = asyncio.get_running_loop()
        rng, budget = np.random.default_rng(order.seed), RetryBudget(order.retry_ratio)
        asked: list[asyncio.Task[None]] = []
        due_s = began_s
        while True:
            due_s += float(rng.exponential(1.0 / order.rate_per_s))
            if due_s - began_s > order.duration_s:
                break
            await asyncio.sleep(max(due_s - loop.time(), 0.0))
            load.lag_s.append(loop.time() - due_s)
            asked.append(loop.create_task(self.request(order, budget, due_s, load)))
        await asyncio.gather(*asked)

    async def request(
        self, order: LoadOrder, budget: RetryBudget | None, due_s: float, load: Load
    ) -> None:
        """Ask for one answer, that was due at a time of the loop's clock; count what came of it."""
        loop = asyncio.get_running_loop()
        if budget is not None:
            budget.deposit()
        load.num_requests += 1
        for lanes in self._lanes:
            self._num_asked += 1
            load.num_attempts += 1
            lane = lanes[self._num_asked % len(lanes)]
            left_s = max(due_s + order.deadline_s - loop.time(), _LEAST_LEFT_S)
            asked_s = loop.time()
            try:
                await lane.ask(self._num_asked, left_s)
            except OverloadedError as error:
                load.rejected_s.append(loop.time() - asked_s)
                load.num_hints += error.retry_after_s > 0
            except DeadlineExceededError:
                load.num_late += 1
                return
            except CutpointError:
                load.num_failed += 1
            else:
                load.answered_s.append(loop.time() - due_s)
                return
            if budget is None or not budget.spend():
                return

    async def close(self) -> None:
        """Hang up."""
        for lanes in self._lanes:
            for lane in lanes:
                await lane.close()


def _made_up(target: Target) -> Arrays:
    """Give inputs: pixels of any brightness, other integers 0 or 1, floats below 1."""
    rng = np.random.default_rng(0)
    feed: Arrays = {}
    for each in target.inputs:
        kind = np.dtype(each.dtype)
        if kind.kind in "biu":
            end = 256 if kind == np.uint8 else 2
            feed[each.name] = np.asarray(rng.integers(0, end, each.dims)).astype(kind)
        else:
            feed[each.name] = rng.random(each.dims, dtype=np.float32).astype(kind)
    return feed


async def _serve(target: Target) -> None:
    source = Source(target)
    loop = asyncio.get_running_loop()
    try:
        while line := await loop.run_in_executor(None, sys.stdin.buffer.readline):
            load = await source.carry_out(msgspec.json.decode(line, type=LoadOrder))
            sys.stdout.buffer.write(msgspec.json.encode(load) + b"\n")
            sys.stdout.buffer.flush()
    finally:
        await source.close()


if __name__ == "__main__":
    asyncio.run(_serve(msgspec.json.decode(sys.argv[1], type=Target)))
