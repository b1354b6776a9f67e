from collections.abc import Callable

import numpy as np
import onnx
import pytest

from cutpoint.graph import plain_model

ModelOf = Callable[..., onnx.ModelProto]

CALLS = "(float[2,3] x) => (float[2,3] y) { y = Add(x, w) }"
DENSE = np.array([[0, 5, 0], [7, 0, 0]], np.float32)


def sparse(indices: list[int] | list[list[int]]) -> onnx.SparseTensorProto:
    """Give two values of a 2x3 weight ``w`` at the indices."""
    values = onnx.numpy_helper.from_array(np.array([5, 7], np.float32), "w")
    at = onnx.numpy_helper.from_array(np.array(indices, np.int64), "w_at")
    return onnx.helper.make_sparse_tensor(values, at, [2, 3])


@pytest.mark.parametrize("indices", [[1, 3], [[0, 1], [1, 0]]])
def test_sparse_weights_become_dense(
    indices: list[int] | list[list[int]], model_of: ModelOf
) -> None:
    """A sparse weight is read with all its zeros, its indices flat or coordinates."""
    model = model_of(CALLS)
    model.graph.sparse_initializer.append(sparse(indices))
    read = plain_model(model)
    np.testing.assert_array_equal(DENSE, read.graph.initializers["w"].const_value.numpy())


def test_a_sparse_weight_of_a_branch(model_of: ModelOf) -> None:
    """The weights of sub-graphs are read too."""
    model = model_of(
        """(float[2,3] x, bool c) => (float[2,3] y) {
            y = If(c) <
                then_branch = yes () => (float[2,3] t) { t = Add(x, w) },
                else_branch = no () => (float[2,3] e) { e = Neg(x) }
            >
        }"""
    )
    branch = next(a.g for a in model.graph.node[0].attribute if a.name == "then_branch")
    branch.sparse_initializer.append(sparse([1, 3]))
    (node,) = plain_model(model).graph
    weights = node.attributes["then_branch"].as_graph().initializers
    np.testing.assert_array_equal(DENSE, weights["w"].const_value.numpy())


def test_a_sparse_constant_becomes_dense(model_of: ModelOf) -> None:
    """A constant that is written sparse is read as the tensor it means."""
    model = model_of(CALLS)
    constant = onnx.helper.make_node("Constant", [], ["w"], sparse_value=sparse([1, 3]))
    model.graph.node.insert(0, constant)
    first, _ = plain_model(model).graph
    np.testing.assert_array_equal(DENSE, first.attributes["value"].as_tensor().numpy())


def test_a_constant_written_twice_is_a_weight(model_of: ModelOf) -> None:
    """A constant that is a node and a weight of the same name is read as the weight."""
    model = model_of(
        "(float[2] x) => (float[2] y) { w = Constant<value = float[2] {1, 2}>() y = Add(x, w) }"
    )
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(2, np.float32), "w"))
    read = plain_model(model)
    assert [node.op_type for node in read.graph] == ["Add"]
    assert list(read.graph.initializers) == ["w"]


def test_other_models_are_read_as_they_are(model_of: ModelOf) -> None:
    """Nothing is rewritten where nothing has to be."""
    model = model_of(
        """(float[2] x) => (float[2] y) <float[2] v = {1, 2}>
        { w = Constant<value = float[2] {1, 2}>() a = Add(x, w) y = Mul(a, v) }"""
    )
    read = plain_model(model)
    assert [node.op_type for node in read.graph] == ["Constant", "Add", "Mul"]
    assert list(read.graph.initializers) == ["v"]
