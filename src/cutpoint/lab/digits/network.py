"""A small convolutional network in NumPy, forth and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float32]
Weights = dict[str, Array]

CHANNELS = (16, 16, 32)
"""Of the three convolutions; the last two are followed by pooling."""

_HIDDEN = 64
_KERNEL = 3


@dataclass(frozen=True)
class Layer:
    """
    One convolution or matrix product, and whether its outputs are pooled.

    Parameters
    ----------
    name
        Of its weights.
    is_pooled
        Whether the greatest of each 2 x 2 is kept.
    """

    name: str
    is_pooled: bool = False


CONVOLUTIONS = (Layer("conv1"), Layer("conv2", is_pooled=True), Layer("conv3", is_pooled=True))
PRODUCTS = (Layer("hidden"), Layer("scores"))


def drawn_weights(rng: np.random.Generator, side: int, num_classes: int) -> Weights:
    """Draw weights as He and others do for Relus: by the number of inputs."""
    last = CHANNELS[-1] * (side // 4) ** 2
    shapes: Mapping[str, Sequence[int]] = {
        "conv1": (CHANNELS[0], 1, _KERNEL, _KERNEL),
        "conv2": (CHANNELS[1], CHANNELS[0], _KERNEL, _KERNEL),
        "conv3": (CHANNELS[2], CHANNELS[1], _KERNEL, _KERNEL),
        "hidden": (_HIDDEN, last),
        "scores": (num_classes, _HIDDEN),
    }
    weights: Weights = {}
    for name, shape in shapes.items():
        spread = np.sqrt(2 / np.prod(shape[1:]))
        weights[f"{name}.weight"] = (spread * rng.standard_normal(shape)).astype(np.float32)
        weights[f"{name}.bias"] = np.zeros(shape[0], np.float32)
    return weights


class Pass:
    """
    One pass of some pictures through the network, and back.

    Parameters
    ----------
    weights
        By name.
    pictures
        In a batch.
    """

    def __init__(self, weights: Weights, pictures: Array) -> None:
        self._weights = weights
        self._columns: dict[str, Array] = {}
        self._made: dict[str, Array] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        values = pictures
        for layer in CONVOLUTIONS:
            values = self._relu(layer.name, self._convolved(layer.name, values))
            values = self._pooled(layer.name, values) if layer.is_pooled else values
        self._flat_shape = values.shape
        values = values.reshape(len(values), -1)
        values = self._relu("hidden", self._multiplied("hidden", values))
        self.scores = self._multiplied("scores", values)

    def __repr__(self) -> str:
        return f"<Pass of {len(self.scores)} pictures>"

    def gradients(self, labels: NDArray[np.int64]) -> Weights:
        """Give the gradient of the mean cross-entropy by each weight."""
        found: Weights = {}
        shifted = np.exp(self.scores - self.scores.max(axis=1, keepdims=True))
        back = shifted / shifted.sum(axis=1, keepdims=True)
        back[np.arange(len(labels)), labels] -= 1
        back = self._multiplied_back("scores", back / len(labels), found)
        back = self._multiplied_back("hidden", back * (self._made["hidden"] > 0), found)
        back = back.reshape(self._flat_shape)
        for layer in reversed(CONVOLUTIONS):
            if layer.is_pooled:
                back = self._pooled_back(layer.name, back)
            back = back * (self._made[layer.name] > 0)
            back = self._convolved_back(layer.name, back, found)
        return found

    def _multiplied(self, name: str, values: Array) -> Array:
        self._columns[name] = values
        product: Array = values @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return product

    def _multiplied_back(self, name: str, back: Array, found: Weights) -> Array:
        found[f"{name}.weight"] = back.T @ self._columns[name]
        found[f"{name}.bias"] = back.sum(axis=0)
        before: Array = back @ self._weights[f"{name}.weight"]
        return before

    def _relu(self, name: str, values: Array) -> Array:
        self._made[name] = np.maximum(values, 0)
        return self._made[name]

    def _convolved(self, name: str, values: Array) -> Array:
        """Convolve with a border of zeros: one matrix product over all windows."""
        self._shapes[name] = values.shape
        padded = np.pad(values, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = sliding_window_view(padded, (_KERNEL, _KERNEL), axis=(2, 3))
        num, _, height, width = values.shape
        columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(num * height * width, -1)
        self._columns[name] = columns
        weight = self._weights[f"{name}.weight"]
        made = columns @ weight.reshape(len(weight), -1).T + self._weights[f"{name}.bias"]
        laid: Array = made.reshape(num, height, width, -1).transpose(0, 3, 1, 2)
        return laid

    def _convolved_back(self, name: str, back: Array, found: Weights) -> Array:
        num, channels, height, width = self._shapes[name]
        weight = self._weights[f"{name}.weight"]
        rows = back.transpose(0, 2, 3, 1).reshape(-1, len(weight))
        found[f"{name}.weight"] = (rows.T @ self._columns[name]).reshape(weight.shape)
        found[f"{name}.bias"] = rows.sum(axis=0)
        columns = (rows @ weight.reshape(len(weight), -1)).reshape(
            num, height, width, channels, _KERNEL, _KERNEL
        )
        padded = np.zeros((num, channels, height + 2, width + 2), np.float32)
        for row in range(_KERNEL):
            for column in range(_KERNEL):
                part = columns[..., row, column].transpose(0, 3, 1, 2)
                padded[:, :, row : row + height, column : column + width] += part
        return padded[:, :, 1:-1, 1:-1]

    def _pooled(self, name: str, values: Array) -> Array:
        num, channels, height, width = values.shape
        quads = values.reshape(num, channels, height // 2, 2, width // 2, 2)
        most: Array = quads.max(axis=(3, 5), keepdims=True)
        is_most = (quads == most).astype(np.float32)
        self._columns[f"{name}.pool"] = is_most / is_most.sum(axis=(3, 5), keepdims=True)
        return most.reshape(num, channels, height // 2, width // 2)

    def _pooled_back(self, name: str, back: Array) -> Array:
        shares = self._columns[f"{name}.pool"]
        spread: Array = shares * back[:, :, :, None, :, None]
        return spread.reshape(self._made[name].shape)
