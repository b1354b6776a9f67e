"""Steps for each channel: a wide one does not coarsen the others."""

import numpy as np
import pytest

from cutpoint.exceptions import CodecError, RemoteProtocolError
from cutpoint.wire.codecs.channels import channels_of
from cutpoint.wire.codecs.uint8 import Uint8
from cutpoint.wire.codecs.uint8_channel import Uint8Channel
from cutpoint.wire.tensors import TensorSpec


def errors(codec: Uint8 | Uint8Channel, array: np.ndarray) -> np.ndarray:
    """Give how far each element is off after the trip."""
    decoded = codec.decode(TensorSpec.of("x", array), b"".join(codec.blocks(array)))
    return np.abs(decoded.astype("float32") - array.astype("float32"))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize(
    ("shape", "scale_shape"),
    [((1, 8, 12, 12), (1, 8, 1, 1)), ((2, 40, 8), (1, 1, 8)), ((1, 2, 300, 301), (1, 2, 1, 1))],
)
def test_each_channel_has_the_error_of_its_own_range(
    dtype: str, shape: tuple[int, ...], scale_shape: tuple[int, ...]
) -> None:
    """Planes of an image, features of a sequence: each is off by half a step of its own."""
    num = int(np.prod(scale_shape))
    scale = (10.0 ** -np.arange(num)).reshape(scale_shape)
    array = (np.random.default_rng(0).standard_normal(shape) * scale).astype(dtype)
    found, reach = errors(Uint8Channel(), array), np.abs(array.astype("float64"))
    for index in range(num):
        part = tuple(slice(None) if side == 1 else index for side in scale_shape)
        assert found[part].max() <= 0.013 * reach[part].max()
    assert errors(Uint8(), array).max() <= 0.013 * reach.max()


@pytest.mark.parametrize(
    ("shape", "num"),
    [
        ((1, 64, 56, 56), 64), ((2, 64, 56, 56), 128), ((1, 197, 192), 192), ((1, 8, 4, 4, 4), 8),
        ((1, 1280, 1, 1), 1), ((1, 1280, 3, 3), 1), ((1, 1000), 1), ((5,), 1), ((), 1),
        ((0, 3, 4, 4), 1), ((1, 3, 8), 1), ((1, 0, 4, 4), 1),
    ],
)  # fmt: skip
def test_what_would_take_more_than_it_saves_is_one_channel(
    shape: tuple[int, ...], num: int
) -> None:
    """A channel has sixteen elements at least; three bytes for each stand before the codes."""
    assert channels_of(shape).num == num
    spec = TensorSpec("x", "float32", shape)
    assert Uint8Channel().most_bytes(spec) == 3 * num + int(np.prod(shape))


@pytest.mark.parametrize("upper", [0x0000, 0x8000, 0xBF80, 0x7F80, 0xFF80, 0x7FC0, 0x7E80])
def test_a_step_that_leads_to_no_numbers_is_refused(upper: int) -> None:
    """Nought, negative, infinite and NaN steps, and those that overflow."""
    spec = TensorSpec("x", "float32", (4,))
    raw = upper.to_bytes(2, "little") + bytes(5)
    with pytest.raises(RemoteProtocolError, match="no steps of float32"):
        Uint8Channel().decode(spec, raw)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 3.4e38])
def test_a_channel_without_a_range_is_refused(odd: float) -> None:
    """One number that is none, or too large, is enough."""
    array = np.ones((1, 4, 8, 8), "float32")
    array[0, 2, 1] = odd
    with pytest.raises(CodecError, match="have no steps"):
        next(Uint8Channel().blocks(array))
