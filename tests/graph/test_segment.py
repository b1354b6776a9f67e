import hashlib
from collections.abc import Callable

import onnx
import onnx_ir as ir
import pytest

from cutpoint.exceptions import InvalidCutError
from cutpoint.graph import (
    Graph,
    Segment,
    Trial,
    cut_at,
    device_only,
    extract,
    graph_from_model,
    segments_in,
    segments_of,
    server_only,
    with_trial,
)

Read = Callable[..., Graph]


def boundaries(graph: Graph, *crossings: list[str]) -> list[tuple[tuple[str, ...], ...]]:
    """Give inputs and outputs of the segments between cuts."""
    cuts = [cut_at(graph, crossing) for crossing in crossings]
    return [(segment.inputs, segment.outputs) for segment in segments_of(graph, cuts)]


def test_without_cuts_the_model_is_one_segment(two_inputs_two_outputs: Graph) -> None:
    """No cut, or only the two ends, leave the model in one piece."""
    whole = [(("x", "z"), ("y", "w"))]
    ends = device_only(two_inputs_two_outputs), server_only(two_inputs_two_outputs)
    assert whole == boundaries(two_inputs_two_outputs)
    assert segments_of(two_inputs_two_outputs, ()) == segments_of(two_inputs_two_outputs, ends)


def test_nested_cuts_give_a_chain(chain: Graph) -> None:
    """Two cuts of a chain, in any order, are three segments in the order they run."""
    expected = [(("x",), ("a",)), (("a",), ("c",)), (("c",), ("y",))]
    assert expected == boundaries(chain, ["c"], ["a"])


def test_crossing_cuts_refine_each_other(diamond: Graph) -> None:
    """Cuts that run one side of a diamond each give every node between them its own segment."""
    expected = {(("x",), ("a",)), (("a",), ("b",)), (("a",), ("c",)), (("b", "c"), ("y",))}
    assert expected == set(boundaries(diamond, ["a", "b"], ["a", "c"]))


def test_an_output_inside_is_handed_out(output_used: Graph) -> None:
    """A segment gives the model's outputs it makes, and what others need, each once."""
    expected = [(("x",), ("a", "b")), (("b",), ("y",))]
    assert expected == boundaries(output_used, ["b"])


def test_ids_do_not_depend_on_the_order_of_cuts(chain: Graph) -> None:
    """The same cuts in another order give the same segments."""
    cuts = [cut_at(chain, [name]) for name in "abc"]
    assert segments_of(chain, cuts) == segments_of(chain, reversed(cuts))


def test_id_is_a_digest_of_the_boundary(two_inputs_two_outputs: Graph, graph_of: Read) -> None:
    """A segment's id comes from the sorted names it takes and gives: the same on every host."""
    last = segments_of(two_inputs_two_outputs, [cut_at(two_inputs_two_outputs, ["c"])])[-1]
    assert last.id == hashlib.sha256(b"c\n->\nw\ny").hexdigest()[:12]
    swapped = graph_of("(float[4] z, float[4] x) => (float[4] y) { a = Relu(z) y = Sub(a, x) }")
    assert segments_of(swapped, ())[0].id == hashlib.sha256(b"x\nz\n->\ny").hexdigest()[:12]


def test_ids_are_distinct(chain: Graph) -> None:
    """No two segments of a model share an id."""
    segments = segments_of(chain, [cut_at(chain, [name]) for name in "abc"])
    assert len({segment.id for segment in segments}) == len(segments) == 4


def test_what_nobody_needs_is_left_out(graph_of: Read) -> None:
    """Nodes whose results nobody uses are in no segment of their own."""
    graph = graph_of(
        """(float[1,4] x) => (float[1,4] y)
        { a = Relu(x) y = Neg(a) idle = Tanh(x) vain = Exp(idle) }"""
    )
    segments = segments_of(graph, [cut_at(graph, ["a"])])
    assert [segment.outputs for segment in segments] == [("a",), ("y",)]


def test_segments_of_a_head(chain: Graph) -> None:
    """A cut's head is a run of whole segments; the ends have none and all."""
    cuts = [cut_at(chain, ["a"]), cut_at(chain, ["c"])]
    segments = segments_of(chain, cuts)
    assert [segments[:1], segments[:2]] == [segments_in(cut, segments) for cut in cuts]
    assert segments_in(server_only(chain), segments) == ()
    assert segments == segments_in(device_only(chain), segments)


def test_a_cut_through_a_segment_is_refused(chain: Graph) -> None:
    """A cut the segments were not built for names its values and the segment it cuts."""
    segments = segments_of(chain, [cut_at(chain, ["c"])])
    with pytest.raises(InvalidCutError, match=rf"\['a'\] runs through segment {segments[0].id}"):
        segments_in(cut_at(chain, ["a"]), segments)


def test_a_part_is_a_model(two_inputs_two_outputs: Graph) -> None:
    """An extracted part is a valid ONNX model from its inputs to its outputs."""
    graph = two_inputs_two_outputs
    segments = segments_of(graph, [cut_at(graph, ["c"])])
    for segment in segments:
        model = onnx.load_model_from_string(extract(graph, segment))
        onnx.checker.check_model(model, full_check=True)
        assert segment.inputs == tuple(value.name for value in model.graph.input)
        assert segment.outputs == tuple(value.name for value in model.graph.output)
        assert len(model.graph.node) == segment.nodes.bit_count()


def test_a_shared_weight_goes_along_with_both(shared_weight: Graph) -> None:
    """A weight that both sides use is in both parts, and its values are the same."""
    segments = segments_of(shared_weight, [cut_at(shared_weight, ["b"])])
    weights = []
    for segment in segments:
        model = onnx.load_model_from_string(extract(shared_weight, segment))
        weights.append([onnx.numpy_helper.to_array(each) for each in model.graph.initializer])
    assert [each.tolist() for part in weights for each in part] == [[1, 2, 3, 4]] * 2


def test_extracting_leaves_the_graph_as_it_was(shared_weight: Graph) -> None:
    """A part is a copy: extracting again gives the same bytes."""
    segments = segments_of(shared_weight, [cut_at(shared_weight, ["b"])])
    first = [extract(shared_weight, segment) for segment in segments]
    assert first == [extract(shared_weight, segment) for segment in segments]


def parts(graph: Graph, *crossings: list[str]) -> list[onnx.ModelProto]:
    """Give the parts between cuts, each a valid model."""
    segments = segments_of(graph, [cut_at(graph, crossing) for crossing in crossings])
    models = [onnx.load_model_from_string(extract(graph, segment)) for segment in segments]
    for model in models:
        onnx.checker.check_model(model, full_check=True)
    return models


def weights(model: onnx.ModelProto) -> list[str]:
    """Give the names of a part's weights."""
    return [weight.name for weight in model.graph.initializer]


def operators(model: onnx.ModelProto) -> list[str]:
    """Give a part's operators in the order they are written."""
    return [node.op_type for node in model.graph.node]


def test_what_is_made_of_weights_goes_along(graph_of: Read) -> None:
    """A chain of nodes over weights alone is in every part that needs its end, and in no other."""
    graph = graph_of(
        """(float[1,4] x) => (float[1,4] y)
        <int8[4] w = {1, 2, 3, 4}, float s = {0.5}, int8 z = {0}, float[4] other = {1, 1, 1, 1}>
        {
            d = DequantizeLinear(w, s, z)
            i = Identity(d)
            t = Transpose(i)
            c = Cast<to = 1>(t)
            a = Relu(x)
            b = Add(a, c)
            y = Mul(b, other)
        }"""
    )
    first, second, third = parts(graph, ["a"], ["b"])
    chain = ["DequantizeLinear", "Identity", "Transpose", "Cast"]
    assert (operators(first), weights(first)) == (["Relu"], [])
    assert (operators(second), weights(second)) == ([*chain, "Add"], ["w", "s", "z"])
    assert (operators(third), weights(third)) == (["Mul"], ["other"])


def test_a_branch_takes_its_outer_weights_along(graph_of: Read) -> None:
    """What a sub-graph within a sub-graph uses from outside is in the part; what crosses is fed."""
    graph = graph_of(
        """(float[4] x, bool c) => (float[4] y)
        <float[4] w = {1, 2, 3, 4}, float[4] v = {1, 1, 1, 1}>
        {
            n = Neg(v)
            a = Relu(x)
            y = If(c) <
                then_branch = yes () => (float[4] t) { t = Add(a, n) },
                else_branch = no () => (float[4] e) {
                    e = If(c) <
                        then_branch = yes2 () => (float[4] t2) { t2 = Mul(x, w) },
                        else_branch = no2 () => (float[4] e2) { e2 = Neg(a) }
                    >
                }
            >
        }"""
    )
    head, tail = parts(graph, ["a", "c", "x"])
    assert (operators(head), weights(head)) == (["Relu"], [])
    assert (operators(tail), weights(tail)) == (["Neg", "If"], ["w", "v"])
    assert [value.name for value in tail.graph.input] == ["c", "a", "x"]


def test_a_name_of_a_branch_hides_the_one_outside(graph_of: Read) -> None:
    """A weight of the same name as a branch's own value is not taken along for it."""
    graph = graph_of(
        """(float[4] x, bool c) => (float[4] y) <float[4] w = {1, 2, 3, 4}>
        {
            a = Add(x, w)
            y = If(c) <
                then_branch = yes () => (float[4] t) { b = Neg(a) t = Exp(b) },
                else_branch = no () => (float[4] b) { b = Relu(a) }
            >
        }"""
    )
    then, other = graph.source.graph[-1].attributes.values()
    for branch in (then, other):
        for node in branch.as_graph():
            for value in node.outputs:
                value.name = "w" if value.name == "b" else value.name
    head, tail = segments_of(graph, [cut_at(graph, ["a", "c"])])
    assert weights(onnx.load_model_from_string(extract(graph, head))) == ["w"]
    assert weights(onnx.load_model_from_string(extract(graph, tail))) == []


FUNCTIONS = """<ir_version: 8, opset_import: ["" : 17, "local" : 1]>
    model (float[4] x) => (float[4] y) { a = local.outer(x) b = Relu(a) y = local.lone(b) }
    <opset_import: ["" : 17, "local" : 1], domain: "local">
    outer (x) => (y) { n = Neg(x) y = local.inner(n) }
    <opset_import: ["" : 17], domain: "local">
    inner (x) => (y) { y = Exp(x) }
    <opset_import: ["" : 17], domain: "local">
    lone (x) => (y) { y = Tanh(x) }
    <opset_import: ["" : 17], domain: "local">
    unused (x) => (y) { y = Tanh(x) }
"""


def test_functions_go_along_where_they_are_called(graph_of: Read) -> None:
    """A part has the functions it calls, those they call, and the operator sets of all."""
    head, middle, tail = parts(graph_of(FUNCTIONS), ["a"], ["b"])
    assert [each.name for each in head.functions] == ["outer", "inner"]
    assert [each.name for each in middle.functions] == []
    assert [each.name for each in tail.functions] == ["lone"]
    for part in (head, middle, tail):
        imports = {each.domain: each.version for each in part.opset_import}
        assert imports == {"": 17, "local": 1}
    (opset,) = tail.functions[0].opset_import
    assert (opset.domain, opset.version) == ("", 17)


def test_weights_listed_as_inputs_are_not_fed(graph_of: Read) -> None:
    """A part of an old file asks for what crosses alone, and says it is a newer file."""
    graph = graph_of(
        """<ir_version: 3, opset_import: ["" : 7]>
        old (float[4] x, float[4] w = {1, 2, 3, 4}) => (float[4] y)
        { a = Add(x, w) y = Mul(a, w) }"""
    )
    for part in parts(graph, ["a"]):
        assert len(part.graph.input) == 1
        assert (weights(part), part.ir_version) == (["w"], 4)


def test_inputs_left_out_stay_left_out(graph_of: Read) -> None:
    """The empty names of optional inputs and outputs are written as they were."""
    graph = graph_of(
        """(float[1,1,4,4] x, float most) => (float[1,1,4,4] y)
        { a = Relu(x) b = Clip(a, , most) y = Neg(b) }"""
    )
    _, tail = parts(graph, ["a", "most"])
    assert list(tail.graph.node[0].input) == ["a", "", "most"]


def test_how_values_are_quantised_goes_along(model_of: Callable[..., onnx.ModelProto]) -> None:
    """A part is annotated with the quantisation of the values it has, and of no others."""
    model = model_of(
        """(float[4] x) => (float[4] y) <float[4] w = {1, 2, 3, 4}, float[4] v = {1, 2, 3, 4}>
        { a = Add(x, w) y = Add(a, v) }"""
    )
    for name in ("w", "v"):
        entry = onnx.StringStringEntryProto(key="SCALE_TENSOR", value=f"{name}_scale")
        model.graph.quantization_annotation.append(
            onnx.TensorAnnotation(tensor_name=name, quant_parameter_tensor_names=[entry])
        )
    graph = graph_from_model(
        ir.from_proto(model), name="m", sha256="", original_names=frozenset("xay")
    )
    noted = [
        [each.tensor_name for each in part.graph.quantization_annotation]
        for part in parts(graph, ["a"])
    ]
    assert noted == [["w"], ["v"]]


def test_an_input_that_is_handed_through(chain: Graph) -> None:
    """A part may give what it takes."""
    through = Segment("id", 0b0011, ("x",), ("x", "b"))
    part = onnx.load_model_from_string(extract(chain, through))
    assert [value.name for value in part.graph.output] == ["x", "b"]
    assert operators(part) == ["Relu", "Sigmoid"]


def test_a_part_that_lacks_an_input_is_refused(skip: Graph) -> None:
    """A boundary that values slip past names the one that is missing."""
    with pytest.raises(InvalidCutError, match=r"\['y'\] cannot be made without 'x'"):
        extract(skip, Segment("id", 0b1100, ("b",), ("y",)))


def test_a_type_that_only_a_trial_run_showed(graph_of: Read) -> None:
    """A value of an operator nobody knows is declared with the type it was seen to have."""
    graph = graph_of(
        """<ir_version: 8, opset_import: ["" : 17, "own" : 1]>
        model (float[4] x) => (float[4] y) { a = own.Half(x) y = Cast<to = 1>(a) }"""
    )
    seen = with_trial(graph, {"a": Trial("float16", "tensor", 8)})
    head, tail = segments_of(seen, [cut_at(seen, ["a"])])
    for segment, boundary in ((head, "output"), (tail, "input")):
        part = onnx.load_model_from_string(extract(seen, segment))
        (value,) = getattr(part.graph, boundary)
        assert value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT16


def test_shapes_inside_a_part_are_kept(chain: Graph) -> None:
    """What shape inference found of a part's inner values is in the part."""
    _, tail = parts(chain, ["a"])
    assert [value.name for value in tail.graph.value_info] == ["b", "c"]


@pytest.mark.parametrize("num_nodes", [500])
def test_extracting_again_reads_nothing_again(num_nodes: int, graph_of: Read) -> None:
    """After the first part, a node is not serialised again, whatever cut is asked for."""
    nodes = " ".join(f"v{i + 1} = Relu(v{i})" for i in range(num_nodes))
    graph = graph_of(f"(float[4] v0) => (float[4] v{num_nodes}) {{ {nodes} }}")
    segments = segments_of(graph, [cut_at(graph, ["v250"])])
    first = [extract(graph, segment) for segment in segments]
    for node in graph.source.graph:
        node.name = None  # would be seen, if it were read again
    assert first == [extract(graph, segment) for segment in segments]
