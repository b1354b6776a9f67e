"""Tiny models, each with one thing that a cut must get right."""

from collections.abc import Callable

import pytest

from cutpoint.graph import Graph

Read = Callable[..., Graph]


@pytest.fixture(scope="session")
def chain(graph_of: Read) -> Graph:
    """Give x -> a -> b -> c -> y."""
    return graph_of(
        """(float[1,4] x) => (float[1,4] y)
        { a = Relu(x) b = Sigmoid(a) c = Tanh(b) y = Neg(c) }"""
    )


@pytest.fixture(scope="session")
def diamond(graph_of: Read) -> Graph:
    """Give a -> (b, c) -> d: two values cross between its corners."""
    return graph_of(
        """(float[1,4] x) => (float[1,4] y)
        { a = Relu(x) b = Sigmoid(a) c = Tanh(a) d = Add(b, c) y = Neg(d) }"""
    )


@pytest.fixture(scope="session")
def two_inputs_two_outputs(graph_of: Read) -> Graph:
    """Give (x, z) -> c -> (y, w)."""
    return graph_of(
        """(float[1,4] x, float[1,4] z) => (float[1,4] y, float[1,4] w)
        { a = Relu(x) b = Sigmoid(z) c = Add(a, b) y = Neg(c) w = Tanh(c) }"""
    )


@pytest.fixture(scope="session")
def skip(graph_of: Read) -> Graph:
    """Give a -> b -> c where c needs a as well: a cut at b alone is skipped over."""
    return graph_of(
        """(float[1,4] x) => (float[1,4] y)
        { a = Relu(x) b = Sigmoid(a) c = Add(b, a) y = Neg(c) }"""
    )


@pytest.fixture(scope="session")
def input_in_tail(graph_of: Read) -> Graph:
    """Give x -> a -> b -> c where c needs the input again."""
    return graph_of(
        """(float[1,4] x) => (float[1,4] y)
        { a = Relu(x) b = Sigmoid(a) c = Add(b, x) y = Neg(c) }"""
    )


@pytest.fixture(scope="session")
def output_in_head(graph_of: Read) -> Graph:
    """Give a -> b -> y with an output that branches off at a."""
    return graph_of(
        """(float[1,4] x) => (float[1,4] early, float[1,4] y)
        { a = Relu(x) early = Sigmoid(a) b = Tanh(a) y = Neg(b) }"""
    )


@pytest.fixture(scope="session")
def shared_weight(graph_of: Read) -> Graph:
    """Give a chain whose first and last node use the same weight."""
    return graph_of(
        """(float[1,4] x) => (float[1,4] y) <float[4] w = {1, 2, 3, 4}>
        { a = Add(x, w) b = Relu(a) y = Mul(b, w) }"""
    )


@pytest.fixture(scope="session")
def output_used(graph_of: Read) -> Graph:
    """Give a chain whose middle value is an output as well."""
    return graph_of(
        """(float[1,4] x) => (float[1,4] a, float[1,4] y)
        { a = Relu(x) b = Tanh(a) y = Neg(b) }"""
    )


@pytest.fixture(scope="session")
def side_branch(graph_of: Read) -> Graph:
    """Give a -> y, beside an output that needs a twice and another value of the head."""
    return graph_of(
        """(float[1,4] x) => (float[1,4] side, float[1,4] y)
        { a = Relu(x) e = Sigmoid(x) b = Tanh(a) d = Add(a, e) side = Add(b, d) y = Exp(a) }"""
    )
