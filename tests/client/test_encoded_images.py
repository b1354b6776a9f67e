"""Files of a camera where the server fails, or knows no such files: the pixels are decoded here."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import numpy as np
import onnx
import pytest
from PIL import Image
from tests.client.conftest import running_server
from tests.client.protocol_server import FolderServer
from tests.client.test_other_servers import serving

from cutpoint import EncodedImage, InferenceSession
from cutpoint.exceptions import FeedError, RemoteProtocolError
from cutpoint.wire.undecoded import Undecoded

MODEL = """<ir_version: 8, opset_import: ["" : 17]> model
(uint8[1,24,32,3] x) => (float[1,3] y) {
    a = Cast <to = 1> (x)
    b = Tanh (a)
    c = Transpose <perm = [0, 3, 1, 2]> (a)
    d = GlobalAveragePool (c)
    y = Flatten (d)
}"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the file of a model that takes a small picture, and gives its mean colour."""
    path = tmp_path / "mean.onnx"
    onnx.save(onnx.parser.parse_model(MODEL), path)
    return path


@pytest.fixture
def frame() -> EncodedImage:
    """Give a JPEG of two colours."""
    pixels = np.zeros((24, 32, 3), np.uint8)
    pixels[:, 16:] = (200, 100, 50)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "jpeg")
    return EncodedImage(file.getvalue())


def mean_of(image: EncodedImage) -> np.ndarray:
    """Give the mean colour of a file."""
    return np.asarray(Image.open(io.BytesIO(image.data))).reshape(-1, 3).mean(axis=0)


def assert_is_right(session: InferenceSession, image: EncodedImage) -> None:
    """Assert that the answer is that of the pixels."""
    (given,) = session.run(None, {"x": image})
    np.testing.assert_allclose(given[0], mean_of(image), rtol=1e-4)


def test_the_device_decodes_what_the_server_could_not(
    path: Path, frame: EncodedImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that refuses the file costs time, not the answer; the record says why."""

    def refuse(_: Undecoded) -> np.ndarray:
        raise RemoteProtocolError("no such picture here")

    with (
        running_server(path) as address,
        InferenceSession(path, server=address, policy="server") as session,
    ):
        session.wait_until_ready(20.0)
        assert_is_right(session, frame)
        assert session.last_record.placement == "server"
        assert session.last_record.codecs == ("jpeg",)
        monkeypatch.setattr(Undecoded, "decode", refuse)
        assert_is_right(session, frame)
        record = session.last_record
    assert record.placement == "device"
    assert "no such picture here" in record.fallback_reason
    assert record.measured.encode_s < record.measured.tail_s


def test_an_emulated_device_takes_its_time_to_decode(path: Path, frame: EncodedImage) -> None:
    """As it does to compute: what is recorded is what the slower one would take."""
    taken = {}
    for slowdown in (1.0, 40.0):
        settings = {"server": "127.0.0.1:1", "policy": "device", "slowdown": slowdown}
        with InferenceSession(path, **settings) as session:
            decoded_s = []
            for _ in range(3):
                assert_is_right(session, frame)
                decoded_s.append(session.last_record.measured.encode_s)
        taken[slowdown] = min(decoded_s)
    assert taken[40.0] > 5 * taken[1.0]


def test_many_threads_feed_files(path: Path, frame: EncodedImage) -> None:
    """Side by side with arrays of the same size, each gets the answer of its own picture."""
    array = np.full((1, 24, 32, 3), 7, np.uint8)
    with (
        running_server(path) as address,
        InferenceSession(path, server=address) as session,
        ThreadPoolExecutor(4) as pool,
    ):
        session.wait_until_ready(20.0)
        fed = [frame, array] * 20
        made = list(pool.map(lambda each: session.run(None, {"x": each})[0][0], fed))
    for given, wanted in zip(made, [mean_of(frame), np.full(3, 7.0)] * 20, strict=True):
        np.testing.assert_allclose(given, wanted, rtol=1e-4)


def test_run_async_takes_files(path: Path, frame: EncodedImage) -> None:
    """With a server and without one, by ONNX Runtime itself."""
    for settings in ({}, {"server": "127.0.0.1:1"}):
        done, found = Event(), []

        def tell(outputs: list, _: object, error: str, done=done, found=found) -> None:
            found.append((outputs, error))
            done.set()

        session = InferenceSession(path, **settings)
        session.run_async(None, {"x": frame}, tell, None)
        assert done.wait(20.0)
        outputs, error = found[0]
        assert error == ""
        np.testing.assert_allclose(outputs[0][0], mean_of(frame), rtol=1e-4)
        session.close()


def test_a_picture_of_another_size_is_refused(path: Path) -> None:
    """With and without a server, before anything runs."""
    file = io.BytesIO()
    Image.new("RGB", (5, 5)).save(file, "png")
    for settings in ({}, {"server": "127.0.0.1:1"}):
        with (
            InferenceSession(path, **settings) as session,
            pytest.raises(FeedError, match=r"'x' takes \[1, 24, 32, 3\], no picture of 5x5"),
        ):
            session.run(None, {"x": EncodedImage(file.getvalue())})


def test_another_server_gets_pixels(path: Path, frame: EncodedImage) -> None:
    """One that knows nothing of files is sent what it takes; decoding is told as encoding."""
    with (
        serving(FolderServer(path.parent)) as address,
        InferenceSession(path, server=address, policy="server") as session,
    ):
        session.wait_until_ready(20.0)
        assert_is_right(session, frame)
        record = session.last_record
    assert (record.placement, record.codecs) == ("server", ("raw",))
    assert record.sent_bytes >= 24 * 32 * 3
    assert record.measured.encode_s > 0
    assert record.predicted.encode_s > 0


TWO = """<ir_version: 8, opset_import: ["" : 17]> two
(uint8[1,24,32,3] x, float[1,8,64] z) => (float[1,3] y, float[1,8,64] w) {
    a = Cast <to = 1> (x)
    c = Transpose <perm = [0, 3, 1, 2]> (a)
    d = GlobalAveragePool (c)
    y = Flatten (d)
    w = Tanh (z)
}"""


def test_a_lossy_codec_beside_a_file_is_told_and_checked(
    tmp_path: Path, frame: EncodedImage
) -> None:
    """Nothing is lost of the file, but something of the other input."""
    path = tmp_path / "two.onnx"
    onnx.save(onnx.parser.parse_model(TWO), path)
    numbers = np.random.default_rng(0).standard_normal((1, 8, 64)).astype(np.float32)
    pixels = np.asarray(Image.open(io.BytesIO(frame.data)))[None]
    settings = {
        "policy": "server@uint8",
        "codecs": "uint8",
        "tolerance": "l2:0.05",
        "calibrate": [{"x": pixels, "z": numbers}],
        "check_rate": 1.0,
    }
    with (
        running_server(path) as address,
        InferenceSession(path, server=address, **settings) as session,
    ):
        session.wait_until_ready(20.0)
        session.run(None, {"x": frame, "z": numbers})
        record = session.last_record
        assert (record.placement, record.codecs) == ("server", ("jpeg", "uint8"))
        assert record.calibrated_error > 0
        assert session._engine._codecs.guard.check.wait_until_idle(20)
        assert session.num_checked == 1
        assert session.withdrawn == ()
