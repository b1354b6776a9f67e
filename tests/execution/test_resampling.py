"""What resizing is judged by: the libraries themselves, or what they gave."""

import numpy as np
import pytest
from PIL import Image

from cutpoint.execution.resampling import FILTERS, resized

SQUARES = np.arange(20, dtype=np.uint8).reshape(4, 5) ** 2 % 251
"""Five pixels wide and four high, with an edge in it."""

OPENCV = {
    (2, 3): [[6, 20], [74, 122], [66, 94]],
    (7, 6): [
        [0, 0, 2, 4, 8, 12, 16], [13, 16, 21, 27, 34, 42, 49], [37, 45, 54, 65, 77, 89, 100],
        [87, 98, 113, 128, 145, 162, 177], [163, 104, 68, 89, 110, 132, 151],
        [225, 96, 9, 33, 58, 84, 105],
    ],
}  # fmt: skip
"""What cv2.resize(SQUARES, size, interpolation=cv2.INTER_LINEAR) of OpenCV 5.0 gives."""

TORCH = {
    ("linear", (2, 3)): [[6.1667, 20.3333], [74.5, 122.0], [66.1667, 93.6667]],
    ("linear-antialias", (2, 3)): [[12.2273, 26.2273], [79.2273, 117.2273], [94.0455, 99.0273]],
}
"""What interpolate(mode="bilinear", align_corners=False) of torch 2.9 gives, in doubles."""

PILLOWS = {
    "linear-antialias": Image.Resampling.BILINEAR,
    "cubic-antialias": Image.Resampling.BICUBIC,
}


@pytest.mark.parametrize("size", list(OPENCV))
def test_linear_is_opencvs(size: tuple[int, int]) -> None:
    """But for the last bit: OpenCV computes with weights of 11 bits."""
    found = resized(SQUARES[None, ..., None], size, "linear")[0, ..., 0]
    assert np.abs(found.astype(int) - OPENCV[size]).max() <= 1
    assert (found == OPENCV[size]).mean() > 0.8


@pytest.mark.parametrize(("mode", "size"), list(TORCH))
def test_both_linear_ones_are_torchs(mode: str, size: tuple[int, int]) -> None:
    """Rounded to bytes, once or after each axis."""
    found = resized(SQUARES[None, ..., None], size, mode)[0, ..., 0]
    assert np.abs(found - np.array(TORCH[mode, size])).max() <= (0.5 if mode == "linear" else 1)


@pytest.mark.parametrize("mode", list(PILLOWS))
@pytest.mark.parametrize(
    ("size", "most", "share"),
    [((31, 17), 1, 0.9), ((200, 150), 1, 0.9), ((1, 1), 1, 0), ((64, 9), 4, 0.5)],
)
def test_antialiased_ones_are_pillows(
    mode: str, size: tuple[int, int], most: int, share: float
) -> None:
    """Noise, made larger and smaller; where one axis shrinks most, Pillow begins with that one."""
    picture = np.random.default_rng(3).integers(0, 256, (64, 81, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(picture).resize(size, PILLOWS[mode])).astype(int)
    found = resized(picture[None], size, mode)[0]
    assert np.abs(found - expected).max() <= most
    assert (found == expected).mean() >= share


@pytest.mark.parametrize("mode", list(FILTERS))
def test_one_colour_stays_one_colour(mode: str) -> None:
    """And a picture of the size wanted stays as it is."""
    white = np.full((2, 7, 5, 1), 255, np.uint8)
    assert (resized(white, (11, 3), mode) == 255).all()
    picture = np.random.default_rng(1).integers(0, 256, (1, 8, 9, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resized(picture, (9, 8), mode), picture)
