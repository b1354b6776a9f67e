"""Arrays of types NumPy lacks, in and out of ONNX Runtime."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from cutpoint.exceptions import ModelError
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.element_types import from_runtime
from cutpoint.graph import cut_at
from cutpoint.graph.cut import cut_at_head

NUMBERS = {"BFLOAT16": 16, "FLOAT8E4M3FN": 17, "FLOAT8E5M2": 19, "UINT4": 21, "INT4": 22}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_value_of_any_type_crosses(name: str, model_of: Callable[..., onnx.ModelProto]) -> None:
    """The head's array is the tail's: what comes out equals the uncut model."""
    model = model_of(
        f"""<ir_version: 10, opset_import: ["" : 21]> m (float[2,5] x) => (float[2,5] y)
        {{ a = Cast<to = {NUMBERS[name]}>(x) b = Cast<to = 1>(a) y = Neg(b) }}"""
    )
    graph = load_graph(ModelFile.open(model.SerializeToString()))
    cut = cut_at(graph, ["a"])
    segments = Segments(graph, [cut])
    feed = {"x": np.arange(10, dtype=np.float32).reshape(2, 5) % 7}
    head = segments.run(segments.head_of(cut), feed).values
    assert str(head["a"].dtype) == graph.values["a"].dtype == from_runtime(name.lower())
    tail = segments.run(segments.tail_of(cut), {"a": head["a"]}).values
    assert np.array_equal(tail["y"], -feed["x"])


def test_text_crosses(model_of: Callable[..., onnx.ModelProto], tmp_path: Path) -> None:
    """Text goes in and out as Python's."""
    model = model_of(
        """(float[3] x) => (float[3] y)
        { a = Cast<to = 8>(x) b = Cast<to = 1>(a) y = Neg(b) }"""
    )
    path = tmp_path / "text.onnx"
    onnx.save(model, path)
    graph = load_graph(ModelFile.open(path))
    assert graph.values["a"].has_known_size  # by a trial run: its type and shape do not tell
    cut = cut_at(graph, ["a"])
    segments = Segments(graph, [cut])
    head = segments.run(segments.head_of(cut), {"x": np.float32([1, 2.5, 3])}).values
    assert head["a"].tolist() == ["1", "2.5", "3"]
    tail = segments.run(segments.tail_of(cut), {"a": head["a"]}).values
    assert tail["y"].tolist() == [-1, -2.5, -3]


def test_names_of_the_runtime() -> None:
    """Every name ONNX Runtime has for an element type has one of NumPy's."""
    assert [from_runtime(name) for name in ("float", "double", "string", "int64", "uint4")] == [
        "float32", "float64", "object", "int64", "uint4",
    ]  # fmt: skip
    assert from_runtime("no such type") is None


def test_text_beside_a_type_numpy_lacks(model_of: Callable[..., onnx.ModelProto]) -> None:
    """One part cannot be fed both: the error says so and what to do; cut between them it runs."""
    model = model_of(
        """<ir_version: 10, opset_import: ["" : 21]> m (string[3] x) => (float[3] y)
        { f = Cast<to = 1>(x) g = Neg(f) a = Cast<to = 16>(g) b = Cast<to = 1>(a) y = Abs(b) }"""
    )
    graph = load_graph(ModelFile.open(model.SerializeToString()))
    with pytest.raises(ModelError, match=r"takes text \(\['x'\]\) and makes values that"):
        Segments(graph, [cut_at(graph, ["a"])])
    cuts = [cut_at(graph, ["g"]), cut_at(graph, ["a"])]
    segments = Segments(graph, cuts)
    values = segments.run(segments.segments, {"x": np.array(["1", "2.5", "3"], object)}).values
    assert values["y"].tolist() == [1, 2.5, 3]


def test_a_sequence_beside_a_type_numpy_lacks(model_of: Callable[..., onnx.ModelProto]) -> None:
    """The sequence goes on to the next part as the runtime made it."""
    model = model_of(
        """<ir_version: 10, opset_import: ["" : 21]> m (float[3] x, int64 i) => (float[3] y)
        { s = SequenceConstruct(x, x) a = Cast<to = 16>(x) b = Cast<to = 1>(a)
          e = SequenceAt(s, i) y = Add(b, e) }"""
    )
    graph = load_graph(ModelFile.open(model.SerializeToString()))
    whole = Segments(graph, ())
    feed = {"x": np.float32([1, 2, 3]), "i": np.asarray(1)}
    expected = whole.run(whole.segments, feed).values["y"]
    halves = Segments(graph, [cut_at_head(graph, 0b11)])
    given = halves.run(halves.segments, feed).values["y"]
    assert given.tolist() == expected.tolist() == [2, 4, 6]
