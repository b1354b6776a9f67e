"""Operators of other domains pass through to ONNX Runtime where its options register them."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from tests.client.conftest import running_server, wait_for_tails
from tests.custom_operators import library_path

from cutpoint import InferenceSession
from cutpoint.exceptions import ModelError
from cutpoint.execution.runtime import quiet_options


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a model that takes text and computes with it by custom operators."""
    domain = "ai.onnx.contrib"
    nodes = [
        helper.make_node("StringUpper", ["x"], ["upper"], domain=domain),
        helper.make_node("StringLength", ["upper"], ["length"], domain=domain),
        helper.make_node("Cast", ["length"], ["y"], to=TensorProto.FLOAT),
    ]
    make = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "texts",
        [make("x", TensorProto.STRING, ["texts"])],
        [make("y", TensorProto.FLOAT, ["texts"]), make("upper", TensorProto.STRING, ["texts"])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(domain, 1)]
    path = tmp_path_factory.mktemp("texts") / "texts.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def options() -> onnxruntime.SessionOptions:
    """Give session options that know the operators."""
    made = onnxruntime.SessionOptions()
    made.register_custom_ops_library(library_path())
    return made


def test_without_the_library_the_runtime_says_so(path: Path) -> None:
    """ONNX Runtime's own words for the operator nobody registered."""
    with pytest.raises(ModelError, match="StringUpper"):
        InferenceSession(path, server="127.0.0.1:1", sizes={"texts": 2})


@pytest.mark.parametrize("policy", ["device", "server", "upper", "length"])
def test_text_and_custom_operators_cross(policy: str, path: Path) -> None:
    """Texts of any length and number travel both ways, wherever the model is cut."""
    library = library_path()
    with (
        running_server(path, sizes={"texts": 2}, custom_ops=(library,)) as address,
        InferenceSession(
            path, options(), server=address, policy=policy, sizes={"texts": 2}
        ) as session,
    ):
        session.wait_until_ready()
        wait_for_tails(session)
        whole = onnxruntime.InferenceSession(path, options())
        for texts in (["ab", "été"], [""], [], ["x" * 100_000, "\0", "\N{SNOWMAN}"]):
            feed = {"x": np.array(texts, object)}
            lengths, upper = session.run(None, feed)
            expected = whole.run(None, feed)
            assert upper.tolist() == expected[1].tolist()
            assert lengths.tolist() == expected[0].tolist()
        record = session.last_record
        assert record is not None
        assert record.placement == {"device": "device", "server": "server"}.get(policy, "split")


def test_a_library_that_is_none(path: Path) -> None:
    """A wrong path is a typed error that names it."""
    with pytest.raises(ModelError, match=r"custom operators .*no-such\.so"):
        quiet_options(None, ["no-such.so"])
