import os
from collections.abc import Callable

import ml_dtypes
import numpy as np
import onnx
import pytest

from cutpoint.testing.uncut import development_opsets, readable, run_uncut

ModelOf = Callable[..., onnx.ModelProto]

X = np.array([1, 2], np.float32)
NEG = '<ir_version: {}, opset_import: ["" : {}]> m (float[2] x) => (float[2] y) {{ y = Neg(x) }}'
SETTING = "ALLOW_RELEASED_ONNX_OPSET_ONLY"


def test_outputs_of_a_plain_session(model_of: ModelOf) -> None:
    """Outputs come in the model's order, also those of types that NumPy has not."""
    model = model_of(
        """(float[2] x, seq(float[2]) s) => (int64 n, float[2] y)
        { n = SequenceLength(s) y = Neg(x) }"""
    )
    n, y = run_uncut(model, [X, [X, X]])
    assert (n, y.tolist()) == (2, [-1, -2])
    (y,) = run_uncut(model_of("(float[2] x) => (bfloat16[2] y) { y = Cast<to = 16>(x) }"), [X])
    assert (y.dtype, y.tolist()) == (ml_dtypes.bfloat16, [1, 2])


@pytest.mark.parametrize(("ir_version", "opset"), [(8, 17), (999, 17), (8, 999), (999, 999)])
def test_a_model_of_the_future_is_made_readable(
    ir_version: int, opset: int, model_of: ModelOf
) -> None:
    """Versions ONNX Runtime does not read are lowered, others kept; the given model is too."""
    model = model_of(NEG.format(ir_version, opset))
    before = model.SerializeToString()
    with development_opsets():
        lowered = readable(model)
        assert run_uncut(lowered, [X])[0].tolist() == [-1, -2]
    assert model.SerializeToString() == before
    assert (lowered.ir_version == ir_version) is (ir_version == 8)
    assert (lowered.opset_import[0].version == opset) is (opset == 17)


@pytest.mark.parametrize("before", [None, "1"])
def test_the_setting_is_given_back(before: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unreleased operator sets are allowed inside alone."""
    if before is None:
        monkeypatch.delenv(SETTING, raising=False)
    else:
        monkeypatch.setenv(SETTING, before)
    with development_opsets():
        assert os.environ[SETTING] == "0"
    assert os.environ.get(SETTING) == before
