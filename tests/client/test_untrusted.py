"""A session on a file nobody vouches for."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cutpoint import InferenceSession
from cutpoint.exceptions import UnsafeModelError
from cutpoint.server.served_model import ServedModel


def bomb(path: Path) -> Path:
    """Write a tiny file that asks for 4 TB."""
    shape = numpy_helper.from_array(np.array([1 << 20, 1 << 20], np.int64), "shape")
    graph = helper.make_graph(
        [
            helper.make_node("ConstantOfShape", ["shape"], ["big"]),
            helper.make_node("Add", ["x", "big"], ["y"]),
        ],
        "bomb",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [shape],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


@pytest.mark.parametrize("server", [None, "127.0.0.1:1"])
def test_a_bomb_goes_off_elsewhere(server: str | None, tmp_path: Path) -> None:
    """With a server or without, this process does not load it; the server's does not either."""
    path = bomb(tmp_path / "bomb.onnx")
    with pytest.raises(UnsafeModelError, match=r"bomb\.onnx"):
        InferenceSession(path, server=server, trusted=False)
    with pytest.raises(UnsafeModelError, match=r"bomb\.onnx"):
        ServedModel.load(str(path), trusted=False)


def test_an_honest_file_runs_as_ever(model_path: Path, feed: dict[str, np.ndarray]) -> None:
    """What passed the worker is loaded and gives the same."""
    with InferenceSession(model_path, server="127.0.0.1:1", trusted=False) as session:
        (given,) = session.run(None, feed)
    (expected,) = InferenceSession(model_path).run(None, feed)
    assert np.array_equal(given, expected)


def test_what_was_vetted_is_what_runs(model_path: Path, feed: dict[str, np.ndarray]) -> None:
    """The file may be exchanged afterwards: the session has its own copy, until it is closed."""
    (expected,) = InferenceSession(model_path).run(None, feed)
    for server in (None, "127.0.0.1:1"):
        content = model_path.read_bytes()
        with InferenceSession(model_path, server=server, trusted=False) as session:
            model_path.write_bytes(b"something else by now")
            (given,) = session.run(None, feed)
            assert session.get_modelmeta().graph_name == "tiny"  # ONNX Runtime's own session
        model_path.write_bytes(content)
        assert np.array_equal(given, expected)
