"""Handwritten digits of 8 x 8 pixels, in two parts, and what may happen to a camera."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import MissingDependencyError

SIDE = 8
NUM_CLASSES = 10
_BRIGHTEST = 16.0
_HELD_OUT = 0.25

Pictures = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Digits:
    """
    Pictures of one channel from 0 to 1, and which digit each is.

    Parameters
    ----------
    train, train_labels
        To train with.
    held_out, held_out_labels
        That training never sees.
    """

    train: Pictures
    train_labels: Labels
    held_out: Pictures
    held_out_labels: Labels


def load_digits(seed: int = 0) -> Digits:
    """
    Give the 1,797 digits that come with scikit-learn, shuffled and parted.

    Notes
    -----
    The test part of E. Alpaydin and C. Kaynak, "Optical recognition of handwritten digits", UCI
    machine learning repository, 1998.

    Raises
    ------
    MissingDependencyError
        If scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits as bundled
    except ImportError as error:
        raise MissingDependencyError(
            "the digits come with scikit-learn: pip install 'cutpoint[lab]'"
        ) from error
    found: Any = bundled()
    order = np.random.default_rng(seed).permutation(len(found.images))
    pictures = (found.images[order, None] / _BRIGHTEST).astype(np.float32)
    labels = found.target[order].astype(np.int64)
    num = round(_HELD_OUT * len(order))
    return Digits(pictures[num:], labels[num:], pictures[:num], labels[:num])


def too_bright(pictures: Pictures, gain: float = 4.0) -> Pictures:
    """Give pictures of a camera whose gain has been turned up."""
    changed: Pictures = pictures * np.float32(gain)
    return changed


def inverted(pictures: Pictures) -> Pictures:
    """Give dark digits on light paper, where light ones on dark were learnt."""
    changed: Pictures = np.float32(1) - pictures
    return changed
