import logging
from math import inf, nan

import numpy as np
import pytest

from cutpoint.cost.tolerance import Tolerance, tolerance_named, tolerance_of
from cutpoint.exceptions import ToleranceError

EXACT = {"y": np.array([[0.0, 3.0, 4.0]], np.float32)}
NEAR = {"y": np.array([[0.0, 3.0, 4.05]], np.float32)}
OTHER = {"y": np.array([[0.0, 5.0, 4.0]], np.float32)}


def twice_the_largest(exact: dict, got: dict) -> float:
    """Give an error as a user might."""
    return 2 * float(np.max(np.abs(exact["y"] - got["y"])))


@pytest.mark.parametrize(
    ("text", "shown", "most_error", "most_share"),
    [
        ("top1:0.99", "top1:0.99", 0.01, 0.01),
        (" top1:1 ", "top1:1", 0.0, 0.0),
        ("l2:0.01", "l2:0.01", 0.01, 0.05),
        ("l2:0.01:0.99", "l2:0.01:0.99", 0.01, 0.01),
        ("l2:0", "l2:0", 0.0, 0.05),
        (f"{__name__}:twice_the_largest", f"{__name__}:twice_the_largest", 1.0, 0.05),
    ],
)
def test_texts_are_read(text: str, shown: str, most_error: float, most_share: float) -> None:
    """And written as they are read."""
    tolerance = tolerance_named(text)
    assert str(tolerance) == shown
    assert (tolerance.most_error, tolerance.most_share) == (most_error, most_share)


@pytest.mark.parametrize(
    "text",
    [
        "", "top1", "top1:", "top1:0", "top1:1.01", "top1:nan", "top1:0.9:0.9", "l2:", "l2:-1",
        "l2:inf", "l2:0.1:1", "l2:0.1:0", "l2:0.1:0.5:3", "l2:much", "exact", ":", "a:b:c:d",
        "no.such.module:function", "math:no_such", "math:pi", "json:dumps:2",
    ],
)  # fmt: skip
def test_what_is_no_tolerance_is_refused(text: str) -> None:
    """With an error that says what it may be."""
    with pytest.raises(ToleranceError):
        tolerance_named(text)


def test_top1_counts_the_mean() -> None:
    """One of a hundred may be another class, two may not."""
    tolerance = tolerance_named("top1:0.99")
    assert tolerance.error(EXACT, NEAR) == 0.0
    assert tolerance.error(EXACT, OTHER) == 1.0
    assert tolerance.is_kept([0.0] * 99 + [1.0])
    assert not tolerance.is_kept([0.0] * 98 + [1.0] * 2)
    assert tolerance.summary([0.0, 1.0, 0.0, 0.0]) == 0.25


def test_l2_counts_what_nearly_all_keep() -> None:
    """One of twenty may be beyond it by any amount, two may not."""
    tolerance = tolerance_named("l2:0.01")
    assert tolerance.error(EXACT, NEAR) == pytest.approx(0.01, rel=1e-4)
    assert tolerance.is_kept([0.01] * 19 + [inf])
    assert not tolerance.is_kept([0.01] * 18 + [0.02] * 2)
    assert tolerance.summary([0.1 * i for i in range(20)]) == pytest.approx(1.8)
    assert tolerance.summary([0.1, 0.3, 0.2]) == 0.3  # of a few, all


def test_nothing_seen_keeps_nothing() -> None:
    """Without a feed there is no calibration."""
    assert not tolerance_named("top1:0.5").is_kept([])


@pytest.mark.parametrize("text", ["top1:0.9", "l2:0.01", "l2:0.01:0.5"])
def test_the_mean_score_tells_the_same_as_the_errors(text: str) -> None:
    """What is watched is what was calibrated: whether the mean of the scores is allowed."""
    tolerance = tolerance_named(text)
    rng = np.random.default_rng(0)
    for share in np.linspace(0, 1, 41):
        errors = [float(each) for each in (rng.random(200) < share)]
        mean = sum(map(tolerance.score, errors)) / len(errors)
        assert tolerance.is_kept(errors) == (mean <= tolerance.most_share + 1e-9)


def test_a_function_is_a_tolerance() -> None:
    """It gives 0 where nothing is wrong, and above 1 where too much is."""
    tolerance = tolerance_of(twice_the_largest)
    assert tolerance.name == f"{__name__}:twice_the_largest"
    tolerance.check_judges(EXACT)
    assert tolerance.error(EXACT, NEAR) == pytest.approx(0.1, rel=1e-3)
    assert tolerance.is_kept([0.9]), tolerance.is_kept([1.1]) == (True, False)


@pytest.mark.parametrize(
    "given", [nan, -1.0, None, "much", True, np.bool_(False), np.zeros(2), ValueError("mine")]
)
def test_what_a_function_cannot_judge_is_too_much(
    given: object, caplog: pytest.LogCaptureFixture
) -> None:
    """It raises, gives no number, or says yes or no, which might mean either: infinite error."""

    def function(exact: dict, got: dict) -> float:
        if isinstance(given, Exception):
            raise given
        return given  # type: ignore[return-value]

    with caplog.at_level(logging.WARNING):
        assert tolerance_of(function).error(EXACT, NEAR) == inf
    with pytest.raises(ToleranceError):
        tolerance_of(function).check_judges(EXACT)


def test_a_function_that_finds_equal_outputs_unequal_is_refused() -> None:
    """Every codec would be struck for it, and nobody would know why."""
    with pytest.raises(ToleranceError, match="gives 5 for outputs that are equal"):
        tolerance_of(lambda exact, got: 5.0).check_judges(EXACT)


def test_classes_are_not_looked_for_where_there_are_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A model of one score is refused; of several outputs those without classes are named."""
    tolerance = tolerance_named("top1:0.99")
    one_score = np.zeros((1, 1), np.float32)
    with pytest.raises(ToleranceError, match=r"'z'.*no classes; take l2"):
        tolerance.check_judges({"z": one_score})
    with caplog.at_level(logging.WARNING):
        tolerance.check_judges({**EXACT, "z": one_score})
    assert "does not judge the outputs ['z']" in caplog.text


@pytest.mark.parametrize(("text", "num"), [("top1:0.99", 300), ("l2:0.1", 60), ("top1:1", 0)])
def test_how_many_feeds_would_tell(text: str, num: int) -> None:
    """By the rule of three."""
    assert tolerance_named(text).telling_feeds == num


def test_a_mean_that_allows_everything_is_none() -> None:
    """No drift from it could ever be seen."""
    for text in ("top1:0.0000000001", "top1:1e-30"):
        with pytest.raises(ToleranceError, match="allows everything"):
            tolerance_named(text)


def test_a_bound_is_finite() -> None:
    """An error without end is no bound."""
    with pytest.raises(ToleranceError):
        Tolerance("l2", twice_the_largest, inf)
