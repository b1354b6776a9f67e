import unittest
from collections.abc import Callable

import numpy as np
import onnx
import onnx.backend.test
import onnx.parser
import pytest
from onnx.backend.base import Backend

from cutpoint.exceptions import InvalidCutError, ModelError
from cutpoint.testing.backend import CutpointBackend
from cutpoint.testing.backend_suite import backend_tests

ModelOf = Callable[..., onnx.ModelProto]

CHAIN = """(float[N] x, float[N] z) => (float[N] y, float[N] w)
    { a = Neg(x) y = Exp(a) w = Add(y, z) }"""
X, Z = np.array([1, 2], np.float32), np.array([10, 20], np.float32)
Y = np.exp(-X)


def test_it_is_a_backend_of_onnx(model_of: ModelOf) -> None:
    """The entry points of ONNX's interface prepare, run, and know their device."""
    assert issubclass(CutpointBackend, Backend)
    model = model_of(CHAIN)
    y, w = CutpointBackend.run_model(model, [X, Z], rtol=1e-3)
    np.testing.assert_allclose(y, Y)
    np.testing.assert_allclose(w, Y + Z)
    assert CutpointBackend.supports_device("CPU")
    assert not CutpointBackend.supports_device("CUDA")
    assert CutpointBackend.is_compatible(model)
    with pytest.raises(ModelError, match="CUDA"):
        CutpointBackend.prepare(model, "CUDA")


def test_a_model_the_runtime_cannot_load_is_not_compatible(model_of: ModelOf) -> None:
    """An operator nobody knows makes a model that the suite is to leave out."""
    unknown = model_of("(float[2] x) => (float[2] y) { y = NoSuchOperator(x) }")
    assert not CutpointBackend.is_compatible(unknown)


@pytest.mark.parametrize("is_optimised", [True, False])
def test_every_head_gives_the_whole(is_optimised: bool, model_of: ModelOf) -> None:
    """Cut anywhere, from nothing on the device to all but one node, the outputs are the same."""
    prepared = CutpointBackend.prepare(model_of(CHAIN), is_optimised=is_optimised)
    assert prepared.heads == (0b001, 0b011)
    for head in (0, *prepared.heads):
        for inputs in ([X, Z], {"z": Z, "x": X}):
            y, w = prepared.run_at(head, inputs)
            np.testing.assert_allclose(y, Y)
            np.testing.assert_allclose(w, Y + Z)


def test_both_graphs_can_be_cut(model_of: ModelOf) -> None:
    """As written a model has all its nodes; optimised, those ONNX Runtime leaves."""
    model = model_of("(float[2] x) => (float[2] y) { a = Identity(x) b = Neg(a) y = Exp(b) }")
    assert len(CutpointBackend.prepare(model, is_optimised=False).graph.nodes) == 3
    assert len(CutpointBackend.prepare(model).graph.nodes) == 2


def test_what_is_no_tensor_does_not_cross(model_of: ModelOf) -> None:
    """Behind a sequence there is no cut; the refusal names it. Elsewhere there is."""
    model = model_of(
        """(float[2] x) => (int64 n)
        { a = Neg(x) s = SequenceConstruct(a, x) n = SequenceLength(s) }"""
    )
    prepared = CutpointBackend.prepare(model, is_optimised=False)
    assert [prepared.stuck_at(head) for head in prepared.heads] == [(), ("s",)]
    assert prepared.run_at(0b001, [X]) == (2,)
    with pytest.raises(InvalidCutError, match=r"\['s'\] would cross, and cannot travel"):
        prepared.run_at(0b011, [X])


def test_types_that_numpy_has_not_cross(model_of: ModelOf) -> None:
    """bfloat16, int4 and text cross a cut with their values as they are."""
    for number, text in ((onnx.TensorProto.BFLOAT16, "bfloat16"), (onnx.TensorProto.INT4, "int4")):
        model = model_of(
            f"""<ir_version: 10, opset_import: ["" : 21]>
            m (float[3] x) => (float[3] y) {{ a = Cast<to = {number}>(x) y = Cast<to = 1>(a) }}"""
        )
        prepared = CutpointBackend.prepare(model, is_optimised=False)
        assert prepared.graph.values["a"].dtype == text
        (y,) = prepared.run_at(0b01, [np.array([1, -2, 3], np.float32)])
        np.testing.assert_array_equal(y, [1, -2, 3])
    model = model_of("(string[2] x) => (string[2] y) { a = Identity(x) y = Identity(a) }")
    (y,) = CutpointBackend.prepare(model, is_optimised=False).run_at(
        0b01, [np.array(["é", ""], object)]
    )
    assert y.tolist() == ["é", ""]


def test_onnx_own_runner_accepts_it() -> None:
    """Some tests of the suite pass when ONNX's own runner gives them to the backend."""
    assert list(backend_tests("node"))  # made once, without the warnings of making it
    suite = onnx.backend.test.BackendTest(CutpointBackend, __name__)
    suite.include("test_(abs|if|loop13_seq|string_split_basic|lstm_defaults)_cpu")
    result = unittest.TestResult()
    suite.test_suite.run(result)
    assert not result.failures
    assert not result.errors
    assert result.testsRun - len(result.skipped) == 5


def test_a_folded_weight_of_an_old_file_is_not_asked_for() -> None:
    """An old file lists its weights as inputs; those the runtime folds away are no inputs left."""
    model = onnx.parser.parse_model(
        """<ir_version: 3, opset_import: ["" : 7]>
        old (float[2] x, float[2] w = {1, 2}, float[2] v = {3, 4}) => (float[2] y)
        { u = Add(w, v) y = Mul(x, u) }"""
    )
    prepared = CutpointBackend.prepare(model)
    assert prepared.graph.inputs == ("x",)
    np.testing.assert_allclose(prepared.run([X])[0], X * [4, 6])
