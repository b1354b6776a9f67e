"""A model in two plain files: together they are the whole, and each is valid by itself."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from cutpoint.exceptions import FeedError, InvalidCutError, ModelError, UnsafeModelError
from cutpoint.execution import ModelFile, comparison, part_file
from cutpoint.execution.comparison import compare
from cutpoint.execution.original import Original
from cutpoint.execution.split import SplitFiles, split_model
from cutpoint.lab.zoo.text_encoder import text_encoder

Split = Callable[..., SplitFiles]


@pytest.fixture
def split(tmp_path: Path, model_of) -> Split:
    """Give what splits a model, written or made, and checks both files with ONNX's checker."""

    def run(model: str | onnx.ModelProto, *at: str, **settings) -> SplitFiles:
        path = tmp_path / "model.onnx"
        made = model_of(model) if isinstance(model, str) else model
        path.write_bytes(made.SerializeToString())
        found = split_model(ModelFile.open(path), at, tmp_path / "parts", **settings)
        _check(found)
        return found

    return run


def _check(found: SplitFiles) -> None:
    for part in (found.head, found.tail):
        onnx.checker.check_model(str(part.path), full_check=True)


def _run(path: Path, values: dict) -> dict:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    feed = {each.name: values[each.name] for each in session.get_inputs()}
    return dict(zip(names, session.run(names, feed), strict=True))


def _chained(found: SplitFiles, feed: dict) -> dict:
    values = {**feed, **_run(found.head.path, feed)}
    return {**values, **_run(found.tail.path, values)}


def _weights(part: part_file.PartFile) -> set[str]:
    model = onnx.load(part.path, load_external_data=False)
    return {weight.name for weight in model.graph.initializer}


def _dimensions(value: onnx.ValueInfoProto) -> list:
    return [each.dim_value or each.dim_param for each in value.type.tensor_type.shape.dim]


TWO = """(float[batch, 4] x) => (float[batch, 4] y, float[batch, 4] early)
    <float[4, 4] w = {1,2,3,4, 5,6,7,8, 9,1,2,3, 4,5,6,7}, float[4] tied = {1,2,3,4}> {
    a = MatMul (x, w)
    early = Neg (a)
    b = Add (a, tied)
    c = Relu (b)
    y = Mul (c, tied)
}"""


def test_a_model_with_open_dimensions_splits_at_several_values(tmp_path: Path) -> None:
    """A text encoder: both files run at any size, and together give the whole's answer."""
    path = tmp_path / "encoder.onnx"
    onnx.save(text_encoder(num_layers=2, features=32), path)
    at = ("mask_bias", "layer0.norm")
    found = split_model(ModelFile.open(path), at, tmp_path)
    _check(found)
    assert found.crossing == ("layer0.norm", "mask_bias")
    assert found.comparison is not None
    assert found.comparison.largest_difference == 0
    assert dict(found.comparison.sizes) == {"batch": 2, "length": 2}
    assert found.head.inputs == ("tokens", "mask")
    assert set(found.head.outputs) == set(found.tail.inputs) == set(at)
    assert found.tail.outputs == ("labels",)
    head = onnx.load(found.head.path)
    assert [_dimensions(value) for value in head.graph.input] == [["batch", "length"]] * 2
    for length in (1, 7):
        tokens = np.random.default_rng(length).integers(0, 2000, (3, length))
        feed = {"tokens": tokens, "mask": np.ones_like(tokens)}
        whole = _run(path, feed)["labels"]
        np.testing.assert_allclose(_chained(found, feed)["labels"], whole, rtol=1e-4, atol=1e-5)


def test_each_part_has_the_weights_that_it_needs(split: Split) -> None:
    """A weight of one side is in that file alone; one that both need is in both."""
    found = split(TWO, "b")
    assert _weights(found.head) == {"w", "tied"}
    assert _weights(found.tail) == {"tied"}
    assert found.head.outputs == ("early", "b")
    assert found.tail.outputs == ("y",)
    assert (found.head.num_nodes, found.tail.num_nodes) == (3, 2)
    assert found.head.size_bytes == found.head.path.stat().st_size


def test_what_the_file_says_of_the_model_stays(split: Split, model_of) -> None:
    """Opsets, producer, metadata and doc strings, of nodes too; names that are not there too."""
    model = model_of(TWO)
    model.producer_name, model.producer_version, model.domain = "exporter", "3.1", "org.example"
    model.doc_string, model.graph.doc_string, model.model_version = "all", "the graph", 7
    model.metadata_props.add(key="author", value="somebody")
    model.graph.metadata_props.add(key="seen", value="once")
    model.opset_import.add(domain="com.example", version=4)
    model.graph.node[0].doc_string = "the first"
    model.graph.node[0].metadata_props.add(key="line", value="12")
    model.graph.node[3].name = "rectify"
    model.graph.input[0].doc_string = "an image"
    found = split(model, "b")
    for part in (found.head, found.tail):
        read = onnx.load(part.path)
        nodes = {node.output[0]: node for node in model.graph.node}
        assert all(node == nodes[node.output[0]] for node in read.graph.node)
        read.graph.Clear()
        expected = onnx.ModelProto()
        expected.CopyFrom(model)
        expected.graph.Clear()
        assert read == expected
    head = onnx.load(found.head.path).graph
    assert (head.doc_string, head.metadata_props[0].value) == ("the graph", "once")
    assert head.input[0] == model.graph.input[0]


def test_functions_go_where_they_are_called(split: Split) -> None:
    """A function that one side calls, itself or through another, is in that file alone."""
    model = """<ir_version: 8, opset_import: ["" : 17, "own" : 1]>
    model (float[n] x) => (float[n] y) { a = own.outer (x)  b = own.last (a)  y = Abs (b) }
    <domain: "own", opset_import: ["" : 17, "own" : 1]> outer (v) => (r) { r = own.inner (v) }
    <domain: "own", opset_import: ["" : 17]> inner (v) => (r) { r = Neg (v) }
    <domain: "own", opset_import: ["" : 17]> last (v) => (r) { r = Exp (v) }
    """
    found = split(onnx.parser.parse_model(model), "a")
    functions = [
        [function.name for function in onnx.load(part.path).functions]
        for part in (found.head, found.tail)
    ]
    assert functions == [["outer", "inner"], ["last"]]


INSIDE = {
    "if": """(float[3] x, bool on) => (float[3] y) {
        a = Neg (x)
        b = Exp (a)
        y = If (on) <then_branch = yes () => (float[3] t) { t = Add (b, x) },
                     else_branch = no () => (float[3] e) { e = Sub (b, a) }>
    }""",
    "loop": """(float[3] x, int64[1] rounds) => (float[3] y) {
        b = Neg (x)
        go = Constant <value = bool {1}> ()
        y = Loop (rounds, go, x) <body = step (int64 i, bool going, float[3] before)
            => (bool on, float[3] after) { on = Identity (going)  after = Add (before, b) }>
    }""",
    "scan": """(float[3] start, float[5, 3] rows) => (float[3] y, float[5, 3] all) {
        b = Neg (start)
        scaled = Mul (rows, b)
        y, all = Scan <num_scan_inputs = 1, body = step (float[3] sum, float[3] row)
            => (float[3] next, float[3] out) { next = Add (sum, row)  out = Mul (next, b) }>
            (b, scaled)
    }""",
    "text": """<ir_version: 9, opset_import: ["" : 19]> model (string[n] words)
        => (bool[n] y) <string[1] stop = {"7"}> {
        b = Identity (words)
        y = Equal (b, stop)
    }""",
    "random": """(float[3] x) => (float[3] y) {
        b = Neg (x)
        noise = RandomNormal <shape = [3]> ()
        y = Add (b, noise)
    }""",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "at"),
    [("if", ("x", "a", "b")), ("loop", ("b", "rounds", "x")), ("scan", ("b", "scaled")),
     ("text", ("b",))],
)  # fmt: skip
def test_what_a_sub_graph_captures_crosses(split: Split, name: str, at: tuple[str, ...]) -> None:
    """Control flow in the tail takes from the head whatever its branches and bodies use."""
    model = INSIDE[name]
    if name == "if":
        with pytest.raises(InvalidCutError, match="would send"):
            split(model, "b")
        at = (*at, "on")
    found = split(model, *at)
    assert found.comparison is not None
    assert found.comparison.largest_difference == 0
    assert set(found.tail.inputs) == set(at)


def test_random_models_are_not_compared(split: Split) -> None:
    """Two runs differ anyway: that is said and is no error."""
    model = "(float[3] x) => (float[3] y) { b = Neg (x) n = RandomNormalLike (b) y = Add (b, n) }"
    found = split(model, "b")
    assert found.comparison is not None
    assert found.comparison.largest_difference is None
    assert "random" in found.comparison.why_not


def test_a_model_without_inputs_can_be_split(split: Split) -> None:
    """Its head takes nothing; what depends on weights alone crosses like any value."""
    found = split(
        """() => (float[4] y) <float[4] w = {1, 2, 3, 4}, float[4] v = {5, 6, 7, 8}> {
            a = Neg (w)
            b = Exp (a)
            turned = Abs (v)
            y = Mul (b, turned)
        }""",
        "b",
    )
    assert (found.head.inputs, found.tail.inputs) == ((), ("b",))
    assert _weights(found.tail) == {"v"}
    assert found.comparison is not None
    assert found.comparison.largest_difference == 0


SEQUENCE = """(seq(float[2]) parts, float[2] x) => (float[m] y) {
    joined = ConcatFromSequence <axis = 0> (parts)
    b = Neg (joined)
    doubled = SequenceInsert (parts, x)
    c = ConcatFromSequence <axis = 0> (doubled)
    d = Abs (c)
    y = Concat <axis = 0> (b, d)
}"""


def test_sequences_stay_on_their_side(split: Split) -> None:
    """A model that takes a sequence is split where tensors cross, and says it made none up."""
    found = split(SEQUENCE, "joined", "c")
    assert found.head.inputs == ("parts", "x")
    assert found.comparison is not None
    assert "no tensors" in found.comparison.why_not
    parts = [np.array([1, -2], np.float32), np.array([3, 4], np.float32)]
    feed = {"parts": parts, "x": np.array([5, -6], np.float32)}
    whole = _run(found.head.path.parent.parent / "model.onnx", feed)
    np.testing.assert_array_equal(_chained(found, feed)["y"], whole["y"])


@pytest.mark.parametrize(
    ("model", "at", "words"),
    [
        (SEQUENCE, ("joined", "doubled"), "'doubled' of 'model' is of kind sequence"),
        (TWO, ("w",), "'w' is a weight of 'model'"),
        (TWO, ("nothing",), "'nothing' is not a computed value"),
        (TWO, ("x",), "nothing of 'model' is computed before"),
        (TWO, ("y",), "would send"),
        (INSIDE["if"], ("t",), "'t' is made inside graph 'yes'"),
        (INSIDE["random"], ("b",), "would send ['b', 'noise']"),
        ("(float[2] x) => (float[2] y) { c = Constant <value_floats = [1.0, 2.0]> () "
         "d = Neg (c)  y = Add (x, d) }", ("d",), "'d' of 'model' depends on weights alone"),
    ],
)  # fmt: skip
def test_what_cannot_cross_is_named(
    split: Split, tmp_path: Path, model: str, at: tuple[str, ...], words: str
) -> None:
    """Each refusal says what and why; nothing is written."""
    with pytest.raises(InvalidCutError) as refused:
        split(model, *at)
    assert words in str(refused.value)
    assert not (tmp_path / "parts").exists()


UNKNOWN_TYPE = """<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>
model (float[n, 4] x, int64[2] shape) => (float[p, q] y) {
    a = com.microsoft.FastGelu (x)
    b = com.microsoft.QuickGelu (a)
    c = Reshape (b, shape)
    y = Neg (c)
}"""


def test_types_that_only_a_run_shows_are_seen(split: Split) -> None:
    """Behind an operator that ONNX does not know the runtime tells, if the inputs suit it."""
    model = onnx.parser.parse_model(UNKNOWN_TYPE)
    feed = {"x": np.ones((3, 4), np.float32), "shape": np.array([6, 2])}
    found = split(model, "a", "shape", feed=feed)
    crossing = onnx.load(found.tail.path).graph.input[0]
    assert crossing.name == "a"
    assert crossing.type.tensor_type.elem_type == TensorProto.FLOAT
    assert len(crossing.type.tensor_type.shape.dim) == 2
    assert found.comparison is not None
    assert found.comparison.largest_difference == 0


def test_a_type_that_nobody_knows_is_said(split: Split) -> None:
    """Made-up inputs do not suit this model: which value, and that inputs would help."""
    model = onnx.parser.parse_model(UNKNOWN_TYPE)
    with pytest.raises(InvalidCutError, match=r"what 'a' of 'model' is, nobody knows .* give inp"):
        split(model, "a", "shape")


def test_made_up_inputs_that_do_not_suit_are_no_error(split: Split) -> None:
    """The files are written, and it is said that nothing was compared; given inputs must suit."""
    model = """(float[n, 4] x, int64[2] shape) => (float[p, q] y)
        { a = Neg (x)  c = Reshape (a, shape)  y = Abs (c) }"""
    found = split(model, "a", "shape")
    assert found.comparison is not None
    assert found.comparison.largest_difference is None
    assert "made-up inputs do not suit it" in found.comparison.why_not
    feed = {"x": np.ones((3, 4), np.float32), "shape": np.array([6, 2])}
    compared = split(model, "a", "shape", feed=feed, overwrite=True).comparison
    assert compared is not None
    assert (compared.largest_difference, dict(compared.sizes)) == (0, {"n": 3})
    with pytest.raises(FeedError, match="does not run on these inputs"):
        split(model, "a", "shape", feed={**feed, "shape": np.array([5, 2])}, overwrite=True)


def test_parts_that_compute_something_else_are_an_error(
    split: Split, tmp_path: Path, model_of
) -> None:
    """A tail that is another one is found out, by value and by shape."""
    found = split(TWO, "b")
    original = Original(ModelFile.open(tmp_path / "model.onnx"))
    parts = [found.head.path, found.tail.path]
    assert compare(original, parts).largest_difference == 0
    tail = onnx.load(found.tail.path)
    for operator in ("Sub", "Add"):
        tail.graph.node[1].op_type = operator
        onnx.save(tail, found.tail.path)
        with pytest.raises(ModelError, match="output 'y' of the parts of 'model' differs"):
            compare(original, parts)
    tail.graph.node[1].op_type = "Nothing"
    onnx.save(tail, found.tail.path)
    with pytest.raises(ModelError, match=r"tail.onnx of 'model' does not run"):
        compare(original, parts)


@pytest.mark.parametrize(
    ("wanted", "given", "difference"),
    [
        (np.array([1.0, -4.0]), np.array([1.0, -3.0]), 0.25),
        (np.array([np.nan, np.inf, 2.0]), np.array([np.nan, np.inf, 2.0]), 0),
        (np.array([np.nan, 2.0]), np.array([1.0, 2.0]), np.inf),
        (np.array([1, 2, 3, 4]), np.array([1, 2, 3, 5]), 0.25),
        (np.array(["a", "b"], object), np.array(["a", "c"], object), 0.5),
        (np.zeros(2), np.zeros(3), np.inf),
        (np.zeros(2, np.float32), np.zeros(2), np.inf),
        (np.zeros(0), np.zeros(0), 0),
        ([np.zeros(2), np.ones(1)], [np.zeros(2), np.ones(1)], 0),
        ([np.zeros(2)], [], np.inf),
        (None, None, 0),
        (None, np.zeros(1), np.inf),
    ],
)
def test_a_difference_is_a_share_of_the_largest_element(wanted, given, difference) -> None:
    """Of numbers; of anything else the share of elements that differ; other kinds never agree."""
    assert comparison.difference_of(wanted, given) == difference


def test_files_are_replaced_only_if_that_is_wanted(split: Split, tmp_path: Path) -> None:
    """Files of before stay as they are without it; with it no data file of theirs is left."""
    first = split(TWO, "b")
    before = first.head.path.read_bytes()
    with pytest.raises(FileExistsError, match=r"head\.onnx is there already"):
        split(TWO, "c")
    assert first.head.path.read_bytes() == before
    (tmp_path / "parts" / "head.onnx.data").write_bytes(b"of an older split")
    second = split(TWO, "c", overwrite=True)
    assert second.head.outputs == ("early", "c")
    names = {path.name for path in (tmp_path / "parts").iterdir()}
    assert names == {"head.onnx", "tail.onnx"}


def test_nothing_is_compared_if_that_is_not_wanted(split: Split) -> None:
    """Without a run there is no comparison to tell of."""
    assert split(TWO, "b", verify=False).comparison is None


def test_bytes_can_be_split_too(tmp_path: Path, model_of) -> None:
    """A model in memory needs no file."""
    file = ModelFile.open(model_of(TWO).SerializeToString())
    found = split_model(file, ["c"], tmp_path)
    _check(found)
    assert found.comparison is not None
    assert found.comparison.largest_difference == 0


def _deep(num_layers: int, features: int) -> onnx.ModelProto:
    rng = np.random.default_rng(3)
    nodes, weights, x = [], [], "x"
    for i in range(num_layers):
        weight = rng.standard_normal((features, features), dtype=np.float32) / features
        weights.append(numpy_helper.from_array(weight, f"w{i}"))
        nodes.append(helper.make_node("MatMul", [x, f"w{i}"], [f"h{i}"]))
        x = f"h{i}"
    nodes.append(helper.make_node("Add", [x, "w0"], ["y"]))
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [features, features])
        for name in ("x", "y")
    ]
    graph = helper.make_graph(nodes, "deep", ends[:1], ends[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_data_files_stay_data_files(tmp_path: Path) -> None:
    """Each part's has its own weights alone; a tensor two names share is in it once."""
    model = _deep(6, 64)
    path = tmp_path / "deep.onnx"
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    shared = onnx.load(path, load_external_data=False)
    del shared.graph.initializer[1].external_data[:]
    shared.graph.initializer[1].external_data.extend(shared.graph.initializer[0].external_data)
    path.write_bytes(shared.SerializeToString())
    found = split_model(ModelFile.open(path), ["h3"], tmp_path / "parts")
    _check(found)
    assert found.comparison is not None
    assert found.comparison.largest_difference == 0
    assert (found.head.data, found.tail.data) == (
        tmp_path / "parts" / "head.onnx.data",
        tmp_path / "parts" / "tail.onnx.data",
    )
    assert found.head.data.stat().st_size == 3 * 64 * 64 * 4
    assert found.tail.data.stat().st_size == 3 * 64 * 64 * 4
    assert _weights(found.tail) == {"w0", "w4", "w5"}
    assert found.head.size_bytes == found.head.data.stat().st_size + found.head.path.stat().st_size
    (tmp_path / "weights.bin").write_bytes(b"short")
    with pytest.raises(ModelError, match=r"are not there: copy or export it again"):
        split_model(ModelFile.open(path), ["h3"], tmp_path / "other")


@pytest.mark.parametrize("location", ["/etc/passwd", "../secret", "a/../../secret"])
def test_data_files_elsewhere_are_not_read(tmp_path: Path, location: str) -> None:
    """A model cannot make a split copy files from outside its folder."""
    model = _deep(1, 64)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(UnsafeModelError, match="is not in the model's folder"):
        split_model(ModelFile.open(tmp_path / "model.onnx"), ["h0"], tmp_path / "parts")


def test_what_no_model_file_holds_gets_a_data_file(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above the limit of a protobuf message weights lie beside, whatever the model did."""
    monkeypatch.setattr(part_file, "_MOST_BYTES", 3 * 64 * 64 * 4)
    found = split(_deep(6, 64), "h3")
    assert found.head.data is not None
    assert found.tail.data is not None
    assert found.tail.path.stat().st_size < 4096


def test_weights_do_not_go_through_memory(tmp_path: Path) -> None:
    """Splitting 128 MB of weights takes a small part of that, inline as in a data file."""
    num_bytes = 128 << 20
    model = _deep(1, 8)
    big = model.graph.initializer.add(name="big", data_type=TensorProto.FLOAT)
    big.dims.extend([num_bytes // 32, 8])
    big.raw_data = bytes(num_bytes)
    model.graph.node.insert(0, helper.make_node("MatMul", ["big", "x"], ["product"]))
    model.graph.node.insert(1, helper.make_node("ReduceMax", ["product"], ["m"], keepdims=0))
    model.graph.node.insert(2, helper.make_node("Add", ["x", "m"], ["moved"]))
    model.graph.node[3].input[0] = "moved"
    (tmp_path / "inline.onnx").write_bytes(model.SerializeToString())
    onnx.save(model, tmp_path / "apart.onnx", save_as_external_data=True, location="big.bin")
    program = """
import resource, sys
from cutpoint.execution import ModelFile
from cutpoint.execution.split import split_model
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
file, before = ModelFile.open(sys.argv[1]), peak()
split_model(file, ["moved"], sys.argv[2], verify=False)
print(peak() - before)
"""
    for name in ("inline", "apart"):
        arguments = [str(tmp_path / f"{name}.onnx"), str(tmp_path / name)]
        told = subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
        )
        assert int(told.stdout) < num_bytes / 1024 / 4
        assert (tmp_path / name / "tail.onnx").stat().st_size < 1 << 20


def test_sparse_weights_and_weights_listed_as_inputs_stay_what_they_are(
    tmp_path: Path, model_of
) -> None:
    """A caller may still replace what the file lets callers replace."""
    model = model_of(TWO)
    values = numpy_helper.from_array(np.array([5.0], np.float32), "sparse")
    indices = numpy_helper.from_array(np.array([2]), "indices")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [4]))
    model.graph.node[3].CopyFrom(helper.make_node("Max", ["b", "sparse"], ["c"]))
    model.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [4, 4]))
    # ONNX's full check knows no operator that takes sparse weights, ONNX Runtime does.
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    found = split_model(ModelFile.open(tmp_path / "model.onnx"), ["b"], tmp_path)
    head, tail = onnx.load(found.head.path), onnx.load(found.tail.path)
    assert [value.name for value in head.graph.input] == ["x", "w"]
    assert found.head.inputs == ("x",)
    assert [each.values.name for each in tail.graph.sparse_initializer] == ["sparse"]
    assert not head.graph.sparse_initializer
    assert found.comparison is not None
    assert found.comparison.largest_difference == 0


def test_nodes_out_of_order_are_put_in_order(split: Split, model_of) -> None:
    """ONNX Runtime takes such files; the parts are valid all the same."""
    model = model_of(TWO)
    nodes = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    found = split(model, "b")
    assert [node.op_type for node in onnx.load(found.tail.path).graph.node] == ["Relu", "Mul"]


def test_outputs_that_no_node_of_a_side_makes_are_there(split: Split) -> None:
    """An input that is an output stays with the head, a weight that is one goes with the rest."""
    found = split(
        """(float[2] x, float[2] unused) => (float[2] x, float[2] w, float[2] b, float[2] y)
        <float[2] w = {3, 4}> { a = Neg (x)  b = Exp (a)  y = Add (b, w) }""",
        "b",
    )
    assert found.head.inputs == ("x", "unused")
    assert set(found.head.outputs) == {"x", "b"}
    assert set(found.tail.outputs) == {"w", "y"}
    assert found.comparison is not None
    assert found.comparison.largest_difference == 0


def test_an_optional_input_stays_what_it_is(split: Split) -> None:
    """Its type is in the part that takes it; nobody makes one up."""
    found = split(
        """(optional(float[2]) maybe) => (float[2] y) {
            a = OptionalGetElement (maybe)
            b = Neg (a)
            y = Exp (b)
        }""",
        "b",
    )
    taken = onnx.load(found.head.path).graph.input[0]
    assert taken.type.WhichOneof("value") == "optional_type"
    assert found.comparison is not None
    assert "no tensors" in found.comparison.why_not


def test_a_part_can_be_split_again(split: Split, tmp_path: Path) -> None:
    """Into a folder of its own: what is split is never written over."""
    first = split(TWO, "b")
    second = split_model(ModelFile.open(first.head.path), ["a"], tmp_path / "again")
    _check(second)
    assert second.head.outputs == ("a",)
    assert set(second.tail.outputs) == {"early", "b"}


def test_a_bfloat16_value_crosses(split: Split) -> None:
    """Types that NumPy lacks go from the head to the tail as they are."""
    found = split(
        """(float[4] x) => (float[4] y) {
            a = Neg (x)
            b = Cast <to = 16> (a)
            y = Cast <to = 1> (b)
        }""",
        "b",
    )
    crossing = onnx.load(found.tail.path).graph.input[0]
    assert crossing.type.tensor_type.elem_type == TensorProto.BFLOAT16
    assert found.comparison is not None
    assert found.comparison.largest_difference == 0


def test_an_operator_that_nobody_has_is_an_error_only_where_its_type_is_needed(
    split: Split,
) -> None:
    """What ONNX knows can be split around it; what only a run shows needs its library."""
    model = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 17, "own" : 1]>
    model (float[4] x) => (float[4] y) { a = Neg (x)  b = own.Secret (a)  c = Exp (b)  y = Abs (c) }
    """)
    found = split(model, "a")
    assert found.comparison is not None
    assert "cannot load the whole model" in found.comparison.why_not
    with pytest.raises(ModelError, match=r"what \['b'\] of 'model' are, only a run shows"):
        split(model, "b", overwrite=True)


def test_a_circle_is_no_model(tmp_path: Path, model_of) -> None:
    """Nodes that need each other are refused when the file is read."""
    model = model_of("(float[2] x) => (float[2] y) { a = Add (x, x)  y = Neg (a) }")
    model.graph.node[0].input[1] = "y"
    path = tmp_path / "circle.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="goes round in a circle"):
        split_model(ModelFile.open(path), ["a"], tmp_path)


def test_a_model_is_never_written_over(tmp_path: Path, model_of) -> None:
    """Not even when files may be replaced: the model would be gone."""
    model = model_of("(float[1,4] x) => (float[1,4] y) { a = Relu(x) y = Neg(a) }")
    path = tmp_path / "head.onnx"
    onnx.save(model, path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match=r"head\.onnx is the model itself"):
        split_model(ModelFile.open(path), ["a"], tmp_path, overwrite=True)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["head.onnx"]
