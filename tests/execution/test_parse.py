"""Parsing: hostile and broken files are refused before anything heavy; sound ones pass."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from tests.execution.hostile_files import HOSTILE_FILES, HostileFile, lay_out, with_functions

from cutpoint.exceptions import ModelError, UnsafeModelError
from cutpoint.execution import ModelFile
from cutpoint.execution.external_data import external_locations
from cutpoint.execution.load_limits import LoadLimits
from cutpoint.execution.parse import parse_model

ModelOf = Callable[[str], onnx.ModelProto]

_PARSED = [each for each in HOSTILE_FILES if each.refused_by == "parse"]
_RUN = [each for each in HOSTILE_FILES if each.refused_by == "worker"]


@pytest.mark.parametrize("hostile", _PARSED, ids=lambda each: each.name)
def test_a_hostile_file_is_refused(hostile: HostileFile, tmp_path: Path) -> None:
    """Every file that can be told from its content alone is refused with the reason."""
    file = ModelFile.open(hostile.build(lay_out(tmp_path)))
    with pytest.raises(ModelError, match=hostile.reason):
        parse_model(file)


@pytest.mark.parametrize("hostile", _PARSED, ids=lambda each: each.name)
def test_the_reason_does_not_depend_on_the_checker(hostile: HostileFile, tmp_path: Path) -> None:
    """What could hang or escape is refused by the guards, before onnx's checker is called."""
    file = ModelFile.open(hostile.build(lay_out(tmp_path)))
    invalid = "valid ONNX|disagree"
    try:
        parse_model(file)
    except ModelError as error:
        if re.search(invalid, str(error)):
            parse_model(file, full_check=False)
            return
    with pytest.raises(ModelError, match=hostile.reason):
        parse_model(file, full_check=False)


@pytest.mark.parametrize("hostile", _RUN, ids=lambda each: each.name)
def test_a_valid_program_is_not_refused_for_what_it_would_take(
    hostile: HostileFile, tmp_path: Path
) -> None:
    """Only trying it out can tell: parsing lets it pass."""
    assert parse_model(ModelFile.open(hostile.build(lay_out(tmp_path)))).graph.node


def test_a_sound_model_is_given_whole(six_convs: Path) -> None:
    """By path and as bytes, every byte of the file comes back."""
    content = six_convs.read_bytes()
    for source in (six_convs, content):
        model = parse_model(ModelFile.open(source))
        assert model == onnx.ModelProto.FromString(content)


def test_a_file_over_the_size_limit_is_not_read(
    six_convs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size is looked up; the file is not opened."""
    file = ModelFile.open(six_convs)
    monkeypatch.setattr(onnx, "load_model", lambda *_, **__: pytest.fail("was read"))
    with pytest.raises(UnsafeModelError, match=r"over the limit of 100\b.*file_bytes"):
        parse_model(file, LoadLimits(file_bytes=100))


def test_limits_can_be_raised_and_lowered(model_of: ModelOf) -> None:
    """Each limit names itself, and lets pass what is just within."""
    model = model_of("(float[1] x) => (float[1] y) { a = Relu (x) b = Relu (a) y = Relu (b) }")
    file = ModelFile.open(model.SerializeToString())
    parse_model(file, LoadLimits(num_nodes=3))
    with pytest.raises(UnsafeModelError, match=r"LoadLimits\.num_nodes"):
        parse_model(file, LoadLimits(num_nodes=2))
    model.graph.initializer.append(helper.make_tensor("w", TensorProto.FLOAT, [4], [0.0] * 4))
    file = ModelFile.open(model.SerializeToString())
    parse_model(file, LoadLimits(weights_bytes=16))
    with pytest.raises(UnsafeModelError, match=r"LoadLimits\.weights_bytes"):
        parse_model(file, LoadLimits(weights_bytes=15))


def test_functions_count_as_often_as_they_are_called() -> None:
    """Two calls of a function of three nodes are two calls and six nodes."""
    opsets = [helper.make_opsetid("", 17)]
    nodes = [helper.make_node("Relu", [a], [b]) for a, b in ("ap", "pq", "qb")]
    model = with_functions(helper.make_function("me", "F", ["a"], ["b"], nodes, opsets))
    model.graph.node[0].output[0] = "h"
    model.graph.node.append(helper.make_node("F", ["h"], ["y"], domain="me"))
    file = ModelFile.open(model.SerializeToString())
    parse_model(file, LoadLimits(num_nodes=8))
    with pytest.raises(UnsafeModelError, match="8 nodes with its functions"):
        parse_model(file, LoadLimits(num_nodes=7))


def _microsoft(model: onnx.ModelProto) -> onnx.ModelProto:
    model.opset_import.add(domain="com.microsoft", version=1)
    return model


_BEYOND = {
    "another domain": "y = com.microsoft.FastGelu (x)",
    "another domain between": "h = com.microsoft.FastGelu (x) y = Relu (h)",
    "a standard operator of ONNX Runtime's own": "s = Constant <value = float[4] {1.0, 1.0, 1.0, "
    "1.0}> () y = SimplifiedLayerNormalization (x, s)",
}


@pytest.mark.parametrize("nodes", _BEYOND.values(), ids=_BEYOND)
@pytest.mark.parametrize("is_imported", [True, False])
def test_what_only_the_runtime_knows_passes(
    model_of: ModelOf, nodes: str, is_imported: bool
) -> None:
    """Operators without a schema pass the full check, as they load in ONNX Runtime."""
    model = model_of(f"(float[2, 4] x) => (float[2, 4] y) {{ {nodes} }}")
    content = (_microsoft(model) if is_imported else model).SerializeToString()
    onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    parse_model(ModelFile.open(content))


def test_beside_foreign_operators_all_else_is_checked(model_of: ModelOf) -> None:
    """An operator that nobody knows does not switch the check off."""
    text = "(float[2, 4] x) => (float[2, 4] y) { h = me.Own (x) y = Relu <axis = 1> (h) }"
    with pytest.raises(ModelError, match="Unrecognized attribute"):
        parse_model(ModelFile.open(model_of(text).SerializeToString()))
    text = "(float[2, 4] x) => (float[2, 5] y) { y = Relu (x) h = me.Own (y) }"
    with pytest.raises(ModelError, match="disagree"):
        parse_model(ModelFile.open(model_of(text).SerializeToString()))


def test_without_the_full_check_what_the_runtime_takes_passes(model_of: ModelOf) -> None:
    """Nodes out of order are not valid ONNX, and run: a trusting caller may have them."""
    model = model_of("(float[4] x) => (float[4] y) { y = Relu (a) a = Tanh (x) }")
    content = model.SerializeToString()
    onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    with pytest.raises(ModelError, match="topologically"):
        parse_model(ModelFile.open(content))
    parse_model(ModelFile.open(content), full_check=False)


def test_outputs_of_unknown_rank_pass(model_of: ModelOf) -> None:
    """The checker wants a shape of every output; ONNX Runtime does not."""
    model = model_of("(float[4] x) => (float[4] y) { y = Relu (x) }")
    model.graph.output[0].type.tensor_type.ClearField("shape")
    parse_model(ModelFile.open(model.SerializeToString()))
    model.graph.output[0].ClearField("type")
    parse_model(ModelFile.open(model.SerializeToString()))


@pytest.fixture
def with_data(tmp_path: Path, model_of: ModelOf) -> Path:
    """Give a model whose 4 MB of weights lie in a data file beside it."""
    model = model_of("(float[1024] x) => (float[1024] y) { y = MatMul (x, w) }")
    weight = np.ones((1024, 1024), dtype=np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(weight, "w"))
    path = tmp_path / "model.onnx"
    onnx.save_model(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    return path


def test_weights_beside_the_model_are_checked_and_not_read(with_data: Path) -> None:
    """A matrix of the wrong sizes is found although its numbers are never loaded."""
    file = ModelFile.open(with_data)
    model = parse_model(file)
    assert model.graph.initializer[0].data_location == TensorProto.EXTERNAL
    assert not model.graph.initializer[0].raw_data
    assert external_locations(model) == ("w.bin",)
    model.graph.initializer[0].dims[:] = [512, 2048]
    with_data.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="disagree"):
        parse_model(ModelFile.open(with_data))


@pytest.mark.parametrize(
    ("data_type", "field", "num_entries"),
    [
        (TensorProto.INT4, "int32_data", 3),
        (TensorProto.FLOAT16, "int32_data", 5),
        (TensorProto.COMPLEX64, "float_data", 10),
        (TensorProto.BOOL, "int32_data", 5),
        (TensorProto.UINT64, "uint64_data", 5),
    ],
)
def test_lists_of_numbers_are_counted_as_their_type_asks(
    model_of: ModelOf, data_type: int, field: str, num_entries: int
) -> None:
    """Small types are packed and complex ones are pairs; one entry less is damage."""
    tensor = TensorProto(name="w", dims=[5], data_type=data_type)
    getattr(tensor, field).extend([0] * num_entries)
    model = model_of("(float[4] x) => (float[4] y) { y = Relu (x) }")
    model.graph.initializer.append(tensor)
    parse_model(ModelFile.open(model.SerializeToString()), full_check=False)
    del getattr(model.graph.initializer[0], field)[0]
    with pytest.raises(ModelError, match="do not agree"):
        parse_model(ModelFile.open(model.SerializeToString()), full_check=False)


@pytest.mark.parametrize("place", ["location", "domain", "name"])
def test_names_that_are_no_text_are_refused(with_data: Path, place: str) -> None:
    """The wire format lets any bytes stand for a name; a typed error comes of them."""
    model = parse_model(ModelFile.open(with_data))
    model.graph.node[0].domain = "domain"
    model.graph.initializer[0].external_data.add(key="name", value="name")
    content = model.SerializeToString().replace(place.encode(), b"\xff" * len(place))
    with_data.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.onnx"):
        parse_model(ModelFile.open(with_data))


def test_negative_sizes_of_inputs_are_refused(model_of: ModelOf) -> None:
    """-1 is no name for a size that varies."""
    model = model_of("(float[4] x) => (float[4] y) { y = Relu (x) }")
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = -1
    with pytest.raises(ModelError, match=r"input 'x' has sizes \[-1\]"):
        parse_model(ModelFile.open(model.SerializeToString()))


@pytest.mark.skipif(sys.platform == "win32", reason="no such file there")
def test_what_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    """A folder or a device in the model's place is refused by its kind."""
    for path in (tmp_path, Path("/dev/zero")):
        file = ModelFile("model", "0" * 64, str(path))
        with pytest.raises(ModelError, match="not a regular file"):
            parse_model(file)
