"""Node times: one time per node of the optimised graph."""

import tempfile
from dataclasses import replace
from pathlib import Path

import onnx_ir as ir
import pytest

from cutpoint.exceptions import ModelError
from cutpoint.execution.node_times import node_times_s
from cutpoint.execution.runtime import quiet_options
from cutpoint.graph import Graph, sample_feed


def test_every_node_is_timed(graph: Graph) -> None:
    """Each node is named as in the graph; the convolutions took measurable time."""
    times_s = node_times_s(graph, sample_feed(graph), quiet_options(1), repeats=3)
    assert list(times_s) == [node.name for node in graph.nodes]
    assert all(time_s >= 0 for time_s in times_s.values())
    assert times_s[graph.nodes[0].name] > 0


def test_no_trace_is_left(graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The profiler's trace goes to a temporary folder that is removed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    node_times_s(graph, sample_feed(graph), repeats=1)
    assert list(tmp_path.iterdir()) == []


def test_a_graph_that_cannot_be_loaded_is_named(graph: Graph) -> None:
    """An operator ONNX Runtime does not have is an error that names the model."""
    value = ir.val("x", ir.DataType.FLOAT, (1,))
    node = ir.node("NoSuchOperator", [value])
    source = ir.Model(
        ir.Graph([value], node.outputs, nodes=[node], opset_imports={"": 17}), ir_version=8
    )
    with pytest.raises(ModelError, match="'conv_chain' to time its nodes"):
        node_times_s(replace(graph, source=source), {})
