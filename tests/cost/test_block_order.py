import numpy as np
import pytest

from cutpoint.cost.block_order import check_unique, topological_order
from cutpoint.exceptions import CostError
from cutpoint.testing.tables import random_shape


def test_a_topological_order_is_kept() -> None:
    """Names that stand in order already stay where they are."""
    rng = np.random.default_rng(1)
    for num in range(1, 20):
        names = [f"b{block}" for block in range(num)]
        needs: dict[str, list[str]] = {name: [] for name in names}
        for source, consumers in enumerate(random_shape(rng, num)):
            for consumer in consumers:
                needs[names[consumer]].append(names[source])
        assert topological_order(names, needs) == tuple(names)
        shuffled = [names[index] for index in rng.permutation(num)]
        done: set[str] = set()
        for name in topological_order(shuffled, needs):
            assert done.issuperset(needs[name])
            done.add(name)
        assert done == set(names)


@pytest.mark.parametrize(
    ("needs", "circle"),
    [
        ({"a": ["a"]}, "'a' -> 'a'"),
        ({"b": ["c"], "c": ["b"]}, "'b' -> 'c' -> 'b'|'c' -> 'b' -> 'c'"),
    ],
)
def test_a_circle_is_named(needs: dict[str, list[str]], circle: str) -> None:
    """Blocks that need each other are refused, and told in their order."""
    with pytest.raises(CostError, match=circle):
        topological_order(["a", "b", "c"], needs)


def test_a_name_stands_once() -> None:
    """The first name that is there twice is told."""
    check_unique("layer", ["a", "b"])
    with pytest.raises(CostError, match="two layers are named 'b'"):
        check_unique("layer", ["a", "b", "c", "b", "c"])
