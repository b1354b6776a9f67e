"""Smooth random images with the spectrum of photographs, so that nothing is downloaded."""

import numpy as np
from numpy.typing import NDArray

IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""Mean of red, green and blue over ImageNet, pixels in 0..1 (torchvision's constants)."""

IMAGENET_STD = (0.229, 0.224, 0.225)
"""Standard deviation of red, green and blue over ImageNet, pixels in 0..1."""

_TINT_SHARE = 0.35
"""How much of an image's contrast is colour; the rest is shared by all channels."""


def sample_images(
    count: int, height: int, width: int, seed: int, channels: int = 3
) -> NDArray[np.float32]:
    """
    Give seeded synthetic images, normalised as ImageNet classifiers expect.

    Image ``i`` depends on ``seed`` and ``i`` only: asking for more images leaves
    the first ones as they were.

    Parameters
    ----------
    count
        Number of images.
    height
        Rows, in pixels.
    width
        Columns, in pixels.
    seed
        Not negative.
    channels
        3 for colour; any other number is normalised by the mean grey.

    Returns
    -------
    NDArray[np.float32]
        Shape ``(count, channels, height, width)``; pixels in 0..1 less the
        ImageNet mean, over the ImageNet standard deviation.
    """
    mean, std = _normalisation(channels)
    images = np.empty((count, channels, height, width), dtype=np.float32)
    for image_idx in range(count):
        pixels = _pixels(np.random.default_rng([seed, image_idx]), height, width, channels)
        images[image_idx] = (pixels - mean) / std
    return images


def _normalisation(channels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mean, std = np.array(IMAGENET_MEAN), np.array(IMAGENET_STD)
    if channels != len(IMAGENET_MEAN):
        mean, std = np.full(channels, mean.mean()), np.full(channels, std.mean())
    return mean[:, None, None], std[:, None, None]


def _pixels(
    rng: np.random.Generator, height: int, width: int, channels: int
) -> NDArray[np.float64]:
    # Narrow ranges: a net's answer grows with contrast, and no image may drown the others.
    fields = _smooth_fields(rng, channels + 1, height, width)
    light, tints = fields[0], fields[1:]
    cast = rng.normal(0.0, 0.05, size=(channels, 1, 1))
    brightness, contrast = rng.uniform(0.35, 0.55), rng.uniform(0.22, 0.32)
    mixed = (1 - _TINT_SHARE) * light + _TINT_SHARE * tints
    pixels: NDArray[np.float64] = np.clip(brightness + cast + contrast * mixed, 0.0, 1.0)
    return pixels


def _smooth_fields(
    rng: np.random.Generator, count: int, height: int, width: int
) -> NDArray[np.float64]:
    """Give noise whose amplitude falls as frequency to a power near -1, each field of unit std."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = np.inf  # no constant part: brightness is drawn apart
    amplitude = frequency ** -rng.uniform(1.0, 1.3)
    white = rng.standard_normal((count, height, width))
    fields: NDArray[np.float64] = np.fft.irfft2(np.fft.rfft2(white) * amplitude, s=(height, width))
    # A field of one pixel has no spread, and stays zero.
    fields /= np.maximum(fields.std(axis=(1, 2), keepdims=True), np.finfo(np.float64).tiny)
    return fields
