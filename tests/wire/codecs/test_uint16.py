"""Two bytes of equal steps: for what float16 is too coarse or too short."""

import numpy as np

from cutpoint.wire.codecs.float16 import Float16
from cutpoint.wire.codecs.uint16 import Uint16
from cutpoint.wire.tensors import TensorSpec


def largest_error(codec: Uint16 | Float16, array: np.ndarray) -> float:
    """Give how far an element is off after the trip."""
    decoded = codec.decode(TensorSpec.of("x", array), b"".join(codec.blocks(array)))
    return float(np.abs(decoded - array).max())


def test_points_far_from_the_origin_keep_all_steps() -> None:
    """A cloud of 200 m at 5 km: 1.6 mm, where half precision is off by metres."""
    points = (5000 + 200 * np.random.default_rng(0).random((4000, 3))).astype("float32")
    assert largest_error(Uint16(), points) < 0.003
    assert largest_error(Float16(), points) > 1


def test_sound_keeps_the_resolution_of_a_recording() -> None:
    """Samples between -1 and 1 are off by half a step of 2^-15 at most."""
    sound = np.sin(np.linspace(0, 900, 16000, dtype="float32"))
    assert largest_error(Uint16(), sound) <= Uint16().most_error(sound) < 2.0**-15


def test_what_is_as_short_already_is_not_taken() -> None:
    """Half precision has no use for other two bytes."""
    assert not Uint16().takes(TensorSpec("x", "float16", (4,)))
    assert Uint16().takes(TensorSpec("x", "float64", (4,)))


def test_a_fixed_range_far_from_zero_saturates_at_its_own_ends() -> None:
    """Its ends may be no float32: what lies beyond the last step must not begin anew at 0."""
    low, high = -79640.67766326963, -79631.1522412542
    array = np.array([0.0, high, low, -1e6], np.float32)
    decoded = Uint16().decode(
        TensorSpec.of("x", array), b"".join(Uint16().with_range(low, high).blocks(array))
    )
    np.testing.assert_allclose(decoded, [high, high, low, low], rtol=2e-7)
