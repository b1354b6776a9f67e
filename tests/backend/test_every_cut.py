"""ONNX's own backend suite: head, wire, tail gives the suite's answers at every cut."""

import logging
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import onnx
import pytest

from cutpoint.testing.backend_report import count_line, write_report
from cutpoint.testing.backend_suite import KINDS, BackendTest, backend_tests
from cutpoint.testing.backend_verdict import Verdict, judge
from cutpoint.testing.uncut import development_opsets

_log = logging.getLogger(__name__)

_PLAIN_TYPES = frozenset({onnx.TensorProto.FLOAT, onnx.TensorProto.INT64})
_MOST_HEADS = 2
_ONE_IN = 4
"""Of the tests in which nothing is special, so many are in the sample."""


@pytest.fixture(autouse=True)
def _any_opset() -> Iterator[None]:
    """Let the suite's newest tests be loaded: their operator sets are not released yet."""
    with development_opsets():
        yield


def is_special(test: BackendTest) -> bool:
    """Tell whether a test has control flow, other types than usual, or what is no tensor."""
    model = test.model
    if model.functions or not model.graph.input:
        return True
    if any(not name for node in model.graph.node for name in node.input):
        return True
    kinds = [value.type for value in (*model.graph.input, *model.graph.output)]
    if any(kind.tensor_type.elem_type not in _PLAIN_TYPES for kind in kinds):
        return True
    return any(attribute.HasField("g") for node in model.graph.node for attribute in node.attribute)


def sampled(seed: int) -> Iterator[BackendTest]:
    """Give what can be cut: everything special and some of the rest."""
    rng = np.random.default_rng(seed)
    for test in backend_tests("node", "simple"):
        if len(test.model.graph.node) > 1 and (is_special(test) or not rng.integers(_ONE_IN)):
            yield test


def some_of(seed: int) -> Callable[[Sequence[int]], Sequence[int]]:
    """Choose a few heads."""
    rng = np.random.default_rng(seed)

    def choose(heads: Sequence[int]) -> Sequence[int]:
        count = min(_MOST_HEADS, len(heads))
        return [heads[i] for i in sorted(rng.choice(len(heads), count, replace=False))]

    return choose


def assert_right(verdicts: Sequence[Verdict]) -> None:
    """Assert that no cut failed, and tell the counts."""
    _log.info("ONNX's backend suite: %s", count_line(verdicts))
    print(count_line(verdicts))  # noqa: T201
    wrong = [(v.name, each) for v in verdicts for each in v.wrong]
    assert not wrong, wrong[:5]


def test_a_sample_of_the_suite() -> None:
    """Every special test and some others give the suite's answers at a few of their cuts."""
    choose = some_of(seed=5)
    verdicts = [judge(test, choose) for test in sampled(seed=5)]
    assert_right(verdicts)
    assert sum(each.num_run for verdict in verdicts for each in verdict.forms) > 500


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_the_whole_suite(tmp_path) -> None:
    """Every test gives the suite's answers at every cut, as written and optimised."""
    verdicts = [judge(test) for test in backend_tests(*KINDS)]
    write_report(verdicts, tmp_path)
    assert_right(verdicts)
    if onnx.__version__ == "1.23.2":
        sizes = [verdict.num_nodes for verdict in verdicts if verdict.kind == "node"]
        cut = [size for size in sizes if size > 1]
        assert (len(sizes), len(cut), sum(cut)) == (1884, 422, 10098)
