"""Arrays to time codecs on where no real ones are at hand."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

_MAPS = ((16, 8), (64, 8), (64, 16), (128, 32), (256, 32))
"""Channels and side: 4, 16, 64, 512 and 1024 KiB of float32."""

_THRESHOLDS = (None, -0.8, 0.0, 1.0)
"""What lies below is zero: in nothing, in a fifth, in half and in most of a map."""

_SPREAD, _SHIFT = 0.5, 0.3
"""How far channels differ: standard deviation of the logarithm of their scale, and of their
mean."""

_PICTURE_SIDES = (64, 224)
_EXPONENTS = (1.3, 1.8)
"""How steeply the amplitude falls with the frequency in a picture of much and of little detail."""

_LIGHT, _CONTRAST, _TINT = 110.0, 80.0, 0.15
"""Mean and spread of a picture's pixels, and the share of colour in it."""

_MEAN, _STD = np.float32(0.45), np.float32(0.22)
"""What classifiers take from a pixel in 0..1, and divide it by."""

_NUM_TOKENS = (64, 4096)
_VOCABULARY = 30_000


def made_up_values(seed: int = 0) -> Iterator[NDArray[np.generic]]:
    """
    Yield arrays such as cross cuts: float32 maps, dense and sparse, pictures, token ids.

    Neighbours in a map are as alike as in a photograph of much detail (amplitude falls as
    1 / frequency): what compressing takes depends on that. Pictures come as uint8 pixels and, as
    nets take them, as float32; token ids as int64.
    """
    rng = np.random.default_rng(seed)
    for channels, side in _MAPS:
        field = _map(rng, channels, side)
        for threshold in _THRESHOLDS:
            yield field if threshold is None else np.maximum(field - np.float32(threshold), 0)
    for side in _PICTURE_SIDES:
        for exponent in _EXPONENTS:
            picture = _picture(rng, side, exponent)
            yield picture
            yield _as_input(picture)
    for num_tokens in _NUM_TOKENS:
        yield rng.integers(0, _VOCABULARY, (1, num_tokens))


def with_pictures(values: Iterable[NDArray[np.generic]]) -> tuple[NDArray[np.generic], ...]:
    """
    Put made-up pictures in the place of made-up bytes, which as pictures are pure noise.

    An image file of noise is several times as large as one of a picture, and takes as long.
    """
    given = tuple(values)
    others = tuple(value for value in given if value.dtype != np.uint8)
    if len(others) == len(given):
        return given
    return (*others, *(each for each in made_up_values() if each.dtype == np.uint8))


def _map(rng: np.random.Generator, channels: int, side: int) -> NDArray[np.float32]:
    scale = np.exp(_SPREAD * rng.standard_normal((channels, 1, 1)))
    shift = _SHIFT * rng.standard_normal((channels, 1, 1))
    return (_field(rng, channels, side, 1.0) * scale + shift).astype(np.float32)[None]


def _picture(rng: np.random.Generator, side: int, exponent: float) -> NDArray[np.uint8]:
    grey, *colours = _field(rng, 4, side, exponent)
    light = _LIGHT + _CONTRAST * ((1 - _TINT) * grey + _TINT * np.array(colours))
    pixels = np.clip(light, 0, 255).astype(np.uint8).transpose(1, 2, 0)
    return np.ascontiguousarray(pixels)[None]


def _as_input(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    scaled = (picture.astype(np.float32) / np.float32(255) - _MEAN) / _STD
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def _field(
    rng: np.random.Generator, channels: int, side: int, exponent: float
) -> NDArray[np.float64]:
    """Give noise of unit spread whose amplitude falls as the frequency to some power."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    frequency[0, 0] = np.inf  # no constant part
    white = np.fft.rfft2(rng.standard_normal((channels, side, side)))
    field = np.fft.irfft2(white * frequency**-exponent, s=(side, side))
    spread: NDArray[np.float64] = field / field.std(axis=(1, 2), keepdims=True)
    return spread
