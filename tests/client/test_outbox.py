"""What leaves next, on a made-up clock."""

from queue import SimpleQueue
from threading import Thread

import numpy as np
import pytest

from cutpoint.client.offload import Offload, OffloadRequest
from cutpoint.client.outbox import Outbox
from cutpoint.estimation import LinkEstimator
from cutpoint.wire import frames
from cutpoint.wire.chunks import MAX_CHUNK_BYTES, Assembly, Chunker
from cutpoint.wire.encoded import Encoded
from cutpoint.wire.protocol import CANCEL, CHUNK, messages
from cutpoint.wire.tensors import TensorSpec


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now_s


def upload(number: int, num_bytes: int) -> Offload:
    """Give a request of so many bytes."""
    array = np.zeros(num_bytes, np.uint8)
    request = OffloadRequest("m", {"sha256": "d"}, Chunker([("x", array)]), Assembly((), "t"))
    return Offload(number, request)


@pytest.fixture
def clock():
    """Give a made-up clock."""
    return Clock()


def outbox_at(bytes_per_s: float, round_trip_s: float, clock: Clock) -> Outbox:
    """Give an outbox that believes in a rate and a round trip."""
    link = LinkEstimator()
    link.up.bytes_per_s = bytes_per_s
    link.observe_round_trip(round_trip_s)
    return Outbox(link, clock)


def take_all(outbox: Outbox) -> list:
    """Take frames while some may leave at once."""
    taken = []
    while outbox._control or (outbox._uploads and outbox._may_send()):
        taken.append(parsed(next(outbox)))
    return taken


def parsed(frame):
    """Give a frame as a message: pieces leave as bytes."""
    return messages.ModelInferRequest.FromString(frame) if isinstance(frame, bytes) else frame


def payload(frame) -> int:
    """Give the size of a frame's piece."""
    return sum(len(content) for content in frame.raw_input_contents)


@pytest.mark.parametrize(
    ("bytes_per_s", "size_bytes"),
    [
        (1e4, 4096),  # the least
        (1e6, 5_000),  # 5 ms
        (2.5e6, 12_500),
        (2e7, MAX_CHUNK_BYTES),
        (5e7, 500_000),  # 10 ms
        (1e9, 1 << 20),  # the most
    ],
)
def test_pieces_take_5_ms_of_link_time_or_10_ms_of_a_fast_one(bytes_per_s, size_bytes, clock):
    """At most 64 KB, but on links faster than any by radio."""
    outbox = outbox_at(bytes_per_s, 0.01, clock)
    outbox._link.up.observed_at_s = clock.now_s
    outbox.put(upload(1, 10_000_000))
    assert payload(take_all(outbox)[0]) == size_bytes


def test_an_old_belief_is_tried_with_small_pieces(clock):
    """A link not heard of for a second may have collapsed: 64 KB at most until it answers."""
    outbox = outbox_at(1e9, 0.01, clock)
    outbox.put(upload(1, 10_000_000))
    assert [payload(frame) for frame in take_all(outbox)] == [MAX_CHUNK_BYTES] * 2
    clock.now_s = 0.01
    outbox.acknowledge(1, clock.now_s)
    assert [payload(frame) for frame in take_all(outbox)] == [1 << 20]


@pytest.mark.parametrize("bytes_per_s", [125e3, 2.5e6])
def test_what_is_under_way_is_bounded(bytes_per_s, clock):
    """Without acknowledgements no more leaves than the round trip and 60 ms of the link hold."""
    outbox = outbox_at(bytes_per_s, 0.01, clock)
    outbox.put(upload(1, 10_000_000))
    assert sum(payload(frame) for frame in take_all(outbox)) <= bytes_per_s * (0.01 + 0.06)


def test_acknowledgements_let_more_leave(clock):
    """Each acknowledged piece makes room for at least its own size."""
    outbox = outbox_at(125e3, 0.01, clock)
    outbox.put(upload(1, 1_000_000))
    sent = len(take_all(outbox))
    clock.now_s = 0.03
    outbox.acknowledge(1, clock.now_s)
    assert len(take_all(outbox)) >= 1
    assert sent >= 2


def test_acknowledgements_after_a_cancel_count(clock):
    """Pieces of a cancelled request were under way: their acknowledgements make room."""
    outbox = outbox_at(125e3, 0.01, clock)
    first = upload(1, 1_000_000)
    outbox.put(first)
    sent = take_all(outbox)
    assert outbox.drop(first)
    outbox.put(upload(2, 1_000_000))
    assert take_all(outbox) == []
    for _ in sent:
        clock.now_s += 0.02
        outbox.acknowledge(1, clock.now_s)
    assert [frame.id for frame in take_all(outbox)][:1] == ["2"]


def test_control_frames_go_first(clock):
    """A cancel overtakes the pieces that wait."""
    outbox = outbox_at(125e3, 0.01, clock)
    outbox.put(upload(1, 1_000_000))
    take_all(outbox)
    outbox.put_control(frames.cancel_request(1))
    assert frames.kind_of(next(outbox)) == CANCEL


def test_requests_take_turns(clock):
    """The pieces of two requests leave alternately."""
    clock.now_s = 1e-3
    outbox = outbox_at(2.5e6, 0.2, clock)
    outbox.put(upload(1, 400_000))
    outbox.put(upload(2, 400_000))
    numbers = [frame.id for frame in take_all(outbox)]
    outbox.acknowledge(1, 0.2)
    numbers += [frame.id for frame in take_all(outbox)]
    assert numbers[:4] == ["1", "2", "1", "2"]


def test_parameters_ride_with_the_first_piece_alone(clock):
    """The digest is told once."""
    outbox = outbox_at(2.5e6, 0.05, clock)
    outbox.put(upload(1, 150_000))
    taken = take_all(outbox)
    assert [("sha256" in frame.parameters) for frame in taken] == [True] + [False] * (
        len(taken) - 1
    )
    assert {CHUNK} == {frames.kind_of(frame) for frame in taken}


def test_closing_ends_the_stream(clock):
    """After closing there is no next frame."""
    outbox = outbox_at(2.5e6, 0.05, clock)
    outbox.put(upload(1, 150_000))
    outbox.close()
    with pytest.raises(StopIteration):
        next(outbox)


def encoding_upload(number: int, num_blocks: int, block_bytes: int) -> tuple[Offload, Encoded]:
    """Give a request that is not encoded yet, and what makes its blocks."""
    blocks = iter([bytes(block_bytes)] * num_blocks)
    encoded = Encoded(TensorSpec("x", "uint8", (1,)), "zstd", blocks)
    request = OffloadRequest("m", {}, Chunker([encoded]), Assembly((), "t"))
    return Offload(number, request), encoded


def test_what_is_not_encoded_yet_is_waited_for_and_others_go_before(clock):
    """Pieces leave as they are made; who is ready does not wait behind who is not."""
    outbox = outbox_at(2.5e6, 0.05, clock)
    offload, encoded = encoding_upload(1, 4, 10_000)
    outbox.put(offload)
    assert outbox._next_piece() is None
    outbox.put(upload(2, 5_000))
    assert [parsed(outbox._next_piece()).id for _ in range(1)] == ["2"]
    assert outbox._next_piece() is None
    encoded.make()
    assert outbox._next_piece() is None  # 10,000 bytes are no whole piece of 12,500
    encoded.make()
    piece = parsed(outbox._next_piece())
    assert (piece.id, payload(piece)) == ("1", 12_500)
    encoded.make_all()
    rest = take_all(outbox)
    assert [payload(frame) for frame in rest] == [12_500, 12_500, 2_500]
    assert ["total_bytes" in frame.parameters for frame in rest] == [True] * 3


def test_who_waits_for_blocks_is_woken(clock):
    """The sending thread sleeps while nothing is ready."""
    outbox = outbox_at(2.5e6, 0.05, clock)
    offload, encoded = encoding_upload(1, 1, 100)
    outbox.put(offload)
    sent: SimpleQueue = SimpleQueue()
    thread = Thread(target=lambda: sent.put(next(outbox)), daemon=True)
    thread.start()
    encoded.make_all()
    outbox.wake()
    assert payload(parsed(sent.get(timeout=30))) == 100
    thread.join(30)


def test_pieces_of_a_fast_link_do_not_wait_for_a_megabyte(clock):
    """While it is encoded, more than 64 KB at a time would only leave later."""
    outbox = outbox_at(1e9, 0.01, clock)
    outbox._link.up.observed_at_s = clock.now_s
    offload, encoded = encoding_upload(1, 2, 100_000)
    outbox.put(offload)
    encoded.make()
    assert outbox._may_send()
    assert payload(parsed(outbox._next_piece())) == 99_999
    encoded.make_all()
    assert payload(parsed(outbox._next_piece())) == 100_001


@pytest.mark.parametrize("round_trip_s", [0.0, 0.01, 0.08])
@pytest.mark.parametrize("bytes_per_s", [1e5, 1e6, 1e7])
def test_the_rate_is_found_though_little_may_be_under_way(bytes_per_s, round_trip_s, clock):
    """On a long fast link, where the window limits the sending, belief stays with the link."""
    outbox = outbox_at(bytes_per_s, max(round_trip_s, 1e-4), clock)
    link = outbox._link
    for number in range(1, 5):
        send_over(outbox, upload(number, 600_000), bytes_per_s, round_trip_s, clock)
        clock.now_s += 2.0
    assert 0.8 < link.up.bytes_per_s / bytes_per_s < 1.25


def send_over(outbox, offload, bytes_per_s, round_trip_s, clock) -> None:
    """Play a link: pieces leave its bottleneck one after the other, acknowledgements come back."""
    outbox.put(offload)
    free_at_s, coming = clock.now_s, []
    while True:
        for frame in take_all(outbox):
            free_at_s = max(free_at_s, clock.now_s + round_trip_s / 2)
            free_at_s += payload(frame) / bytes_per_s
            coming.append(free_at_s + round_trip_s / 2)
        if not coming:
            return
        clock.now_s = coming.pop(0)
        outbox.acknowledge(offload.number, clock.now_s)
