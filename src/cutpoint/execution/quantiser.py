"""The arithmetic of codecs by ONNX Runtime, where that is faster than NumPy on this host."""

import logging
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, ValueInfoProto, helper

from cutpoint.exceptions import MissingDependencyError
from cutpoint.execution.runtime import onnxruntime_module, quiet_options

_log = logging.getLogger(__name__)

_OPSET, _IR_VERSION = 13, 8
"""What every ONNX Runtime since 1.6 reads."""

_SIZES = (1 << 12, 1 << 14, 1 << 16, 1 << 18)
"""Elements at which both are timed; a larger array is as one of the last."""

_BLOCK = 1 << 16
"""Elements that the codecs work on at a time."""

_ALLOWANCE = 1.25
"""NumPy takes so much longer in a codec than here: it is called block by block."""

_RUNS = 5
_NEVER = 1 << 62

Coded = tuple[NDArray[np.uint8], float, int]
"""Codes, the step between them, and the code of 0."""

_Arrays = dict[str, NDArray[Any]]


class RuntimeQuantiser:
    """
    Quantises, dequantises and casts with sessions of one operator each.

    Parameters
    ----------
    clock
        Seconds: each operator is timed once against NumPy.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        codes, single, half = TensorProto.UINT8, TensorProto.FLOAT, TensorProto.FLOAT16
        self._sessions = {
            "codes": _session("DynamicQuantizeLinear", single, codes),
            "numbers": _session("DequantizeLinear", codes, single),
            "halves": _session("Cast", single, half),
            "wholes": _session("Cast", half, single),
        }
        self.least_sizes = {name: self._least_size(name, clock) for name in self._sessions}

    def __repr__(self) -> str:
        return f"<RuntimeQuantiser {self.least_sizes}>"

    def codes(self, numbers: NDArray[np.float32]) -> Coded | None:
        """Give codes, step and the code of 0; ``None`` if NumPy is faster."""
        if numbers.size < self.least_sizes["codes"]:
            return None
        codes, step, zero = self._sessions["codes"].run(None, {"x": numbers})
        return codes, float(step), int(zero)

    def numbers(
        self, codes: NDArray[np.uint8], step: float, zero: int
    ) -> NDArray[np.float32] | None:
        """Give the number that each code stands for; ``None`` if NumPy is faster."""
        if codes.size < self.least_sizes["numbers"]:
            return None
        feed = {"x": codes, **_steps(step, zero)}
        made: NDArray[np.float32] = self._sessions["numbers"].run(None, feed)[0]
        return made

    def halves(self, numbers: NDArray[np.float32]) -> NDArray[np.float16] | None:
        """Give the nearest half-precision number of each; ``None`` if NumPy is faster."""
        made: NDArray[np.float16] | None = self._made("halves", numbers)
        return made

    def wholes(self, halves: NDArray[np.float16]) -> NDArray[np.float32] | None:
        """Give half-precision numbers as float32; ``None`` if NumPy is faster."""
        made: NDArray[np.float32] | None = self._made("wholes", halves)
        return made

    def _made(self, name: str, given: NDArray[Any]) -> Any:
        if given.size < self.least_sizes[name]:
            return None
        return self._sessions[name].run(None, {"x": given})[0]

    def _least_size(self, name: str, clock: Callable[[], float]) -> int:
        """Give the number of elements from which on this operator is faster than NumPy."""
        least = _NEVER
        for size in reversed(_SIZES):
            given, steps, rival = _trial(name, size)
            run = partial(self._sessions[name].run, None, {"x": given, **steps})
            if _fastest_s(run, clock) > _ALLOWANCE * _fastest_s(rival, clock):
                break
            least = size
        return least


@cache
def runtime_quantiser() -> RuntimeQuantiser | None:
    """Give the quantiser of this process, timed at the first call; ``None`` without a runtime."""
    try:
        return RuntimeQuantiser()
    except MissingDependencyError:
        return None
    except Exception as error:  # a build may lack an operator: a class per status, none public
        _log.warning("codecs are computed by NumPy: ONNX Runtime cannot (%s)", error)
        return None


def _session(op_type: str, given: int, made: int) -> Any:
    """Make a model of one operator that takes a flat array."""
    steps = [_info("step", TensorProto.FLOAT, []), _info("zero", TensorProto.UINT8, [])]
    inputs, outputs = [_info("x", given, ["size"])], [_info("y", made, ["size"])]
    if op_type == "DynamicQuantizeLinear":
        outputs += steps
    elif op_type == "DequantizeLinear":
        inputs += steps
    node = helper.make_node(
        op_type, [each.name for each in inputs], [each.name for each in outputs]
    )
    if op_type == "Cast":
        node.attribute.append(helper.make_attribute("to", made))
    model = helper.make_model(
        helper.make_graph([node], op_type, inputs, outputs),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )
    # One thread: the others belong to the model, which may be running its next nodes.
    return onnxruntime_module().InferenceSession(
        model.SerializeToString(), quiet_options(1), providers=["CPUExecutionProvider"]
    )


def _info(name: str, element_type: int, shape: list[str]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, element_type, shape)


def _steps(step: float, zero: int) -> _Arrays:
    return {"step": np.array(step, np.float32), "zero": np.array(zero, np.uint8)}


def _trial(name: str, size: int) -> tuple[NDArray[Any], _Arrays, Callable[[], object]]:
    """Give what an operator is tried on, and what NumPy does to the same in the codecs."""
    numbers = np.linspace(-1, 1, size, dtype=np.float32)
    codes = np.zeros(size, np.uint8)
    if name == "halves":
        return numbers, {}, lambda: numbers.astype(np.float16)
    if name == "wholes":
        halves = numbers.astype(np.float16)
        return halves, {}, lambda: halves.astype(np.float32)
    if name == "codes":
        return numbers, {}, lambda: _coded(numbers)
    return codes, _steps(1 / 127, 127), lambda: _numbered(codes)


def _coded(numbers: NDArray[np.float32]) -> None:
    np.maximum.reduce(numbers)  # and the least, which is sought for the sake of NaN either way
    made, part = np.empty(numbers.size, np.uint8), np.empty(_BLOCK, np.float32)
    for start in range(0, numbers.size, _BLOCK):
        given = numbers[start : start + _BLOCK]
        at = part[: given.size]
        np.multiply(given, np.float32(127), out=at)
        np.add(at, np.float32(127.5), out=at)
        np.copyto(made[start : start + _BLOCK], at, casting="unsafe")


def _numbered(codes: NDArray[np.uint8]) -> None:
    made = np.empty(codes.size, np.float32)
    for start in range(0, codes.size, _BLOCK):
        at = made[start : start + _BLOCK]
        np.copyto(at, codes[start : start + _BLOCK])
        np.multiply(at, np.float32(1 / 127), out=at)
        np.add(at, np.float32(-1), out=at)


def _fastest_s(run: Callable[[], object], clock: Callable[[], float]) -> float:
    """Give the time of the fastest of a few runs."""
    times_s = []
    for _ in range(_RUNS):
        begun_s = clock()
        run()
        times_s.append(clock() - begun_s)
    return min(times_s)
