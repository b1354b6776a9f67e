"""Requests in pieces: their stages, their memory, and what becomes of those that stop coming."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import pytest
from tests.server.test_peer_stream import Held

from cutpoint.exceptions import OverloadedError
from cutpoint.graph import Arrays
from cutpoint.server.callers import _caller
from cutpoint.server.served_model import ServedModel
from cutpoint.server.served_request import ServedRequest
from cutpoint.server.stream import PeerStream
from cutpoint.server.upload import Uploads
from cutpoint.wire import frames
from cutpoint.wire.chunks import Chunker
from cutpoint.wire.protocol import ACK, ERROR, RESULT, RUNNING, STARTED, get_parameters

SIZE = 49_152
ASKS = {"phases": True}


@pytest.fixture
def held(model: ServedModel) -> Iterator[Held]:
    """Give a busy data plane of the tiny model."""
    held = Held(model)
    yield held
    held.close()


class Stream:
    """
    One stream inside the test.

    Parameters
    ----------
    held
        Where requests go.
    uploads
        Bounds them.
    caller
        Who opened it.
    """

    def __init__(self, held: Held, uploads: Uploads | None = None, caller: str = "") -> None:
        self.uploads = uploads or Uploads()
        self.written: list[Any] = []
        self._leaving: asyncio.Queue[Any] = asyncio.Queue()
        _caller.set(caller)
        self._stream = PeerStream(held.plane, self._write, self._no_plain, self.uploads)
        self._serving = asyncio.ensure_future(self._stream.serve(self._requests()))

    @property
    def open_requests(self) -> dict[str, Any]:
        """What the stream holds of requests."""
        return self._stream._open

    def send(self, *pieces: Any) -> None:
        """Send frames."""
        for piece in pieces:
            self._leaving.put_nowait(piece)

    def heard(self) -> list[tuple[str | None, str, dict[str, Any]]]:
        """Give what was written: kind, request, parameters."""
        responses = [message.infer_response for message in self.written]
        return [
            (frames.kind_of(each), each.id, get_parameters(each.parameters)) for each in responses
        ]

    async def until(self, count: int) -> None:
        """Wait until so many frames were written."""
        while len(self.written) < count:  # noqa: ASYNC110 (others' work is waited for)
            await asyncio.sleep(0.001)

    async def hang_up(self) -> None:
        """Break the stream off."""
        self._serving.cancel()
        await asyncio.gather(self._serving, return_exceptions=True)

    async def _write(self, frame: Any) -> None:
        self.written.append(frame)

    async def _requests(self) -> AsyncIterator[Any]:
        while True:
            yield await self._leaving.get()

    @staticmethod
    async def _no_plain(_: Any) -> Any:
        raise AssertionError("no plain request was sent")


@pytest.fixture
def pieces_of(image_of: Callable[[int], Arrays]) -> Callable[..., list[Any]]:
    """Give the writer of requests in pieces."""

    def write(number: int, size: int = SIZE, **extra: Any) -> list[Any]:
        chunks = Chunker(tuple(image_of(number).items())).all(size)
        return [frames.chunk_request("six_convs", number, chunk, extra) for chunk in chunks]

    return write


def in_time(scene: Any) -> None:
    """Play a scene, in 30 s at most."""
    asyncio.run(asyncio.wait_for(scene, 30))


def test_a_device_that_asks_is_told_when_its_request_leaves_the_queue(
    held: Held, pieces_of: Callable[..., list[Any]]
) -> None:
    """The last acknowledgement says that it waits; ``started`` comes before the answer."""

    async def scene() -> None:
        stream = Stream(held)
        stream.send(*pieces_of(1, 30_000, **ASKS))
        await stream.until(2)
        assert [RUNNING in told for _, _, told in stream.heard()] == [False, True]
        assert stream.heard()[1][2][RUNNING] is False
        held.gate.set()
        await stream.until(5)
        assert [kind for kind, _, _ in stream.heard()] == [ACK, ACK, STARTED, RESULT, RESULT]
        await stream.hang_up()

    in_time(scene())


def test_a_request_that_runs_at_once_is_told_of_once(
    held: Held, pieces_of: Callable[..., list[Any]]
) -> None:
    """Where a worker is free the last acknowledgement says so, and no frame more is spent."""

    async def scene() -> None:
        held.gate.set()
        while held.plane.queue.pending:  # noqa: ASYNC110 (a worker's thread is waited for)
            await asyncio.sleep(0.001)
        stream = Stream(held)
        stream.send(*pieces_of(1, **ASKS))
        await stream.until(3)
        heard = stream.heard()
        assert [kind for kind, _, _ in heard] == [ACK, RESULT, RESULT]
        assert heard[0][2][RUNNING] is True
        await stream.hang_up()

    in_time(scene())


def test_a_device_that_does_not_ask_hears_what_it_always_heard(
    held: Held, pieces_of: Callable[..., list[Any]]
) -> None:
    """Acknowledgements and results, with the parameters of the first version and the load."""

    async def scene() -> None:
        stream = Stream(held)
        stream.send(*pieces_of(1, 30_000, sha256="", remaining_s=20.0))
        await stream.until(2)
        held.gate.set()
        await stream.until(4)
        heard = stream.heard()
        assert [kind for kind, _, _ in heard] == [ACK, ACK, RESULT, RESULT]
        assert [set(told) for _, _, told in heard[:2]] == [{"cutpoint_kind", "received_bytes"}] * 2
        await stream.hang_up()

    in_time(scene())


def test_a_request_that_would_be_refused_need_not_be_sent(
    held: Held, pieces_of: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full queue refuses the first piece; the others are acknowledged and forgotten."""

    def full() -> Callable[[], None]:
        raise OverloadedError("the queue is full", 0.25)

    async def scene() -> None:
        monkeypatch.setattr(held.plane, "check_room", full)
        stream = Stream(held)
        stream.send(*pieces_of(1, 10_000))
        await stream.until(6)
        heard = stream.heard()
        assert [kind for kind, _, _ in heard] == [ERROR, *[ACK] * 5]
        assert heard[0][2]["retry_after_s"] == 0.25
        assert {told["received_bytes"] for _, _, told in heard[1:]} == {0}
        assert (stream.uploads.held_bytes, stream.open_requests) == (0, {})
        await stream.hang_up()

    in_time(scene())


def test_requests_take_no_more_memory_than_the_server_gives(
    held: Held, pieces_of: Callable[..., list[Any]]
) -> None:
    """A second image has no room beside the first, on whatever stream; when that ends it has."""

    async def scene() -> None:
        uploads = Uploads(max_bytes=2 * SIZE + 1000)
        one, two = Stream(held, uploads), Stream(held, uploads)
        one.send(pieces_of(1, 30_000)[0])
        await one.until(1)
        assert uploads.held_bytes == SIZE
        two.send(*pieces_of(2, 30_000))
        await two.until(3)
        assert [kind for kind, _, _ in two.heard()] == [ERROR, ACK, ACK]
        assert two.heard()[0][2]["code"] == "RESOURCE_EXHAUSTED"
        await one.hang_up()
        assert uploads.held_bytes == 0
        two.send(pieces_of(3, 30_000)[0])
        await two.until(4)
        assert two.heard()[3][:2] == (ACK, "3")
        await two.hang_up()
        assert uploads.held_bytes == 0

    in_time(scene())


def test_nobody_takes_more_than_is_left_for_the_others(
    held: Held, pieces_of: Callable[..., list[Any]]
) -> None:
    """However many streams one opens, another finds room; when the first ends it has it again."""

    async def scene() -> None:
        uploads = Uploads(max_bytes=5 * SIZE)
        crowd = [Stream(held, uploads, "camera 1") for _ in range(4)]
        for number, stream in enumerate(crowd):
            stream.send(pieces_of(number, 30_000)[0])
            await stream.until(1)
        codes = [stream.heard()[0][2].get("code") for stream in crowd]
        assert codes == [None, None, *["RESOURCE_EXHAUSTED"] * 2]
        assert uploads.held_bytes == 2 * SIZE
        other = Stream(held, uploads, "camera 2")
        other.send(pieces_of(9, 30_000)[0])
        await other.until(1)
        assert other.heard()[0][0] == ACK
        for stream in crowd[:2]:
            await stream.hang_up()
        await crowd[3].until(2)
        crowd[3].send(pieces_of(10, 30_000)[0])
        await crowd[3].until(3)
        assert crowd[3].heard()[2][:2] == (ACK, "10")
        for stream in (*crowd, other):
            await stream.hang_up()
        assert (uploads.held_bytes, uploads._held_by) == (0, {})

    in_time(scene())


@pytest.mark.parametrize("num_callers", [1, 2, 5])
def test_what_one_may_have_shrinks_with_those_who_have(num_callers: int) -> None:
    """Each refusal leaves others as much as the refused has; the error says so, and is typed."""
    uploads = Uploads(max_bytes=1 << 20)
    for number in range(num_callers):
        own_bytes = (1 << 20) >> (number + 1)
        uploads.take(own_bytes, str(number))
        with pytest.raises(OverloadedError, match="of this client are being received"):
            uploads.take(1, str(number))
    with pytest.raises(OverloadedError, match="of this server: try again later"):
        uploads.take(1 << 20, "one more")


def test_a_request_without_room_is_counted_though_it_came_in_one_piece(
    held: Held, pieces_of: Callable[..., list[Any]]
) -> None:
    """Nobody queued it: whoever refuses it tells of it."""
    seen: list[ServedRequest] = []
    held.plane.observers.append(seen.append)

    async def scene() -> None:
        stream = Stream(held, Uploads(max_bytes=SIZE - 1))
        stream.send(*pieces_of(1))
        await stream.until(2)
        await stream.hang_up()

    in_time(scene())
    assert [request.outcome for request in seen] == ["rejected"]


def _ways_to_end(pieces_of: Callable[..., list[Any]]) -> Iterator[tuple[str, Sequence[Any]]]:
    first, second, *_ = pieces_of(1, 20_000)
    yield "cancelled", [first, frames.cancel_request(1)]
    yield "out of turn", [second, *pieces_of(2, 20_000)[:1], frames.cancel_request(2)]
    yield "doubled", [first, first]
    yield "answered", pieces_of(1)


def test_whatever_becomes_of_a_request_its_memory_comes_back(
    held: Held, pieces_of: Callable[..., list[Any]]
) -> None:
    """Cancelled, refused or answered: nothing stays booked, and no timer runs on."""

    async def scene() -> None:
        held.gate.set()
        for name, sent in _ways_to_end(pieces_of):
            stream = Stream(held)
            stream.send(*sent)
            await stream.until(3 if name == "answered" else 1)
            for _ in range(50):
                await asyncio.sleep(0)
            assert (name, stream.uploads.held_bytes) == (name, 0)
            assert (name, stream.open_requests) == (name, {})
            await stream.hang_up()

    in_time(scene())


def test_a_request_whose_pieces_stop_coming_is_given_up(
    held: Held, pieces_of: Callable[..., list[Any]]
) -> None:
    """After the time for it: DEADLINE_EXCEEDED, memory back; a slow one that goes on is kept."""

    async def scene() -> None:
        stream = Stream(held, Uploads(stalled_s=0.2))
        slow, stalled = pieces_of(1, 5_000), pieces_of(2, 30_000)
        stream.send(stalled[0])
        for piece in slow[:-1]:
            stream.send(piece)
            await asyncio.sleep(0.05)
        await stream.until(len(slow) + 1)
        errors = [(number, told) for kind, number, told in stream.heard() if kind == ERROR]
        assert [(number, told["code"]) for number, told in errors] == [("2", "DEADLINE_EXCEEDED")]
        assert list(stream.open_requests) == ["1"]
        stream.send(stalled[1])  # forgotten: acknowledged, no more
        stream.send(slow[-1])
        await stream.until(len(slow) + 3)
        assert stream.heard()[-1][2]["received_bytes"] in (0, SIZE)
        await stream.hang_up()

    in_time(scene())
