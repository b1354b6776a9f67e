"""Natural pictures of any size: crops of the two photographs that come with scikit-learn."""

import importlib
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import MissingDependencyError
from cutpoint.lab.zoo.images import IMAGENET_MEAN, IMAGENET_STD

Pixels = NDArray[np.uint8]
"""Pictures as a camera gives them. Shape ``(count, height, width, 3)``, red, green, blue."""

_LEAST_SHARE = 0.6
"""Side of the smallest crop, of the photograph's shorter one: small crops are blurred, large ones
are alike."""


def photos(count: int, height: int, width: int, seed: int = 0) -> Pixels:
    """
    Give crops of natural photographs, in turns of a building and a flower.

    Picture ``i`` depends on ``seed`` and ``i`` only. A crop takes 60 to 100 % of the largest
    rectangle of that shape in a photograph of 427 x 640 pixels, is mirrored half the time, and is
    resized with a bicubic filter: larger pictures than 427 pixels are smoother than a camera's.

    Parameters
    ----------
    count
        Number of pictures.
    height, width
        Of each, in pixels.
    seed
        Of the crops, not negative.

    Returns
    -------
    Pixels
        Shape ``(count, height, width, 3)``.

    Raises
    ------
    MissingDependencyError
        If scikit-learn or Pillow is not installed.
    """
    pictures = np.empty((count, height, width, 3), np.uint8)
    originals = _originals()
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        pictures[number] = _crop(originals[number % len(originals)], height, width, rng)
    return pictures


def normalised(pictures: Pixels) -> NDArray[np.float32]:
    """
    Give pictures as classifiers take them.

    Returns
    -------
    NDArray[np.float32]
        Shape ``(count, 3, height, width)``; pixels in 0..1 less the ImageNet mean, over the
        ImageNet standard deviation.
    """
    mean, std = np.array(IMAGENET_MEAN, np.float32), np.array(IMAGENET_STD, np.float32)
    scaled = (pictures.astype(np.float32) / np.float32(255.0) - mean) / std
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def encoded_photo(picture: Pixels, form: str, **settings: Any) -> bytes:
    """
    Give one picture as the bytes of a file.

    Parameters
    ----------
    picture
        Shape ``(height, width, 3)``.
    form
        ``jpeg``, ``png`` or ``webp``.
    settings
        As Pillow takes them: ``quality=90``.

    Raises
    ------
    MissingDependencyError
        If Pillow is not installed.
    """
    file = BytesIO()
    _image_module().fromarray(picture).save(file, form, **settings)
    return file.getvalue()


def mean_photo_bytes(pictures: Pixels, form: str, **settings: Any) -> float:
    """Give the mean size of pictures as files; arguments as for `encoded_photo`."""
    return float(np.mean([len(encoded_photo(each, form, **settings)) for each in pictures]))


def _crop(photo: Any, height: int, width: int, rng: np.random.Generator) -> Pixels:
    across, down = photo.size
    scale = min(across / width, down / height) * rng.uniform(_LEAST_SHARE, 1.0)
    box = scale * width, scale * height
    left, top = rng.uniform(0, across - box[0]), rng.uniform(0, down - box[1])
    module = _image_module()
    resized = photo.resize(
        (width, height), module.Resampling.BICUBIC, (left, top, left + box[0], top + box[1])
    )
    picture: Pixels = np.asarray(resized)
    return picture[:, ::-1] if rng.random() < 0.5 else picture


@cache
def _originals() -> tuple[Any, ...]:
    try:
        datasets = importlib.import_module("sklearn.datasets")
    except ImportError as error:
        raise MissingDependencyError(
            "natural pictures come with scikit-learn: pip install 'cutpoint[lab]'"
        ) from error
    module = _image_module()
    return tuple(module.fromarray(image) for image in datasets.load_sample_images().images)


def _image_module() -> Any:
    try:
        return importlib.import_module("PIL.Image")
    except ImportError as error:
        raise MissingDependencyError(
            "pictures need Pillow: pip install 'cutpoint[codecs]'"
        ) from error
