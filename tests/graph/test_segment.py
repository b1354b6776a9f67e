import hashlib
from collections.abc import Callable

import onnx
import pytest

from cutpoint.exceptions import InvalidCutError
from cutpoint.graph import (
    Graph,
    cut_at,
    device_only,
    extract,
    segments_in,
    segments_of,
    server_only,
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
