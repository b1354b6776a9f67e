from collections.abc import Callable

import numpy as np
import pytest

from cutpoint.exceptions import FeedError
from cutpoint.graph import Graph, checked_feed, checked_outputs

Read = Callable[..., Graph]

GOOD = np.zeros((1, 4), np.float32)


class FromAnotherLibrary:
    """An array of another library, which knows how to become NumPy's."""

    def numpy(self) -> np.ndarray:
        """Give the array."""
        return GOOD


def test_a_good_feed_is_given_back(two_inputs_two_outputs: Graph) -> None:
    """What fits comes back in the model's order, the arrays not copied."""
    feed = {"z": np.ones((1, 4), np.float32), "x": GOOD}
    checked = checked_feed(two_inputs_two_outputs, feed)
    assert list(checked) == ["x", "z"]
    assert all(feed[name] is checked[name] for name in feed)


def test_arrays_of_other_libraries(chain: Graph) -> None:
    """What can become NumPy's array is taken as one."""
    assert checked_feed(chain, {"x": FromAnotherLibrary()})["x"] is GOOD


def test_python_numbers_become_the_inputs_type(chain: Graph) -> None:
    """Lists have no type of their own: they are taken as the model's, as by ONNX Runtime."""
    taken = checked_feed(chain, {"x": [[1, 2, 3, 4]]})["x"]
    assert (taken.dtype, taken.tolist()) == (np.float32, [[1.0, 2.0, 3.0, 4.0]])


@pytest.mark.parametrize(
    ("feed", "message"),
    [
        ({"x": GOOD}, r"inputs \['z'\] of 'model' are missing"),
        ({}, r"inputs \['x', 'z'\] of 'model' are missing"),
        ({"x": GOOD, "z": GOOD, "w": GOOD}, r"\['w'\] are not inputs of 'model'.*\['x', 'z'\]"),
        (dict.fromkeys("srqp", GOOD), r"\['p', 'q', 'r', 's'\] are not inputs of 'model'"),
        ({"x": GOOD, "y": GOOD}, r"\['y'\] are not inputs of 'model'"),
        ({"x": GOOD, "z": GOOD.astype(np.float64)}, "input 'z' is float64.* takes float32"),
        ({"x": GOOD, "z": GOOD.astype(">f4")}, "input 'z' is >f4.* takes float32"),
        ({"x": None, "z": GOOD}, "input 'x' is object.* takes float32"),
        ({"x": [[1, 2], [3]], "z": GOOD}, "input 'x' is not an array"),
        ({"x": GOOD, "z": GOOD[0]}, r"input 'z' has shape \(4,\).* takes \(1, 4\)"),
        ({"x": GOOD[:0], "z": GOOD}, r"input 'x' has shape \(0, 4\).* takes \(1, 4\)"),
        ({"x": np.zeros((2, 4), np.float32), "z": GOOD}, r"input 'x' has shape \(2, 4\)"),
    ],
)
def test_a_bad_feed_names_the_input(
    feed: dict[str, object], message: str, two_inputs_two_outputs: Graph
) -> None:
    """What does not fit is refused by the input's name, with what was expected."""
    with pytest.raises(FeedError, match=message):
        checked_feed(two_inputs_two_outputs, feed)


@pytest.mark.parametrize("names", [None, [], ()])
def test_all_outputs_by_default(names: list[str] | None, two_inputs_two_outputs: Graph) -> None:
    """Who asks for no output in particular gets all of them."""
    assert checked_outputs(two_inputs_two_outputs, names) == ("y", "w")


def test_outputs_in_the_order_asked_for(two_inputs_two_outputs: Graph) -> None:
    """Outputs are given in the order of the question."""
    assert checked_outputs(two_inputs_two_outputs, ["w", "y"]) == ("w", "y")


def test_an_unknown_output_is_named(two_inputs_two_outputs: Graph) -> None:
    """Values that are no outputs are refused by their names."""
    with pytest.raises(FeedError, match=r"\['a', 'b', 'c'\] are not outputs.*\['y', 'w'\]"):
        checked_outputs(two_inputs_two_outputs, ["y", "c", "b", "a"])


@pytest.fixture(scope="module")
def texts(graph_of: Callable[..., Graph]) -> Graph:
    """Give a model that takes text."""
    return graph_of("(string[N] x) => (string[N] y) { y = Identity(x) }", N=2)


@pytest.mark.parametrize(
    "given",
    [
        ["a", "é"],
        np.array(["a", "é"]),
        np.array(["a", "é"], object),
        np.array([b"a", "é".encode()]),
    ],
)
def test_text_is_pythons_whatever_it_came_as(given: object, texts: Graph) -> None:
    """Bytes would be another text on each host."""
    array = checked_feed(texts, {"x": given})["x"]
    assert (array.dtype, array.tolist()) == (object, ["a", "é"])
    assert {type(each) for each in array} == {str}


@pytest.mark.parametrize("given", [[None, "a"], [1, 2], ["\ud800", "a"], [b"\xff", "a"]])
def test_what_is_no_text_is_refused(given: list[object], texts: Graph) -> None:
    """Nothing, numbers, half a character, bytes that are no UTF-8."""
    with pytest.raises(FeedError, match="input 'x' is not text"):
        checked_feed(texts, {"x": np.array(given, object)})
