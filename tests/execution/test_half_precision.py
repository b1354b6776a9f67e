"""Models in float16, for which ONNX Runtime's processor kernels compute in float32."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.graph import candidate_cuts, extract, segments_of
from cutpoint.planning import graph_cuts

HALF = """(float16[N,16,8,8] x) => (float16[N,16,4,4] y) {
    a = Conv<pads = [1, 1, 1, 1]>(x, w0)
    b = Relu(a)
    c = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(b)
    d = Conv<pads = [1, 1, 1, 1]>(c, w1)
    y = Relu(d)
}"""


@pytest.fixture(scope="module")
def path(
    model_of: Callable[..., onnx.ModelProto], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Give the file of a small net in float16, its weights large enough to lie outside."""
    model = model_of(HALF)
    rng = np.random.default_rng(0)
    for i in range(2):
        weight = (rng.standard_normal((16, 16, 3, 3)) / 12).astype(np.float16)
        model.graph.initializer.append(onnx.numpy_helper.from_array(weight, f"w{i}"))
    path = tmp_path_factory.mktemp("half") / "half.onnx"
    onnx.save(model, path)
    return path


def test_values_keep_their_names_and_types(path: Path) -> None:
    """What is cut is the file's own graph, not the runtime's rewriting of it."""
    graph = load_graph(ModelFile.open(path), sizes={"N": 2})
    assert {value.dtype for value in graph.values.values()} == {"float16"}
    assert set(graph.values) <= graph.original_names
    assert ("c",) in [cut.crossing for cut in candidate_cuts(graph)]


def test_every_cut_is_right(path: Path) -> None:
    """Heads and tails give what the whole gives, but for rounding to float16 at the cut."""
    graph = load_graph(ModelFile.open(path), sizes={"N": 2})
    cuts = graph_cuts(graph)
    segments = Segments(graph, cuts)
    x = np.random.default_rng(1).standard_normal((2, 16, 8, 8)).astype(np.float16)
    whole = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (expected,) = whole.run(None, {"x": x})
    assert cuts
    for cut in cuts:
        head = segments.run(segments.head_of(cut), {"x": x}).values
        crossing = {name: head[name] for name in cut.crossing}
        made = segments.run(segments.tail_of(cut), crossing).values["y"]
        assert made.dtype == np.float16
        np.testing.assert_allclose(made, expected, rtol=2e-2, atol=2e-2)


def test_weights_lie_outside_the_parts(path: Path) -> None:
    """Parts refer to weights of a kilobyte and more, as everywhere."""
    graph = load_graph(ModelFile.open(path), sizes={"N": 2})
    (whole,) = segments_of(graph, ())
    assert len(extract(graph, whole)) < 3000
