"""Limits: positive, finite, and of the model's own weight."""

from dataclasses import fields

import pytest

from cutpoint.execution.load_limits import LoadLimits


@pytest.mark.parametrize("name", [field.name for field in fields(LoadLimits)])
@pytest.mark.parametrize("wrong", [0, -1, float("inf"), float("nan")])
def test_a_limit_is_positive_and_finite(name: str, wrong: float) -> None:
    """Whatever limit is none is refused by its name."""
    with pytest.raises(ValueError, match=name):
        LoadLimits(**{name: wrong})


def test_memory_grows_with_the_model() -> None:
    """A heavy model may take more than a light one, in proportion to what it weighs."""
    limits = LoadLimits(memory_bytes=1000, copies_of_weights=2.5)
    assert limits.memory_for(0) == 1000
    assert limits.memory_for(400) == 2000
