"""Two files with a codec between them: standard typed tensors cross, and each file is valid."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from onnx import TensorProto, helper

from cutpoint.exceptions import CodecError, InvalidCutError, ModelError
from cutpoint.execution import ModelFile, typed_nodes
from cutpoint.execution.split import SplitFiles, split_model
from cutpoint.execution.typed_nodes import TypedNodes
from cutpoint.lab.zoo.text_encoder import text_encoder

Split = Callable[..., SplitFiles]

UINT8 = ("b.uint8", "b.uint8.scale", "b.uint8.zero_point")
TWO = """(float[n, 4] x, int64[n] rows) => (float[n, 4] y, float[n, 4] b) {
    a = Neg (x)
    b = Tanh (a)
    at = Abs (rows)
    c = Gather (b, at)
    y = Exp (c)
}"""


@pytest.fixture
def split(tmp_path: Path, model_of) -> Split:
    """Give what splits a model, written or made, and checks both files with ONNX's checker."""

    def run(model: str | onnx.ModelProto, codec: str, *at: str, **settings: Any) -> SplitFiles:
        made = model_of(model) if isinstance(model, str) else model
        (tmp_path / "model.onnx").write_bytes(made.SerializeToString())
        file = ModelFile.open(tmp_path / "model.onnx")
        found = split_model(file, at, tmp_path / "parts", codec=codec, **settings)
        for part in (found.head, found.tail):
            onnx.checker.check_model(str(part.path), full_check=True)
        return found

    return run


def _session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def _run(path: Path, values: dict) -> dict:
    session = _session(path)
    names = [each.name for each in session.get_outputs()]
    feed = {each.name: values[each.name] for each in session.get_inputs()}
    return dict(zip(names, session.run(names, feed), strict=True))


def _types(values: Any) -> dict[str, int]:
    return {value.name: value.type.tensor_type.elem_type for value in values}


@pytest.mark.parametrize(("codec", "most"), [("uint8", 0.05), ("float16", 2e-3)])
def test_a_model_of_open_sizes_at_several_values(tmp_path: Path, codec: str, most: float) -> None:
    """Both files run at any size in ONNX Runtime; the answer is off by what the codec loses."""
    path = tmp_path / "encoder.onnx"
    onnx.save(text_encoder(num_layers=2, features=32), path)
    at = ("layer0.norm", "mask_bias")
    found = split_model(ModelFile.open(path), at, tmp_path, codec=codec)
    assert found.crossing == at
    assert found.comparison is not None
    assert found.comparison.largest_difference == 0
    assert 0 < found.comparison.coded_difference < most
    assert found.head.outputs == found.tail.inputs
    head = onnx.load(found.head.path).graph
    assert head.output[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    for length in (1, 7):
        tokens = np.random.default_rng(length).integers(0, 2000, (3, length))
        feed = {"tokens": tokens, "mask": np.ones_like(tokens)}
        whole = _run(path, feed)["labels"]
        parts = _run(found.tail.path, _run(found.head.path, feed))["labels"]
        np.testing.assert_allclose(parts, whole, atol=most * np.abs(whole).max())


def test_what_crosses_are_standard_typed_tensors(split: Split) -> None:
    """UINT8 with scale and zero point beside it; whole numbers as they are, outputs too."""
    found = split(TWO, "uint8", "b", "at")
    head, tail = onnx.load(found.head.path).graph, onnx.load(found.tail.path).graph
    wanted = dict.fromkeys(UINT8, TensorProto.UINT8) | {"b.uint8.scale": TensorProto.FLOAT}
    assert _types(tail.input) == {"at": TensorProto.INT64, **wanted}
    assert _types(head.output) == {"b": TensorProto.FLOAT, **_types(tail.input)}
    assert head.node[-3].op_type == "DynamicQuantizeLinear"
    assert "DequantizeLinear" in [node.op_type for node in tail.node]
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in tail.input}
    assert shapes["b.uint8.scale"] == shapes["b.uint8.zero_point"] == [1]
    halves = split(TWO, "float16", "b", "at", overwrite=True)
    tail = onnx.load(halves.tail.path).graph
    assert _types(tail.input) == {"at": TensorProto.INT64, "b.float16": TensorProto.FLOAT16}
    assert tail.node[0].op_type == "Cast"


def test_an_input_of_the_model_that_crosses_is_encoded_by_the_head(split: Split) -> None:
    """The head takes it though nothing in it needs it: the tail's caller has only the tensors."""
    found = split(
        "(float[4] x, float[4] z) => (float[4] y) { a = Neg (x)  b = Tanh (a)  y = Add (b, z) }",
        "uint8", "b", "z",
    )  # fmt: skip
    assert found.head.inputs == ("x", "z")
    assert found.tail.inputs == (*UINT8, *(name.replace("b.", "z.", 1) for name in UINT8))
    assert found.comparison is not None
    assert found.comparison.coded_difference < 0.02


def _both(codec: str, dtype: int, opset: int) -> tuple[Any, Any]:
    """Give sessions of a head that only encodes and a tail that only decodes."""
    encoding = TypedNodes("v", dtype, codec, opset).encode()
    decoding = TypedNodes("v", dtype, codec, opset).decode()
    outputs = {
        "uint8": {"v.uint8": (2, "n"), "v.uint8.scale": (1,), "v.uint8.zero_point": (1,)},
        "float16": {"v.float16": (2, "n")},
    }[codec]
    types = {"v.uint8.scale": TensorProto.FLOAT, "v.float16": TensorProto.FLOAT16}
    make = helper.make_tensor_value_info
    sent = [make(name, types.get(name, TensorProto.UINT8), s) for name, s in outputs.items()]
    value = make("v", dtype, (2, "n"))
    opsets = [helper.make_opsetid("", opset)]
    sessions = []
    for nodes, taken, made in ((encoding, [value], sent), (decoding, sent, [value])):
        graph = helper.make_graph(nodes.nodes, "part", taken, made, nodes.weights)
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        sessions.append(onnxruntime.InferenceSession(model.SerializeToString()))
    return sessions[0], sessions[1]


def _through(sessions: tuple[Any, Any], array: NDArray[Any]) -> tuple[dict, NDArray[Any]]:
    head, tail = sessions
    sent = dict(
        zip([o.name for o in head.get_outputs()], head.run(None, {"v": array}), strict=True)
    )
    return sent, tail.run(None, sent)[0]


OPSETS = (8, 9, 10, 11, 12, 13, 17, 21)
QUANTISING = {opset: _both("uint8", TensorProto.FLOAT, opset) for opset in OPSETS}
HALVING = {opset: _both("float16", TensorProto.FLOAT, opset) for opset in (7, *OPSETS)}

numbers = arrays.arrays(
    np.float32,
    st.tuples(st.just(2), st.integers(1, 9)),
    elements=st.one_of(
        st.floats(-1e6, 1e6, width=32), st.floats(-(2.0**-20), 2.0**-20, width=32), st.just(0.0)
    ),
)


@settings(max_examples=40)
@given(array=numbers, opset=st.sampled_from(OPSETS))
def test_uint8_is_off_by_half_a_step_in_every_operator_set(array, opset) -> None:
    """Where an operator set has no operator for it, it is spelled out; zero stays zero."""
    sent, found = _through(QUANTISING[opset], array)
    scale = float(sent["v.uint8.scale"][0])
    reach = float(np.abs(array).max())
    assert np.abs(found - array).max() <= 0.5 * scale + 1e-5 * reach + 1e-36
    assert not found[array == 0].any()
    assert scale <= max(2 * reach / 255 * (1 + 1e-5), 1)


@settings(max_examples=40)
@given(array=numbers, opset=st.sampled_from(tuple(HALVING)))
def test_float16_rounds_and_stays_finite_in_every_operator_set(array, opset) -> None:
    """What is too large for it saturates: no infinity reaches the tail."""
    _, found = _through(HALVING[opset], array)
    wanted = np.clip(array, -65504, 65504)
    assert np.all(np.abs(found - wanted) <= np.abs(wanted) * 2.0**-11 + 2.0**-25)


@pytest.mark.parametrize(
    ("codec", "dtype"),
    [("uint8", "DOUBLE"), ("uint8", "FLOAT16"), ("uint8", "BFLOAT16"), ("float16", "DOUBLE")],
)
def test_values_of_other_types_come_back_in_their_own(split: Split, codec: str, dtype: str) -> None:
    """They are encoded as float32 and cast back behind it."""
    type_ = getattr(TensorProto, dtype)
    nodes = [
        helper.make_node("Cast", ["x"], ["b"], to=type_),
        helper.make_node("Cast", ["b"], ["y"], to=TensorProto.FLOAT),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (2, 8)) for name in "xy"]
    model = helper.make_model(
        helper.make_graph(nodes, "types", ends[:1], ends[1:]),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8,
    )  # fmt: skip
    found = split(model, codec, "b")
    assert found.comparison is not None
    assert found.comparison.coded_difference < 0.01


def test_weights_in_a_data_file(tmp_path: Path) -> None:
    """Parts with a codec have data files where the model has one, and no other files stay."""
    path = tmp_path / "encoder.onnx"
    onnx.save(text_encoder(num_layers=1, features=32), path, save_as_external_data=True,
              location="encoder.bin")  # fmt: skip
    at = ("embedding.norm", "mask_bias")
    found = split_model(ModelFile.open(path), at, tmp_path / "parts", codec="uint8")
    assert found.comparison is not None
    assert 0 < found.comparison.coded_difference < 0.05
    written = {each.name for each in (tmp_path / "parts").iterdir()}
    assert written == {"head.onnx", "head.onnx.data", "tail.onnx", "tail.onnx.data"}


@pytest.mark.parametrize(
    ("codec", "at", "kind", "words"),
    [
        ("uint4", ("b", "at"), CodecError, "no operator of ONNX undoes codec 'uint4'"),
        ("uint8", ("at", "c"), InvalidCutError, "would send"),
        ("uint8", ("nope",), InvalidCutError, "'nope' is not a computed value"),
    ],
)
def test_what_is_no_codec_or_no_cut_is_told(split: Split, codec, at, kind, words) -> None:
    """A typed error before anything is written."""
    with pytest.raises(kind, match=words):
        split(TWO, codec, *at)


def test_a_cut_of_whole_numbers_has_nothing_to_encode(split: Split) -> None:
    """The error tells the types."""
    model = "(int64[4] x) => (int64[4] y) { b = Neg (x)  y = Abs (b) }"
    with pytest.raises(InvalidCutError, match=r"encodes nothing that crosses .* 'b' is int64"):
        split(model, "float16", "b")


@pytest.mark.parametrize(("codec", "opset"), [("uint8", 7), ("float16", 5)])
def test_a_model_too_old_for_a_codec_is_told(split: Split, codec: str, opset: int) -> None:
    """With what to do."""
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {opset}]> model '
        "(float[4] x) => (float[4] y) { b = Neg (x)  y = Abs (b) }"
    )
    with pytest.raises(CodecError, match=f"operator set {opset} and.*version_converter"):
        split(model, codec, "b")


def test_a_name_that_is_taken_is_told(split: Split) -> None:
    """Even inside a branch, where ONNX allows it only once."""
    model = """(float[4] x, bool on) => (float[4] y) <float[4] w = {1, 2, 3, 4}> {
        b = Neg (x)
        y = If (on) <
            then_branch = yes () => (float[4] t) { scale = Add (b, w)  t = Neg (scale) },
            else_branch = no () => (float[4] e) { e = Sub (b, w) }>
    }"""
    renamed = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> model {model}')
    branch = renamed.graph.node[1].attribute[0].g
    branch.node[0].output[0] = branch.node[1].input[0] = "b.uint8.scale"
    with pytest.raises(InvalidCutError, match=r"'b\.uint8\.scale' of 'model' is what a tensor"):
        split(renamed, "uint8", "b", "on")
    assert split(renamed, "float16", "b", "on").tail.inputs == ("b.float16", "on")


def test_what_is_no_number_cannot_be_told_right(split: Split, tmp_path: Path) -> None:
    """A value that is infinite on the inputs it is tried with: nothing is written."""
    model = "(float[4] x) => (float[4] y) { b = Log (x)  y = Exp (b) }"
    feed = {"x": np.zeros(4, np.float32)}
    with pytest.raises(ModelError, match="no finite numbers"):
        split(model, "uint8", "b", feed=feed)
    assert not list((tmp_path / "parts").iterdir())
    assert split(model, "float16", "b", feed=feed).comparison.largest_difference == 0
    with pytest.raises(ModelError, match="no finite numbers"):
        split(model, "float16", "b", feed={"x": -np.ones(4, np.float32)}, overwrite=True)


@pytest.mark.parametrize("side", ["encode", "decode"])
def test_a_part_that_codes_wrongly_is_caught(
    split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    """The comparison bounds what the codec may lose, so a mistake in either part is seen."""
    real = getattr(TypedNodes, side)

    def wrong(nodes: TypedNodes) -> TypedNodes:
        made = real(nodes)
        if side == "encode":  # half of the scale
            made.nodes[-2].input[0] = made.nodes[-1].input[0] + ".half"
            made.nodes.insert(1, helper.make_node(
                "Cast", [f"{UINT8[2]}.scalar"], [made.nodes[-2].input[0]], to=TensorProto.FLOAT
            ))  # fmt: skip
        else:  # no zero point
            del made.nodes[-1].input[2]
        return made

    monkeypatch.setattr(TypedNodes, side, wrong)
    with pytest.raises(
        ModelError, match=r"comes out of uint8 wrong|differs from that of the whole"
    ):
        split(TWO, "uint8", "b", "at")
    assert not list((tmp_path / "parts").iterdir())


def test_without_a_comparison_the_parts_are_written_once(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is run, and nothing told of a difference."""
    monkeypatch.setattr(typed_nodes, "_LARGEST_HALF", 0.0)  # wrong, which nobody looks at
    found = split(TWO, "float16", "b", "at", verify=False)
    assert found.comparison is None
    assert found.tail.inputs == ("at", "b.float16")


def test_a_model_that_made_up_inputs_do_not_suit(split: Split) -> None:
    """It is split, and why nothing was compared is told."""
    found = split(
        "(float[n, 4] x, int64[2] shape) => (float[p, q] y) "
        "{ a = Neg (x)  b = Reshape (a, shape)  y = Abs (b) }",
        "uint8", "a", "shape",
    )  # fmt: skip
    assert found.comparison is not None
    assert "made-up inputs do not suit" in found.comparison.why_not
    assert found.comparison.coded_difference is None
