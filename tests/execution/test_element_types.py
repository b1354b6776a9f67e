"""Arrays of types NumPy lacks, in and out of ONNX Runtime."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.element_types import from_runtime
from cutpoint.graph import cut_at

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
