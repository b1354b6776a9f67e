"""One inference carried out: what is encoded when, and what becomes of it."""

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from cutpoint.client.decoding import Decoding
from cutpoint.client.drive import Drive
from cutpoint.client.encoded_inputs import opened_feed
from cutpoint.client.encoders import Encoders
from cutpoint.client.offload import Offload, OffloadRequest
from cutpoint.exceptions import CodecError, ConnectionLostError
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.graph import Arrays, Cut, server_only
from cutpoint.inference import Inference, Retry
from cutpoint.records import DEVICE, Leg, Parts, Plan
from cutpoint.wire.chunks import Assembly, Chunker
from cutpoint.wire.encoded import Encoded
from cutpoint.wire.encoded_image import EncodedImage
from cutpoint.wire.tensors import TensorSpec

ANSWER = {"brightest": np.zeros((1, 8, 1, 1), np.float32), "classes": np.ones((1, 8), np.float32)}


class Clock:
    """A clock that encoding moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now_s


class FakeServer:
    """
    A server that answers once everything is encoded, or fails at once.

    Parameters
    ----------
    clock
        Of the session.
    codecs
        It decodes.
    takes_pieces
        Whether a request may come in pieces.
    error
        Told in place of an answer.
    """

    def __init__(
        self,
        clock: Clock,
        codecs: frozenset[str] = frozenset({"zstd"}),
        takes_pieces: bool = True,
        error: ConnectionLostError | None = None,
    ) -> None:
        self.address = "edge:8001"
        self.decoding = Decoding(codecs)
        self.takes_pieces = takes_pieces
        self.error = error
        self.sent: list[tuple[Offload, float, list[str], float | None]] = []
        self.cancelled: list[Offload] = []
        self.num_woken = 0
        self._clock = clock

    def offload(
        self,
        cut: Cut,
        values: Arrays,
        remaining_s: float | None,
        encoded: Mapping[str, Encoded] | None = None,
    ) -> Offload:
        """Take a request."""
        made = encoded or {}
        tensors = [made.get(name) or (name, values[name]) for name in cut.crossing]
        request = OffloadRequest("m", {}, Chunker(tensors), Assembly((), "m"))
        offload = Offload(len(self.sent) + 1, request)
        codecs = [each.codec for each in request.chunker._encoded]
        self.sent.append((offload, self._clock.now_s, codecs, remaining_s))
        if self.error is not None:
            offload.fail(self._clock.now_s, self.error)
        self._answer_if_made(offload)
        return offload

    def more(self, offload: Offload) -> None:
        """Look whether it is all there."""
        self.num_woken += 1
        self._answer_if_made(offload)

    def cancel(self, offload: Offload, at_s: float, is_late: bool = True) -> None:
        """Take note."""
        self.cancelled.append(offload)

    def answered(self, *args: float) -> None:
        """Learn nothing."""

    def _answer_if_made(self, offload: Offload) -> None:
        if self.error is None and all(e.is_done for e in offload.request.chunker._encoded):
            offload.answer(self._clock.now_s + 1.0, ANSWER, 0.0, 0.25, 0.5)


class SlowEncoders(Encoders):
    """Three blocks, each of which takes its time; one may fail."""

    def __init__(self, clock: Clock, block_s: float, fails_at: int | None = None) -> None:
        super().__init__()
        self._clock = clock
        self._block_s = block_s
        self._fails_at = fails_at

    def encoded(self, name: str, array: np.ndarray, codec_name: str) -> Encoded:
        """Give the blocks."""

        def blocks() -> Iterator[bytes]:
            for number in range(3):
                self._clock.now_s += self._block_s
                if number == self._fails_at:
                    raise CodecError("no such number")
                yield b"xyz"

        return Encoded(TensorSpec.of(name, array), codec_name, blocks())


@pytest.fixture
def clock() -> Clock:
    """Give a made-up clock."""
    return Clock()


@pytest.fixture
def drive_to(six_convs: Path, clock: Clock) -> Callable[..., Drive]:
    """Give what sends the tiny model's input to a server, encoded; run to its end."""
    graph = load_graph(ModelFile.open(six_convs))
    cut = server_only(graph)
    segments = Segments(graph, ())
    feed = {"image": np.ones((1, 3, 64, 64), np.float32)}

    def run(server: FakeServer, encoders: Encoders, codec: str = "zstd", **others) -> Drive:
        predicted = Parts(encode_s=0.75, upload_s=1.0)
        legs = (Leg(DEVICE, cut.id, cut.crossing, (codec,)), Leg("edge:8001", None))
        plan = Plan("server", cut.id, legs, predicted)
        inference = Inference(plan, patience_s=5.0)
        drive = Drive(inference, cut, segments, server, clock, encoders=encoders, **others)
        drive.outputs = drive.run(feed)
        return drive

    return run


def test_what_is_encoded_quickly_leaves_whole(clock: Clock, drive_to) -> None:
    """One message to the sending thread, when all is there."""
    server = FakeServer(clock)
    drive = drive_to(server, SlowEncoders(clock, 0.0005))
    ((_, sent_at_s, codecs, _),) = server.sent
    assert (sent_at_s, codecs, server.num_woken) == (pytest.approx(0.0015), ["zstd"], 0)
    assert drive.codecs == ("zstd",)
    assert list(drive.crossing_values) == ["image"]
    assert drive.inference.measured.encode_s == pytest.approx(0.0015)


def test_what_takes_long_begins_to_leave_before_it_is_encoded(clock: Clock, drive_to) -> None:
    """The sending thread is woken by each block; patience and upload count from the last."""
    server = FakeServer(clock)
    drive = drive_to(server, SlowEncoders(clock, 0.5))
    ((offload, sent_at_s, _, remaining_s),) = server.sent
    assert sent_at_s == 0.5
    assert server.num_woken == 3  # two blocks, and that there are no more
    assert remaining_s == pytest.approx(5.0 + 0.05 + 0.75)  # the server's deadline has room for it
    assert drive._until_s == 1.5 + 5.0
    assert offload.began_at_s == 1.5
    measured = drive.inference.measured
    assert (measured.encode_s, measured.tail_s, measured.upload_s) == (1.5, 0.75, 0.25)
    assert measured.latency_s == pytest.approx(2.5)


def test_a_server_that_takes_whole_requests_is_sent_whole_ones(clock: Clock, drive_to) -> None:
    """However long it takes to encode them."""
    server = FakeServer(clock, takes_pieces=False)
    drive_to(server, SlowEncoders(clock, 0.5))
    ((_, sent_at_s, _, _),) = server.sent
    assert (sent_at_s, server.num_woken) == (1.5, 0)


def test_a_server_that_does_not_decode_it_is_sent_raw_values(clock: Clock, drive_to) -> None:
    """Without encoding anything."""
    server = FakeServer(clock, codecs=frozenset({"uint8"}))
    drive = drive_to(server, SlowEncoders(clock, 0.5))
    assert server.sent[0][1:3] == (0.0, ["raw"])
    assert drive.codecs == ("raw",)
    assert clock.now_s == 0.0


@pytest.mark.parametrize(
    ("block_s", "fails_at", "num_sent"), [(0.0005, 2, 1), (0.5, 0, 1), (0.5, 2, 2)]
)
def test_a_codec_that_fails_loses_no_inference(
    clock: Clock, drive_to, block_s: float, fails_at: int, num_sent: int
) -> None:
    """Before anything left raw values leave; after that the request is dropped and sent anew."""
    server = FakeServer(clock)
    drive = drive_to(server, SlowEncoders(clock, block_s, fails_at))
    assert [codecs for _, _, codecs, _ in server.sent] == [["zstd"], ["raw"]][2 - num_sent :]
    assert len(server.cancelled) == num_sent - 1
    assert drive.codecs == ("raw",)
    assert drive.inference.placement == "server"
    assert drive.outputs.keys() == ANSWER.keys()


def test_a_server_that_fails_meanwhile_ends_the_encoding(clock: Clock, drive_to) -> None:
    """The device goes on alone at once; blocks that nobody wants are not made."""
    server = FakeServer(clock, error=ConnectionLostError("gone"))
    drive = drive_to(server, SlowEncoders(clock, 0.5))
    assert clock.now_s == 0.5
    assert (drive.inference.placement, drive.inference.failed_in) == ("device", "connect")
    assert "gone" in drive.inference.fallback_reason


def test_a_second_server_is_sent_what_was_encoded_for_the_first(clock: Clock, drive_to) -> None:
    """It is not encoded again; where that server knows no codec, raw values go there."""
    for codecs, expected in ((frozenset({"zstd"}), "zstd"), (frozenset(), "raw")):
        clock.now_s = 0.0
        first = FakeServer(clock, takes_pieces=False, error=ConnectionLostError("gone"))
        second = FakeServer(clock, codecs=codecs)
        second.address = Retry("edge:8002", 1.0).server
        drive = drive_to(
            first, SlowEncoders(clock, 0.5), other=lambda offload, error, to=second: (to, 4.0)
        )
        assert [codecs for _, _, codecs, _ in second.sent] == [[expected]]
        assert drive.codecs == (expected,)
        assert clock.now_s == 1.5
        assert drive.inference.server == "edge:8002"


def test_raw_values_are_sent_without_more_ado(clock: Clock, drive_to) -> None:
    """No encoder is asked, and nothing is kept of them."""
    server = FakeServer(clock)
    drive = drive_to(server, SlowEncoders(clock, 0.5, fails_at=0), codec="raw")
    assert drive._encoding is None
    assert drive.crossing_values == {}
    assert drive.codecs == ("raw",)
    assert drive.inference.measured.encode_s == 0.0


@pytest.fixture
def file_driven(model_of: Callable[..., onnx.ModelProto], tmp_path: Path, clock: Clock):
    """Give what sends a picture that came as a file to a server; run to its end."""
    path = tmp_path / "picture.onnx"
    text = "(uint8[1,4,4,3] x) => (float[1,4,4,3] y) { y = Cast <to = 1> (x) }"
    path.write_bytes(model_of(text).SerializeToString())
    graph = load_graph(ModelFile.open(path))
    cut, file = server_only(graph), io.BytesIO()
    Image.new("RGB", (4, 4), (200, 100, 50)).save(file, "png")
    feed, inputs = opened_feed(graph, {"x": EncodedImage(file.getvalue())})

    def run(server: FakeServer, **others) -> Drive:
        legs = (Leg(DEVICE, cut.id, cut.crossing, ("raw",)), Leg("edge:8001", None))
        inference = Inference(Plan("server", cut.id, legs, Parts(upload_s=1.0)), patience_s=5.0)
        held = Segments(graph, ())
        drive = Drive(inference, cut, held, server, clock, inputs=inputs, **others)
        drive.run(feed)
        return drive

    return run


def raw_bytes_of(offload: Offload) -> bytes:
    """Give what was sent."""
    return b"".join(bytes(chunk.payload) for chunk in offload.request.chunker.all())


def test_a_file_that_the_second_server_does_not_decode_is_told_as_raw(
    clock: Clock, file_driven
) -> None:
    """The record says what was sent last."""
    first = FakeServer(clock, frozenset({"png"}), error=ConnectionLostError("gone"))
    second = FakeServer(clock, frozenset())
    drive = file_driven(first, other=lambda offload, error: (second, 4.0))
    assert [codecs for _, _, codecs, _ in first.sent + second.sent] == [["png"], ["raw"]]
    assert drive.codecs == ("raw",)
    assert raw_bytes_of(second.sent[0][0]) == bytes((200, 100, 50)) * 16


def test_a_server_swapped_while_a_file_is_to_leave_gets_the_file(clock: Clock, file_driven) -> None:
    """One that cannot decode it refuses it; stand-ins for its pixels are never sent."""

    class Swapped(FakeServer):
        @property
        def decoding(self) -> Decoding:
            known, self.known = self.known, frozenset()
            return Decoding(known)

        @decoding.setter
        def decoding(self, decoding: Decoding) -> None:
            self.known = decoding.codecs

    server = Swapped(clock, frozenset({"png"}))
    drive = file_driven(server)
    assert server.sent[0][2] == ["png"]
    assert drive.codecs == ("png",)
