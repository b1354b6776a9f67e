import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from cutpoint.exceptions import InvalidCutError, ModelError
from cutpoint.graph import (
    DEVICE_ONLY,
    SERVER_ONLY,
    Graph,
    cut_at,
    cut_at_head,
    cut_id,
    device_only,
    server_only,
)
from cutpoint.graph.cut import crossing_values


def nodes_named(graph: Graph, outputs: str) -> int:
    """Give the set of nodes that make the named values."""
    return sum(1 << node.index for node in graph.nodes if node.outputs[0] in outputs.split())


def test_the_ends(two_inputs_two_outputs: Graph) -> None:
    """Device-only sends nothing and keeps all; server-only sends the inputs and keeps none."""
    device, server = device_only(two_inputs_two_outputs), server_only(two_inputs_two_outputs)
    assert (
        device.placement,
        device.id,
        device.crossing,
        device.head,
        device.returned,
    ) == ("device", DEVICE_ONLY, (), 0b11111, ())
    assert (
        server.placement,
        server.id,
        server.crossing,
        server.head,
        server.returned,
    ) == ("server", SERVER_ONLY, ("x", "z"), 0, ("y", "w"))


def test_names_are_sorted(graph_of: Callable[..., Graph]) -> None:
    """What crosses is named in the order of the alphabet, whatever the model's order is."""
    graph = graph_of("(float[4] z, float[4] x) => (float[4] y) { a = Relu(z) y = Sub(a, x) }")
    assert server_only(graph).crossing == ("x", "z")
    assert cut_at(graph, ["x", "a"]).crossing == ("a", "x")


def test_one_value_cut(chain: Graph) -> None:
    """Cutting a chain at b keeps a and b on the device and returns the output."""
    cut = cut_at(chain, ["b"])
    assert (
        cut.placement,
        cut.crossing,
        cut.head,
        cut.returned,
    ) == ("split", ("b",), 0b0011, ("y",))


def test_two_value_cut(diamond: Graph) -> None:
    """Between the corners of a diamond both its sides cross."""
    cut = cut_at(diamond, ["c", "b"])
    assert (("b", "c"), nodes_named(diamond, "a b c")) == (cut.crossing, cut.head)


def test_one_side_of_a_diamond(diamond: Graph) -> None:
    """A value and its own product cross together where one side has run and one has not."""
    cut = cut_at(diamond, ["a", "b"])
    assert nodes_named(diamond, "a b") == cut.head


def test_an_input_may_cross(input_in_tail: Graph) -> None:
    """An input that the tail uses is sent beside what the head has made."""
    cut = cut_at(input_in_tail, ["x", "b"])
    assert (("b", "x"), nodes_named(input_in_tail, "a b")) == (cut.crossing, cut.head)


def test_an_output_of_the_head_is_not_returned(output_in_head: Graph) -> None:
    """An output the head has made stays where it is."""
    assert cut_at(output_in_head, ["b"]).returned == ("y",)


def test_a_crossing_output_is_not_returned(output_used: Graph) -> None:
    """A value that crosses and is an output as well is not sent back."""
    cut = cut_at(output_used, ["a"])
    assert (cut.head, cut.returned) == (0b001, ("y",))


def test_a_branch_that_needs_more_stays_with_the_head(side_branch: Graph) -> None:
    """An output that needs more than crosses is the device's, with everything it needs."""
    cut = cut_at(side_branch, ["a"])
    assert (nodes_named(side_branch, "a e b d side"), ("y",)) == (cut.head, cut.returned)


@pytest.mark.parametrize(
    ("model", "crossing", "would_cross"),
    [
        ("skip", ["b"], "['a', 'b']"),
        ("input_in_tail", ["b"], "['b', 'x']"),
        ("diamond", ["b"], "['b', 'c']"),
        ("two_inputs_two_outputs", ["a"], "['a', 'b']"),
        ("chain", ["a", "c"], "['c']"),
        ("chain", ["y"], "[]"),
        ("chain", [], "[]"),
    ],
)
def test_values_that_do_not_separate(
    model: str, crossing: list[str], would_cross: str, request: pytest.FixtureRequest
) -> None:
    """A cut that would send more, or less, is refused by what it would have to send."""
    graph = request.getfixturevalue(model)
    with pytest.raises(InvalidCutError, match=re.escape(f"would send {would_cross}")):
        cut_at(graph, crossing)


def test_an_unknown_value_is_named(chain: Graph) -> None:
    """A value the model has not is refused by its name and the model's."""
    with pytest.raises(InvalidCutError, match=r"'nowhere' is not a computed value of .*'model'"):
        cut_at(chain, ["nowhere"])


def test_a_weight_cannot_cross(shared_weight: Graph) -> None:
    """Both sides have the weights: they are no values to cut at."""
    with pytest.raises(ModelError, match="'w' is not a computed value"):
        cut_at(shared_weight, ["w", "b"])


def test_order_and_repetition_do_not_matter(diamond: Graph) -> None:
    """The same values in another order, or twice, are the same cut."""
    assert cut_at(diamond, ["b", "c"]) == cut_at(diamond, ["c", "b", "c"])


def test_id_is_a_digest_of_the_sorted_names() -> None:
    """Hosts agree on the id: 12 hex digits of SHA-256 over the names, one per line."""
    expected = hashlib.sha256(b"b\nc").hexdigest()[:12]
    assert expected == cut_id(["c", "b"]) == cut_id(iter(["b", "c"])) == "6c516cfc306e"


def test_ids_tell_cuts_apart(diamond: Graph) -> None:
    """Different cuts have different ids."""
    crossings = [["a"], ["b", "c"], ["a", "b"], ["a", "c"], ["d"]]
    assert len({cut_at(diamond, crossing).id for crossing in crossings}) == len(crossings)


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_id_is_the_same_in_every_process(hash_seed: str) -> None:
    """Another process, whatever its hash seed, gives the same id."""
    code = "from cutpoint.graph import cut_id; print(cut_id({'b', 'c', 'a'}))"
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert cut_id(["a", "b", "c"]) == told.stdout.strip()


def test_crossing_values_of_a_set(input_in_tail: Graph) -> None:
    """What crosses is what the tail needs from the head or the caller, sorted."""
    crossing = {
        head: crossing_values(input_in_tail, head) for head in (0, 0b1, 0b11, 0b111, 0b1111)
    }
    assert crossing == {
        0: ("x",),
        0b1: ("a", "x"),
        0b11: ("b", "x"),
        0b111: ("c",),
        0b1111: (),
    }


def test_the_cut_of_any_head(skip: Graph, side_branch: Graph) -> None:
    """A head's cut sends what the tail needs, whether or not another head sends the same."""
    assert cut_at_head(skip, 0b0011) == cut_at(skip, ["a", "b"])
    assert cut_at_head(skip, 0) == server_only(skip)
    assert cut_at_head(skip, skip.all_nodes) == device_only(skip)
    named = cut_at(side_branch, ["a"])
    last = side_branch.all_nodes & ~(1 << len(side_branch.nodes) - 1)
    assert cut_at_head(side_branch, last).crossing == named.crossing == ("a",)
    assert cut_at_head(side_branch, last).returned == ("y",)
