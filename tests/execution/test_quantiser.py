"""ONNX Runtime's arithmetic for codecs: the same values, and only where it is faster."""

from collections.abc import Callable
from itertools import count

import numpy as np
import pytest

from cutpoint.exceptions import MissingDependencyError
from cutpoint.execution import quantiser as module
from cutpoint.execution.quantiser import RuntimeQuantiser, runtime_quantiser
from cutpoint.wire.codecs import Quantiser, codec_named
from cutpoint.wire.tensors import TensorSpec


def clock_of(*steps_s: float) -> Callable[[], float]:
    """Give a clock by which runs of ONNX Runtime and of NumPy take these times, in turns."""
    now_s, calls = 0.0, count()

    def clock() -> float:
        nonlocal now_s
        call = next(calls)
        if call % 2:  # the end of a run; the runs of one trial come five at a time
            now_s += steps_s[call // 2 // 5 % len(steps_s)]
        return now_s

    return clock


@pytest.fixture(scope="module")
def eager() -> RuntimeQuantiser:
    """Give one that is always faster."""
    return RuntimeQuantiser(clock_of(1.0, 2.0))


NUMBERS = np.random.default_rng(0).standard_normal(100_003).astype("float32")


def test_codes_are_those_of_the_standard(eager: RuntimeQuantiser) -> None:
    """The range and 0 in 255 steps, rounded to the even one, as ONNX's text says."""
    made = eager.codes(NUMBERS)
    assert made is not None
    codes, step, zero = made
    wanted_step = np.float32((np.ptp(NUMBERS)) / np.float32(255))
    assert step == pytest.approx(float(wanted_step), rel=1e-6)
    assert zero == round(-float(NUMBERS.min()) / step)
    wanted = np.clip(np.rint(NUMBERS / np.float32(step)) + zero, 0, 255)
    np.testing.assert_array_equal(codes, wanted.astype(np.uint8))


def test_numbers_are_those_that_codes_stand_for(eager: RuntimeQuantiser) -> None:
    """A code and its distance to the code of 0, in steps."""
    codes = np.tile(np.arange(256, dtype=np.uint8), 100)
    numbers = eager.numbers(codes, 0.3, 7)
    assert numbers is not None
    np.testing.assert_array_equal(
        numbers, (codes.astype("float32") - np.float32(7)) * np.float32(0.3)
    )
    assert numbers[7] == 0


def test_halves_are_those_of_numpy(eager: RuntimeQuantiser) -> None:
    """Rounded to the even one, subnormal ones, infinities and NaN among them."""
    odd = np.array([0, -0.0, 1e-7, 6e-8, 3e-8, 65504, np.inf, -np.inf, np.nan], "float32")
    for numbers in (NUMBERS, np.tile(odd, 1000)):
        halves = eager.halves(numbers)
        assert halves is not None
        np.testing.assert_array_equal(halves, numbers.astype(np.float16))
        wholes = eager.wholes(halves)
        assert wholes is not None
        np.testing.assert_array_equal(wholes, halves.astype(np.float32))


def test_nothing_is_done_where_numpy_is_faster() -> None:
    """Timed slower at every size, it leaves everything to NumPy."""
    lazy = RuntimeQuantiser(clock_of(2.0, 1.0))
    assert lazy.codes(NUMBERS) is None
    assert lazy.numbers(np.zeros(100_000, np.uint8), 1.0, 0) is None
    assert lazy.halves(NUMBERS) is None
    assert lazy.wholes(NUMBERS.astype(np.float16)) is None


def test_small_arrays_are_left_to_numpy(eager: RuntimeQuantiser) -> None:
    """Below the smallest size that was timed a call costs more than the arithmetic."""
    assert eager.halves(NUMBERS[:100]) is None
    assert eager.codes(NUMBERS[:100]) is None


def test_one_size_too_slow_leaves_smaller_ones_to_numpy() -> None:
    """From the largest down, up to the first at which NumPy is faster."""
    fast, slow = (1.0, 2.0), (2.0, 1.0)
    quantiser = RuntimeQuantiser(clock_of(*fast, *fast, *slow))
    assert quantiser.least_sizes["codes"] == 1 << 16


def test_it_is_what_the_codecs_ask_for(eager: RuntimeQuantiser) -> None:
    """Codecs given it lose no more than without, and peers without it understand."""
    helper: Quantiser = eager
    for name in ("uint8", "uint8+zstd", "float16"):
        helped, plain = codec_named(name, helper), codec_named(name)
        raw = b"".join(helped.blocks(NUMBERS))
        for codec in (helped, plain):
            decoded = codec.decode(TensorSpec.of("x", NUMBERS), raw)
            assert np.abs(decoded - NUMBERS).max() <= plain.most_error(NUMBERS)


def test_a_process_times_it_once() -> None:
    """Every caller gets the same one."""
    assert runtime_quantiser() is runtime_quantiser() is not None


@pytest.mark.parametrize("error", [MissingDependencyError("none"), RuntimeError("no kernel")])
def test_without_a_runtime_that_can_there_is_none(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Codecs work by NumPy where no ONNX Runtime is installed, or one without the operators."""

    def failing() -> None:
        raise error

    monkeypatch.setattr(module, "onnxruntime_module", failing)
    runtime_quantiser.cache_clear()
    try:
        assert runtime_quantiser() is None
    finally:
        runtime_quantiser.cache_clear()
