"""Inputs that are no pictures cross in what fits them: sound, points and tokens, to a server."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.loopback.test_every_cut import a_session, answers_of, uncut_outputs

from cutpoint.lab.fork_server import ForkServer
from cutpoint.lab.forked_server import ForkedServer
from cutpoint.lab.zoo.text_encoder import text_encoder
from cutpoint.wire.codecs import codec_named
from cutpoint.wire.tensors import TensorSpec

SAMPLES, POINTS, LENGTH = 16_000, 2048, 128
RANGE_M = 80.0
HEAD_BYTES = 64
"""What a codec may write before its codes."""


def model(nodes: list, weights: dict[str, np.ndarray], shape: list[int]) -> onnx.ModelProto:
    """Give a model from ``x`` to ten numbers ``y``."""
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(each, name) for name, each in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def drawn(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Draw weights (He et al. 2015)."""
    fan_in = int(np.prod(shape[1:])) if len(shape) > 2 else shape[0]
    return (rng.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(np.float32)


def sound_net() -> onnx.ModelProto:
    """Give a net of one-dimensional convolutions on a second of sound (M5, Dai et al. 2017)."""
    rng = np.random.default_rng(1)
    node = helper.make_node
    weights = {
        "w0": drawn(rng, 32, 1, 80), "w1": drawn(rng, 32, 32, 3), "w2": drawn(rng, 64, 32, 3),
        "w3": drawn(rng, 64, 10),
    }  # fmt: skip
    nodes, given = [], "x"
    for i, stride in enumerate((4, 1, 1)):
        nodes += [
            node("Conv", [given, f"w{i}"], [f"c{i}"], strides=[stride]),
            node("Relu", [f"c{i}"], [f"r{i}"]),
            node("MaxPool", [f"r{i}"], [f"p{i}"], kernel_shape=[4], strides=[4]),
        ]
        given = f"p{i}"
    nodes += [
        node("GlobalAveragePool", [given], ["mean"]),
        node("Flatten", ["mean"], ["flat"]),
        node("MatMul", ["flat", "w3"], ["y"]),
    ]
    return model(nodes, weights, [1, 1, SAMPLES])


def point_net() -> onnx.ModelProto:
    """Give a net that takes points in any order, after PointNet (Qi et al. 2017)."""
    rng = np.random.default_rng(2)
    node = helper.make_node
    weights = {"w0": drawn(rng, 3, 64), "w1": drawn(rng, 64, 128), "w2": drawn(rng, 128, 10)}
    nodes = [
        node("MatMul", ["x", "w0"], ["m0"]), node("Relu", ["m0"], ["r0"]),
        node("MatMul", ["r0", "w1"], ["m1"]), node("Relu", ["m1"], ["r1"]),
        node("ReduceMax", ["r1"], ["most"], axes=[1], keepdims=0),
        node("MatMul", ["most", "w2"], ["y"]),
    ]  # fmt: skip
    return model(nodes, weights, [1, POINTS, 3])


def sounds(count: int) -> list[dict]:
    """Give voices: a pitch that glides and its overtones, 16-bit samples as floats."""
    rng, feeds = np.random.default_rng(3), []
    time_s = np.arange(SAMPLES) / SAMPLES
    for _ in range(count):
        pitch = 2 * np.pi * (100 + 80 * rng.random() + 60 * time_s) * time_s
        voice = sum(rng.random() / k * np.sin(k * pitch) for k in range(1, 20))
        loud = np.exp(-(((time_s - 0.5) / 0.2) ** 2))
        samples = 6000 * loud * voice + rng.normal(0, 20, SAMPLES)
        feeds.append({"x": (np.round(samples) / 32768).astype(np.float32)[None, None]})
    return feeds


def clouds(count: int) -> list[dict]:
    """Give scans in metres: the ground around a sensor, and boxes on it, up to 80 m away."""
    rng, feeds = np.random.default_rng(4), []
    for _ in range(count):
        bearing = rng.uniform(0, 2 * np.pi, POINTS)
        distance = RANGE_M * rng.random(POINTS) ** 2
        height = np.where(rng.random(POINTS) < 0.3, rng.uniform(-1.7, 2.0, POINTS), -1.7)
        points = np.stack([distance * np.cos(bearing), distance * np.sin(bearing), height], axis=1)
        feeds.append({"x": points.astype(np.float32)[None]})
    return feeds


def texts(count: int) -> list[dict]:
    """Give token ids, few of them common, with padding behind."""
    rng, feeds = np.random.default_rng(5), []
    for _ in range(count):
        tokens = np.minimum(rng.zipf(1.3, (1, LENGTH)), 1999)
        mask = (np.arange(LENGTH) < rng.integers(40, LENGTH))[None]
        feeds.append({"tokens": tokens * mask, "mask": mask.astype(np.int64)})
    return feeds


NETS = {
    "sound": (sound_net, sounds),
    "points": (point_net, clouds),
    "text": (lambda: text_encoder(num_layers=2, features=64), texts),
}


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Give the files of the three nets."""
    folder = tmp_path_factory.mktemp("inputs")
    found = {name: folder / f"{name}.onnx" for name in NETS}
    for name, path in found.items():
        onnx.save(NETS[name][0](), path)
    return found


@pytest.fixture(scope="module")
def server(paths: dict[str, Path], fork_server: ForkServer) -> Iterator[ForkedServer]:
    """Give a server process that holds them."""
    sizes = ["--size", "batch=1", "--size", f"length={LENGTH}"]
    with fork_server.server([str(path) for path in paths.values()], sizes) as process:
        yield process


@pytest.mark.parametrize("name", ["sound", "points"])
@pytest.mark.parametrize("codec", ["uint16", "float16"])
def test_floats_cross_in_two_bytes(paths: dict[str, Path], server, name: str, codec: str) -> None:
    """Half of what floats take; the answers stay, and by how much they move is recorded."""
    feeds = NETS[name][1](4)
    settings = {"codecs": codec, "tolerance": "l2:0.01", "calibrate": feeds}
    with a_session(paths[name], server, f"server@{codec}", **settings) as session:
        given = answers_of(session, feeds, "server")
        record = session.last_record
    assert record.codecs == (codec,)
    assert record.sent_bytes <= feeds[0]["x"].nbytes / 2 + HEAD_BYTES
    assert 0 < record.calibrated_error < 0.01
    for each, wanted in zip(given, uncut_outputs(paths[name], feeds), strict=True):
        off = np.linalg.norm(each["y"] - wanted["y"]) / np.linalg.norm(wanted["y"])
        assert off < (0.002 if codec == "uint16" else 0.004)
        assert each["y"].argmax() == wanted["y"].argmax()


def error(codec: str, array: np.ndarray) -> float:
    """Give the largest error of an element."""
    found = codec_named(codec)
    raw = b"".join(found.blocks(array))
    return float(np.abs(found.decode(TensorSpec.of("x", array), raw) - array).max())


def test_points_far_away_keep_their_place_in_equal_steps() -> None:
    """Within two millimetres at 80 m; a half float's steps are six centimetres there."""
    cloud = clouds(1)[0]["x"]
    assert error("uint16", cloud) < 0.002
    assert 0.01 < error("float16", cloud) <= 0.032
    sound = sounds(1)[0]["x"]
    assert error("uint16", sound) < 0.6 / 32768 < error("float16", sound)


def test_tokens_cross_exactly_in_few_bytes(paths: dict[str, Path], server) -> None:
    """Ids below 2000 and a mask, 2 KB as they are: no tolerance is asked for, nothing is lost."""
    feeds = texts(4)
    settings = {"codecs": "narrow", "example": feeds[0]}
    with a_session(paths["text"], server, "server@narrow", **settings) as session:
        given = answers_of(session, feeds, "server")
        record = session.last_record
    assert record.codecs == ("narrow", "narrow")
    assert record.calibrated_error == 0
    assert record.sent_bytes < 2 * 8 * LENGTH / 6
    for each, wanted in zip(given, uncut_outputs(paths["text"], feeds), strict=True):
        np.testing.assert_allclose(each["labels"], wanted["labels"], rtol=1e-4, atol=1e-5)
