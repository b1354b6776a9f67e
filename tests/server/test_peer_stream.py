"""A peer's stream inside the test: what it leaves behind when things end early."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from threading import Event
from typing import Any

import numpy as np
import pytest
from tests.server.fake_stages import GateStage

from cutpoint.exceptions import OverloadedError, RemoteExecutionError
from cutpoint.graph import Arrays
from cutpoint.server.catalog import Catalog
from cutpoint.server.data_plane import DataPlane
from cutpoint.server.job import Job
from cutpoint.server.scheduler import Scheduler
from cutpoint.server.segment_stage import SegmentStage
from cutpoint.server.served_model import ServedModel
from cutpoint.server.served_request import ServedRequest
from cutpoint.server.service import InferenceService
from cutpoint.server.stream import PeerStream
from cutpoint.wire import frames
from cutpoint.wire.chunks import Chunker
from cutpoint.wire.protocol import ACK, ERROR, get_parameters, messages


class Held:
    """
    A data plane whose only worker is busy until it is let go.

    Parameters
    ----------
    model
        Served.
    """

    def __init__(self, model: ServedModel) -> None:
        gate = GateStage()
        self.gate = gate.opened
        self.plane = DataPlane(Catalog([model]), Scheduler(1, 4))
        self.plane.queue.submit(Job((gate,), {"x": np.zeros(1)}))
        assert gate.began.wait(30)

    def close(self) -> None:
        """Let it go and end it."""
        self.gate.set()
        self.plane.queue.close()
        self.plane.catalog.close()


@pytest.fixture
def held(model: ServedModel) -> Iterator[Held]:
    """Give a busy data plane of the tiny model."""
    held = Held(model)
    yield held
    held.close()


async def _no_plain(_: Any) -> Any:
    raise AssertionError("no plain request was sent")


def _pieces(image_of: Callable[[int], Arrays], number: int, size: int = 30_000) -> list[Any]:
    chunks = Chunker(tuple(image_of(number).items())).all(size)
    return [frames.chunk_request("six_convs", number, chunk, {}) for chunk in chunks]


async def _turns_until(is_so: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if is_so():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to be")


def _kinds(written: list[Any]) -> list[tuple[str | None, str]]:
    return [(frames.kind_of(m.infer_response), m.infer_response.id) for m in written]


def test_a_piece_after_the_last_one_starts_nothing(held: Held, image_of) -> None:
    """A doubled last piece ends its request, whose place is free at once."""
    first, last = _pieces(image_of, 1)
    written: list[Any] = []
    pending: list[int] = []

    async def requests() -> AsyncIterator[Any]:
        for frame in (first, last):
            yield frame
        await _turns_until(lambda: held.plane.queue.pending == 2)
        yield last
        for _ in range(20):  # whatever was started has its turn
            await asyncio.sleep(0)
        pending.append(held.plane.queue.pending)
        held.gate.set()

    async def write(frame: Any) -> None:
        written.append(frame)

    asyncio.run(PeerStream(held.plane, write, _no_plain).serve(requests()))
    assert pending == [1]
    assert _kinds(written) == [(ACK, "1"), (ACK, "1"), (ERROR, "1"), (ACK, "1")]
    parameters = get_parameters(written[2].infer_response.parameters)
    assert parameters["code"] == "INVALID_ARGUMENT"
    assert "after the last one" in written[2].error_message


def test_a_peer_that_hangs_up_takes_its_requests_along(held: Held, image_of) -> None:
    """When the stream is broken off, what waits is dropped and nothing more is written."""
    written: list[Any] = []

    async def broken_off() -> None:
        async def requests() -> AsyncIterator[Any]:
            for number in (1, 2):
                for frame in _pieces(image_of, number):
                    yield frame
            await asyncio.Event().wait()  # a peer that says nothing more

        async def write(frame: Any) -> None:
            written.append(frame)

        serving = asyncio.ensure_future(PeerStream(held.plane, write, _no_plain).serve(requests()))
        await _turns_until(lambda: held.plane.queue.pending == 3)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await _turns_until(lambda: held.plane.queue.pending == 1)  # that holds the worker

    asyncio.run(asyncio.wait_for(broken_off(), 30))
    assert _kinds(written) == [(ACK, "1"), (ACK, "1"), (ACK, "2"), (ACK, "2")]


def test_a_request_that_fails_while_computed_is_told(
    held: Held, image_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the execution goes out as an error frame, is counted, and the stream goes on."""
    run, fails = SegmentStage.run, iter((True,))

    def failing(*arguments: Any) -> Any:
        if next(fails, False):
            raise RemoteExecutionError("six_convs: out of memory")
        return run(*arguments)

    monkeypatch.setattr(SegmentStage, "run", failing)
    written: list[Any] = []

    async def requests() -> AsyncIterator[Any]:
        for number in (1, 2):
            for frame in _pieces(image_of, number, 50_000):
                yield frame
        held.gate.set()

    async def write(frame: Any) -> None:
        written.append(frame)

    asyncio.run(PeerStream(held.plane, write, _no_plain).serve(requests()))
    by_request = [(kind, number) for kind, number in _kinds(written) if kind != ACK]
    assert by_request == [(ERROR, "1"), ("result", "2"), ("result", "2")]
    failed = next(m for m in written if frames.kind_of(m.infer_response) == ERROR)
    assert failed.error_message == "six_convs: out of memory"
    stats = held.plane.statistics.message("six_convs").inference_stats
    assert (stats.success.count, stats.fail.count) == (1, 1)


def test_plain_requests_too_many_are_refused_and_counted(held: Held) -> None:
    """The thirty-third of a stream has no place; the server tells of it as of any other."""
    seen: list[ServedRequest] = []
    held.plane.observers.append(seen.append)
    written: list[Any] = []

    async def scene() -> None:
        over = asyncio.Event()

        async def write(frame: Any) -> None:
            written.append(frame)
            over.set()

        async def plain(_: Any) -> None:
            await over.wait()

        async def requests() -> AsyncIterator[Any]:
            for number in range(33):
                yield messages.ModelInferRequest(model_name="six_convs", id=str(number))
            await over.wait()

        await PeerStream(held.plane, write, plain).serve(requests())

    asyncio.run(asyncio.wait_for(scene(), 30))
    assert frames.kind_of(written[0].infer_response) == ERROR
    assert [(each.model, each.outcome) for each in seen] == [("six_convs", "rejected")]


def test_a_peer_that_cannot_be_written_to_has_its_request_stopped(held: Held, image_of) -> None:
    """What waits for a peer that is gone leaves the queue, however its end is noticed."""

    async def write(_: Any) -> None:
        raise asyncio.InvalidStateError("the call is over")

    async def scene() -> None:
        leaving: asyncio.Queue[Any] = asyncio.Queue()

        async def requests() -> AsyncIterator[Any]:
            while True:
                yield await leaving.get()

        stream = PeerStream(held.plane, write, _no_plain)
        serving = asyncio.ensure_future(stream.serve(requests()))
        leaving.put_nowait(_pieces(image_of, 1, 1 << 20)[0])
        await _turns_until(lambda: held.plane.queue.waiting == 1)
        await _turns_until(lambda: held.plane.queue.waiting == 0)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    asyncio.run(asyncio.wait_for(scene(), 30))


def test_who_counts_costs_no_answer(held: Held, image_of) -> None:
    """An observer that fails is logged; the request it was told of is answered."""

    def broken(_: ServedRequest) -> None:
        raise ZeroDivisionError

    held.plane.observers.append(broken)
    answer = held.plane.submit(held.plane.endpoint("six_convs"), image_of(1), Event())
    held.gate.set()
    assert answer.result(30).outputs


def test_plain_requests_in_a_stream_get_no_more_than_their_share(held: Held, image_of) -> None:
    """A stream is no way around the share of time that every caller has."""
    held.gate.set()
    now_s = time.perf_counter()
    held.plane._shares.took("", 60.0, now_s)
    held.plane._shares.turned_away("somebody else", now_s)
    answer = InferenceService(held.plane, "0")._infer_in_stream
    request = messages.ModelInferRequest(model_name="six_convs")
    with pytest.raises(OverloadedError, match="more than its share"):
        asyncio.run(answer(request))
