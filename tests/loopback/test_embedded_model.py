"""A model that takes pictures as bytes is a model as any: two processes, frames of any size."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.loopback.test_every_cut import a_session, answers_of, uncut_outputs

from cutpoint import EncodedImage, InferenceSession
from cutpoint.exceptions import FeedError
from cutpoint.execution import ModelFile
from cutpoint.execution.embed import embed
from cutpoint.execution.preprocessing import MEANS, STDS, Preprocessing
from cutpoint.lab.fork_server import ForkServer
from cutpoint.lab.forked_server import ForkedServer
from cutpoint.lab.photos import photos

RESIZED = "image_uint8.resize"
SIZES = {"height": 120, "width": 160}


@pytest.fixture(scope="module")
def embedded(six_convs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of the tiny model, which takes frames of any size as bytes now."""
    path = tmp_path_factory.mktemp("embedded") / "embedded.onnx"
    preprocessing = Preprocessing(MEANS["imagenet"], STDS["imagenet"], size=(64, 64))
    embed(ModelFile.open(six_convs), preprocessing, path)
    return path


@pytest.fixture(scope="module")
def server(embedded: Path, fork_server: ForkServer) -> Iterator[ForkedServer]:
    """Give a server process that holds it."""
    sizes = [word for name, size in SIZES.items() for word in ("--size", f"{name}={size}")]
    with fork_server.server([str(embedded)], sizes) as process:
        yield process


def frames(*shapes: tuple[int, int]) -> list[np.ndarray]:
    """Give photos, one of each height and width."""
    return [photos(1, height, width, seed=4)[0] for height, width in shapes]


def filed(frame: np.ndarray, form: str) -> EncodedImage:
    """Give a frame as a camera's file."""
    file = io.BytesIO()
    Image.fromarray(frame).save(file, form)
    return EncodedImage(file.getvalue())


def pixels(image: EncodedImage) -> np.ndarray:
    """Give what Pillow makes of a file."""
    return np.asarray(Image.open(io.BytesIO(image.data)))


def assert_is(given: dict, wanted: dict) -> None:
    """Assert that two answers are one, but for the rounding of another machine's kernels."""
    assert given.keys() == wanted.keys()
    for name, each in wanted.items():
        np.testing.assert_allclose(given[name], each, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("policy", "placement", "sent"),
    [("server", "server", (120 * 160 * 3, 90 * 200 * 3)), (RESIZED, "split", (64 * 64 * 3,) * 2)],
)
def test_frames_of_several_sizes_cross(
    embedded: Path, six_convs: Path, server, policy: str, placement: str, sent: tuple[int, int]
) -> None:
    """As they are, or as the smaller picture of bytes that the head makes; answers are right."""
    with a_session(embedded, server, policy, sizes=SIZES) as session:
        for frame, raw_bytes in zip(frames((120, 160), (90, 200)), sent, strict=True):
            feed = {"image_uint8": frame[None]}
            (given,) = answers_of(session, [feed], placement)
            assert_is(given, uncut_outputs(embedded, [feed])[0])
            assert raw_bytes <= session.last_record.sent_bytes < raw_bytes + 2000
            np.testing.assert_allclose(
                given["classes"], original(six_convs, frame), rtol=0.05, atol=0.02
            )


def original(path: Path, frame: np.ndarray) -> np.ndarray:
    """Give what the original makes of a frame that Pillow and NumPy have preprocessed."""
    small = np.asarray(Image.fromarray(frame).resize((64, 64), Image.Resampling.BILINEAR))
    made = (small / 255 - MEANS["imagenet"]) / STDS["imagenet"]
    image = made.astype(np.float32).transpose(2, 0, 1)[None]
    return uncut_outputs(path, [{"image": image}])[0]["classes"]


@pytest.mark.parametrize("form", ["jpeg", "png", "webp"])
def test_a_camera_file_crosses_as_it_came(embedded: Path, server, form: str) -> None:
    """When the server computes everything: its very bytes are what is sent, and all that is."""
    (frame,) = frames((120, 160))
    image = filed(frame, form)
    with a_session(embedded, server, "server", sizes=SIZES) as session:
        (given,) = answers_of(session, [{"image_uint8": image}], "server")
        record = session.last_record
    assert_is(given, uncut_outputs(embedded, [{"image_uint8": pixels(image)[None]}])[0])
    assert record.codecs == (form,)
    assert record.calibrated_error == 0
    assert record.sent_bytes == len(image.data)
    assert record.measured.encode_s < record.measured.latency_s / 2
    assert record.predicted.encode_s == 0


@pytest.mark.parametrize(("policy", "placement"), [(RESIZED, "split"), ("device", "device")])
def test_a_camera_file_is_decoded_here_for_any_other_cut(
    embedded: Path, server, policy: str, placement: str
) -> None:
    """What that takes is in the prediction and in the record, as part of encoding."""
    (frame,) = frames((120, 160))
    image = filed(frame, "jpeg")
    with a_session(embedded, server, policy, sizes=SIZES) as session:
        (given,) = answers_of(session, [{"image_uint8": image}], placement)
        record = session.last_record
    assert_is(given, uncut_outputs(embedded, [{"image_uint8": pixels(image)[None]}])[0])
    assert record.codecs == (() if placement == "device" else ("raw",))
    assert record.measured.encode_s > 0
    assert record.predicted.encode_s > 0


def test_a_slow_link_passes_files_on(embedded: Path, server) -> None:
    """A session left to itself predicts the upload of the file, not of its pixels."""
    (frame,) = frames((480, 640))
    image = filed(frame, "jpeg")
    with a_session(embedded, server, "server", sizes=SIZES) as session:
        uploads = []
        for fed in (image, pixels(image)[None]):
            answers_of(session, [{"image_uint8": fed}], "server")
            record = session.last_record
            uploads.append(
                record.predicted.upload_s * record.conditions.link.bandwidth_up_bytes_per_s
            )
    assert uploads[1] - uploads[0] > 0.8 * (480 * 640 * 3 - len(image.data))


def test_a_damaged_file_is_the_callers_error(embedded: Path, server) -> None:
    """The server refuses it, this device cannot decode it either; the session stays usable."""
    (frame,) = frames((120, 160))
    good = filed(frame, "png")
    middle = len(good.data) // 2
    image = EncodedImage(good.data[:middle] + bytes(8) + good.data[middle + 8 :])
    with a_session(embedded, server, "server", sizes=SIZES) as session:
        answers_of(session, [{"image_uint8": good}], "server")
        with pytest.raises(FeedError, match="the image fed to 'image_uint8' cannot be decoded"):
            session.run(None, {"image_uint8": image})
        session.run(None, {"image_uint8": good})


def test_files_are_fed_without_a_server_too(embedded: Path) -> None:
    """And to a session whose first feed binds its sizes."""
    (frame,) = frames((50, 70))
    image = filed(frame, "png")
    wanted = uncut_outputs(embedded, [{"image_uint8": frame[None]}])[0]
    session = InferenceSession(embedded)
    given = session.run(["classes"], {"image_uint8": image})
    np.testing.assert_array_equal(given[0], wanted["classes"])
    with InferenceSession(embedded, server="127.0.0.1:1") as alone:
        (given,) = alone.run(["classes"], {"image_uint8": image})
        np.testing.assert_allclose(given, wanted["classes"], rtol=1e-4, atol=1e-5)
        assert alone.last_record.placement == "device"
