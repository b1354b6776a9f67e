"""Every codec over a real server process: what arrives is what its law promises."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

from cutpoint.client.drive import Drive
from cutpoint.client.encoders import Encoders
from cutpoint.client.server_connection import ServerConnection
from cutpoint.client.session_clock import session_clock
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.graph import Arrays, Graph, candidate_cuts, server_only
from cutpoint.inference import Inference
from cutpoint.lab.fork_server import ForkServer
from cutpoint.lab.forked_server import ForkedServer
from cutpoint.planning import shortlist
from cutpoint.records import DEVICE, RAW, Leg, Parts, Plan
from cutpoint.wire.codecs import available_codecs, codec_named

TEXT = """(uint8[1, 48, 64, 3] picture, int64[1, 200] tokens, float[1, 16, 32, 24] signal)
    => (float[1, 48, 64, 3] seen, int64[1, 200] read, float[1, 16, 32, 24] heard) {
        seen = Cast <to = 1> (picture)
        read = Neg (tokens)
        heard = Relu (signal)
    }"""
"""Hands back what it was given, nearly as it was."""

NAMES = (*(name for name in available_codecs() if name != RAW), "jpeg:95", "webp:70")


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory, model_of) -> Path:
    """Give the file of a model that shows what reached it."""
    path = tmp_path_factory.mktemp("echo") / "echo.onnx"
    onnx.save(model_of(TEXT), path)
    return path


@pytest.fixture(scope="module")
def bulk(tmp_path_factory: pytest.TempPathFactory, model_of) -> Path:
    """Give the file of a model of two megabytes that makes next to nothing of them."""
    text = """(float[1, 64, 96, 96] x) => (float[1] y) {
        y = ReduceMax <axes = [1, 2, 3], keepdims = 0> (x)
    }"""
    path = tmp_path_factory.mktemp("bulk") / "bulk.onnx"
    onnx.save(model_of(text), path)
    return path


@pytest.fixture(scope="module")
def served(
    echo: Path, six_convs: Path, bulk: Path, fork_server: ForkServer
) -> Iterator[ForkedServer]:
    """Give a server process that decodes whatever it can."""
    with fork_server.server([str(echo), str(six_convs), str(bulk)]) as process:
        yield process


@pytest.fixture(scope="module")
def feed() -> Arrays:
    """Give a smooth picture, tokens of a small range, and a signal that is half zeros."""
    rng = np.random.default_rng(5)
    ramp = np.linspace(0, 200, 64)[None, :, None] + np.linspace(0, 50, 48)[:, None, None]
    picture = np.repeat(ramp, 3, axis=2).astype(np.uint8)[None]
    signal = rng.standard_normal((1, 16, 32, 24), dtype=np.float32) * 3
    return {
        "picture": picture,
        "tokens": rng.integers(1000, 1200, (1, 200)),
        "signal": np.maximum(signal, 0),
    }


class Device:
    """A device that sends what it is told to, as it is told to."""

    def __init__(self, path: Path, address: str) -> None:
        self.graph: Graph = load_graph(ModelFile.open(path))
        self.cuts = shortlist(self.graph, candidate_cuts(self.graph))
        self.segments = Segments(self.graph, self.cuts)
        self.clock = session_clock()
        self.server = ServerConnection(
            address, self.graph, self.cuts, reference=self._reference, clock=self.clock
        )

    def _reference(self) -> tuple[Arrays, Arrays]:
        raise AssertionError("a cutpoint server tells its digest")

    def wait(self) -> "Device":
        """Wait until it is connected; gives itself."""
        with self.server._changed:
            assert self.server._changed.wait_for(lambda: self.server.unavailable is None, 30)
        return self

    def run(
        self,
        feed: Arrays,
        cut=None,
        codec: str = RAW,
        encoders: Encoders | None = None,
        **names: str,
    ) -> tuple[Arrays, Drive]:
        """Run everything behind a cut on the server; each value in its codec."""
        cut = cut or server_only(self.graph)
        codecs = tuple(names.get(name, codec) for name in cut.crossing)
        legs = (Leg(DEVICE, cut.id, cut.crossing, codecs), Leg(self.server.address, None))
        plan = Plan(cut.placement, cut.id, legs, Parts())
        drive = Drive(
            Inference(plan),
            cut,
            self.segments,
            self.server,
            self.clock,
            encoders=encoders or Encoders(),
        )
        return drive.run(feed), drive


@pytest.fixture(scope="module")
def device(echo: Path, served: ForkedServer) -> Iterator[Device]:
    """Give a device that is connected."""
    made = Device(echo, served.address).wait()
    yield made
    made.server.close()


@pytest.mark.parametrize("name", NAMES)
def test_what_a_codec_carries_arrives_within_its_error(
    name: str, device: Device, feed: Arrays
) -> None:
    """Each value that it takes is encoded, the others travel raw; nothing is off by more."""
    codec = codec_named(name)
    outputs, drive = device.run(feed, codec=name)
    assert drive.inference.placement == "server", drive.inference.fallback_reason
    came = {"picture": outputs["seen"], "tokens": -outputs["read"], "signal": outputs["heard"]}
    encoded = 0
    for value, used in zip(drive.inference.plan.crossing, drive.codecs, strict=True):
        most = codec.most_error(feed[value]) if used == name else 0.0
        encoded += used == name
        errors = np.abs(came[value].astype(np.float64) - feed[value].astype(np.float64))
        assert errors.max() <= most
        assert used in (name, RAW)
    assert encoded
    assert drive.sent_bytes < sum(array.nbytes for array in feed.values())
    assert drive.received_bytes == sum(array.nbytes for array in outputs.values())


def test_decoding_is_told_apart_from_the_tail(device: Device, feed: Arrays) -> None:
    """The answer tells it; the record's tail contains it, and raw values have none."""
    for name, is_decoded in (("uint8", True), (RAW, False)):
        _, drive = device.run(feed, codec=name)
        (offload,) = drive._offloads
        assert ("decode_s" in offload.report) == is_decoded
        decode_s = offload.report.get("decode_s", 0.0)
        assert (decode_s > 0) == is_decoded
        assert drive.inference.legs[-1].duration_s == pytest.approx(
            offload.report["tail_s"] + decode_s
        )


def test_a_server_tells_what_it_decodes_and_how_fast(device: Device) -> None:
    """Every codec installed there, each with a speed where the model has values for it."""
    assert device.server.codecs == set(available_codecs()) - {RAW}
    for name in NAMES:
        assert device.server.decoding.takes(name)
        speed = device.server.decoding.speed(name)
        assert speed is not None
        assert 0 < speed.time_s(1e5, 2e4) < 10


def test_values_of_one_cut_may_travel_in_several_codecs(device: Device, feed: Arrays) -> None:
    """A codec for each: pictures, integers and floats have nothing in common."""
    outputs, drive = device.run(feed, picture="png", tokens="narrow", signal="uint8+zstd")
    by_name = dict(zip(drive.inference.plan.crossing, drive.codecs, strict=True))
    assert by_name == {"picture": "png", "tokens": "narrow", "signal": "uint8+zstd"}
    np.testing.assert_array_equal(outputs["seen"], feed["picture"])
    np.testing.assert_array_equal(outputs["read"], -feed["tokens"])


def test_what_cannot_be_encoded_travels_as_it_is(
    device: Device, feed: Arrays, caplog: pytest.LogCaptureFixture
) -> None:
    """Infinity has no code: the value is sent raw, said in the log, and the answer is right."""
    odd = {**feed, "signal": feed["signal"].copy()}
    odd["signal"][0, 3, 3, 3] = np.inf
    outputs, drive = device.run(odd, codec="uint8")
    assert set(drive.codecs) == {RAW}
    np.testing.assert_array_equal(outputs["heard"], odd["signal"])
    assert "'signal' is sent as it is, not as uint8" in caplog.text


def test_fixed_ranges_are_used(device: Device, feed: Arrays) -> None:
    """What lies beyond the calibrated range saturates."""
    encoders = Encoders({("signal", "uint8"): (0.0, 2.0)})
    outputs, _ = device.run(feed, encoders=encoders, signal="uint8")
    assert feed["signal"].max() > 4
    np.testing.assert_allclose(outputs["heard"], np.minimum(feed["signal"], 2.0), atol=0.01)


@pytest.mark.parametrize("codec", ["zstd", "float16", "uint8-channel+zstd"])
def test_an_interior_cut_travels_encoded(codec: str, six_convs: Path, served) -> None:
    """Activations of a head, decoded before the tail's first segment."""
    device = Device(six_convs, served.address).wait()
    try:
        image = np.random.default_rng(1).standard_normal((1, 3, 64, 64), dtype=np.float32)
        exact = device.segments.run(device.segments.segments, {"image": image}).values
        cut = device.cuts[1]
        outputs, drive = device.run({"image": image}, cut, codec)
        assert drive.inference.placement == "split", drive.inference.fallback_reason
        assert set(drive.codecs) == {codec}
        assert set(drive.crossing_values) == set(cut.crossing)
        scale = float(np.abs(exact["classes"]).max())
        off = float(np.abs(outputs["classes"] - exact["classes"]).max())
        assert off <= (1e-6 if codec == "zstd" else 0.05) * scale
    finally:
        device.server.close()


def test_pieces_leave_while_the_rest_is_encoded(bulk: Path, served: ForkedServer) -> None:
    """A device that encodes slowly sends meanwhile; what arrives is the same."""
    device = Device(bulk, served.address).wait()
    rng = np.random.default_rng(2)
    value = np.maximum(rng.standard_normal((1, 64, 96, 96), dtype=np.float32), 0)
    try:
        outputs, drive = device.run({"x": value}, codec="zstd", encoders=Encoders(slowdown=20.0))
    finally:
        device.server.close()
    (offload,) = drive._offloads
    assert outputs["y"] == value.max()
    assert drive.codecs == ("zstd",)
    assert offload.first_sent_at_s < offload.began_at_s  # the end of the encoding
