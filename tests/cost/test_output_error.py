from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cutpoint.cost.output_error import disagreement, has_classes, relative_l2


def scores(*rows: list[float]) -> dict[str, np.ndarray]:
    """Give one output of scores."""
    return {"y": np.array(rows, np.float32)}


@pytest.mark.parametrize(
    ("got", "share"),
    [
        (([1, 9, 2], [5, 1, 0]), 0.0),  # other scores, the same classes
        (([9, 1, 2], [5, 1, 0]), 0.5),
        (([9, 1, 2], [0, 1, 5]), 1.0),
        (([nan, 1, 2], [5, 1, 0]), 1.0),  # what is no number has no class
    ],
)
def test_a_class_is_the_highest_score(got: tuple[list[float], ...], share: float) -> None:
    """The share of rows whose highest score is another one."""
    assert disagreement(scores([0, 3, 1], [7, 1, 0]), scores(*got)) == share


def test_the_worst_output_counts() -> None:
    """An output that agrees does not hide one that does not."""
    exact = {"a": np.eye(2, dtype=np.float32), "b": np.eye(4, dtype=np.float32)}
    got = {"a": np.eye(2, dtype=np.float32), "b": np.roll(np.eye(4, dtype=np.float32), 1, 0)}
    assert disagreement(exact, got) == 1.0
    assert relative_l2(exact, got) == pytest.approx(np.sqrt(2))


def test_of_segmentations_each_pixel_has_a_class() -> None:
    """Classes are on axis 1 of a picture: one pixel of sixteen differs."""
    exact = np.zeros((1, 3, 4, 4), np.float32)
    exact[:, 1] = 1
    got = exact.copy()
    got[0, 2, 0, 0] = 2
    assert disagreement({"y": exact}, {"y": got}) == 1 / 16


def test_classes_by_number_are_compared_as_they_are() -> None:
    """Where the model itself names the class, any other number is another class."""
    exact, got = np.array([3, 4, 5, 6]), np.array([3, 4, 5, 7])
    assert disagreement({"y": exact}, {"y": got}) == 0.25


def test_one_score_is_no_choice() -> None:
    """An output of one score has no classes: that it always agrees says nothing."""
    assert not has_classes(np.zeros((4, 1), np.float32))
    assert not has_classes(np.zeros((), np.float32))
    assert disagreement(scores([1.0]), scores([2.0])) == inf


@pytest.mark.parametrize(
    ("exact", "got", "error"),
    [
        ([3.0, 4.0], [3.0, 4.0], 0.0),
        ([3.0, 4.0], [3.0, 4.5], 0.1),
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        ([0.0, 0.0], [0.0, 1e-9], inf),
        ([3.0, nan], [3.0, nan], 0.0),
        ([3.0, inf], [3.0, inf], 0.0),
        ([3.0, 4.0, -inf], [3.0, 4.5, -inf], 0.1),  # masked scores hide nothing
        ([3.0, 4.0, nan], [3.0, 4.5, nan], 0.1),
        ([-inf, -inf], [-inf, 1.0], inf),
        ([3.0, 4.0], [3.0, nan], inf),
        ([3.0, 4.0], [3.0, inf], inf),
    ],
)
def test_l2_is_relative_to_the_exact_output(
    exact: list[float], got: list[float], error: float
) -> None:
    """What is infinite or no number in both is alike; in one alone it is infinitely far off."""
    assert relative_l2(scores(exact), scores(got)) == pytest.approx(error)


def test_another_shape_is_infinitely_far_off() -> None:
    """A detector that finds one box less has not the same outputs."""
    assert relative_l2(scores([1, 2]), scores([1])) == inf
    assert disagreement(scores([1, 2], [1, 2]), scores([1, 2])) == inf


def test_sequences_and_maps_are_compared_part_by_part() -> None:
    """A model may give them, and a calibration is not to end for it."""
    one, other = np.array([3.0, 4.0]), np.array([3.0, 4.5])
    assert not has_classes([one])
    assert relative_l2({"y": [one, one]}, {"y": [one, other]}) == pytest.approx(0.1)
    assert relative_l2({"y": [one]}, {"y": [one, one]}) == inf
    assert relative_l2({"y": [{1: 0.5}]}, {"y": [{1: 0.5}]}) == 0.0
    assert relative_l2({"y": {1: 0.5}}, {"y": {1: 0.6}}) == inf


def test_texts_are_equal_or_not() -> None:
    """There is no distance between texts."""
    one, other = np.array(["a", "b"], object), np.array(["a", "c"], object)
    assert relative_l2({"y": one}, {"y": one.copy()}) == 0.0
    assert relative_l2({"y": one}, {"y": other}) == inf


_outputs = hnp.arrays(
    np.float32,
    (4, 5),
    elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
)


@given(_outputs, _outputs)
def test_an_error_is_never_negative_and_never_no_number(exact: np.ndarray, got: np.ndarray) -> None:
    """Whatever comes, errors can be ordered, and equal outputs have none."""
    assert relative_l2({"y": exact}, {"y": got}) >= 0
    assert 0 <= disagreement({"y": exact}, {"y": got}) <= 1
    assert relative_l2({"y": exact}, {"y": exact}) == 0
    assert disagreement({"y": exact}, {"y": exact}) == 0
