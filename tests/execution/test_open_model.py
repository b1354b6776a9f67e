"""Models with open dimensions: loaded once, run at every size."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from cutpoint.exceptions import UnknownShapeError
from cutpoint.execution import ModelFile, Segments, load_graph, load_open_graph
from cutpoint.graph import bind
from cutpoint.lab.zoo.text_encoder import text_encoder
from cutpoint.planning import graph_cuts


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a small text encoder."""
    path = tmp_path_factory.mktemp("encoder") / "encoder.onnx"
    onnx.save(text_encoder(num_layers=2, features=32), path)
    return path


def feed_of(batch: int, length: int) -> dict[str, np.ndarray]:
    """Give tokens, the last of them masked."""
    rng = np.random.default_rng(length)
    mask = np.ones((batch, length), np.int64)
    mask[:, -1] = 0
    return {"tokens": rng.integers(0, 2000, (batch, length)), "mask": mask}


def test_an_open_dimension_is_an_error_that_names_it(path: Path) -> None:
    """Nothing is guessed: the value and the dimension are named, and what to give."""
    with pytest.raises(UnknownShapeError, match=r"input 'tokens': dimension 0 \(batch\) is not"):
        load_graph(ModelFile.open(path))
    with pytest.raises(UnknownShapeError, match=r"input 'tokens': dimension 1 \(length\) is not"):
        load_graph(ModelFile.open(path), sizes={"batch": 1})


def test_a_feed_binds(path: Path) -> None:
    """A feed stands for the sizes."""
    graph = load_graph(ModelFile.open(path), feed=feed_of(2, 17))
    assert dict(graph.sizes) == {"batch": 2, "length": 17}
    assert graph.values["layer0.norm"].shape == (2, 17, 32)


def test_every_cut_is_right_at_every_size(path: Path) -> None:
    """Parts made once run at all sizes: heads and tails give what the whole model gives."""
    graph = bind(load_open_graph(ModelFile.open(path)), {"batch": 1, "length": 64})
    cuts = graph_cuts(graph)
    segments = Segments(graph, cuts)
    whole = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert len(cuts) > 4
    for batch, length in ((1, 8), (3, 65), (1, 511)):
        feed = feed_of(batch, length)
        (expected,) = whole.run(None, feed)
        for cut in cuts:
            made = segments.run(segments.head_of(cut), feed).values
            crossing = {name: made[name] for name in cut.crossing}
            outputs = segments.outputs_of(segments.run(segments.tail_of(cut), crossing).values)
            np.testing.assert_allclose(outputs["labels"], expected, rtol=0, atol=1e-4)
