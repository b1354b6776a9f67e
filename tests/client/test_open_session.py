"""A session whose model has open dimensions, against a real server."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from tests.client.conftest import running_server, wait_for_tails

from cutpoint import InferenceSession
from cutpoint.exceptions import FeedError, UnknownShapeError
from cutpoint.lab.zoo.text_encoder import text_encoder
from cutpoint.server.served_model import ServedModel

SIZES = {"batch": 1, "length": 32}
CUT = "layer0.norm,mask_bias"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a small text encoder."""
    path = tmp_path_factory.mktemp("encoder") / "encoder.onnx"
    onnx.save(text_encoder(num_layers=2, features=32), path)
    return path


@pytest.fixture(scope="module")
def server(path: Path):
    """Run a server that was warmed at one size."""
    with running_server(path, sizes=SIZES) as address:
        yield address


def feed_of(batch: int, length: int) -> dict[str, np.ndarray]:
    """Give tokens, the last of them masked."""
    rng = np.random.default_rng(length)
    mask = np.ones((batch, length), np.int64)
    mask[:, -1] = 0
    return {"tokens": rng.integers(0, 2000, (batch, length)), "mask": mask}


def expected_of(path: Path, feed: dict[str, np.ndarray]) -> np.ndarray:
    """Give the uncut model's answer."""
    whole = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return whole.run(None, feed)[0]


@pytest.mark.parametrize("policy", ["cutpoint", "device", "server", CUT])
def test_every_size_is_right_whoever_computes(policy: str, path: Path, server: str) -> None:
    """Sizes vary from call to call; the answer is that of the uncut model."""
    with InferenceSession(path, server=server, policy=policy, sizes=SIZES) as session:
        session.wait_until_ready()
        wait_for_tails(session)
        for batch, length in ((1, 8), (2, 100), (1, 511), (1, 8), (4, 33)):
            feed = feed_of(batch, length)
            (labels,) = session.run(None, feed)
            np.testing.assert_allclose(labels, expected_of(path, feed), rtol=0, atol=1e-4)
            record = session.last_record
            assert record is not None
            planned = {"device": "device", "server": "server", CUT: "split"}
            if policy in planned:
                assert (record.placement, record.fallback_reason) == (planned[policy], None)


def test_the_first_feed_binds(path: Path, server: str) -> None:
    """Without sizes nothing is measured until the first run, which then works as any other."""
    with InferenceSession(path, server=server, policy="server") as session:
        with pytest.raises(UnknownShapeError, match="not bound yet"):
            session.wait_until_ready(0.1)
        with pytest.raises(FeedError, match="dimension 'batch' is 1 in input 'tokens' and 2"):
            session.run(None, {**feed_of(1, 9), "mask": feed_of(2, 9)["mask"]})
        first = feed_of(1, 9)
        (labels,) = session.run(None, first)
        np.testing.assert_allclose(labels, expected_of(path, first), rtol=0, atol=1e-4)
        session.wait_until_ready()
        session.run(None, feed_of(1, 12))
        assert session.last_record is not None
        assert session.last_record.placement == "server"


def test_inputs_are_described_with_their_open_dimensions(path: Path, server: str) -> None:
    """What ONNX Runtime's session tells of the inputs is told here."""
    with InferenceSession(path, server=server, sizes=SIZES) as session:
        shapes = {arg.name: arg.shape for arg in session.get_inputs()}
    assert shapes == {"tokens": ["batch", "length"], "mask": ["batch", "length"]}


def test_a_served_model_needs_its_sizes(path: Path) -> None:
    """The server names what is open; sizes of other models' dimensions are passed over."""
    with pytest.raises(UnknownShapeError, match=r"dimension 1 \(length\) is not bound"):
        ServedModel.load(str(path), sizes={"batch": 1, "height": 7})
