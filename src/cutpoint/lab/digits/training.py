"""Train the network on digits, seeded: the same weights wherever sums are rounded alike."""

import importlib
from dataclasses import dataclass

import numpy as np

from cutpoint.lab.digits.data import NUM_CLASSES, SIDE, Digits, Labels, Pictures
from cutpoint.lab.digits.network import Pass, Weights, drawn_weights

_EPOCHS = 20
_BATCH = 64
_RATE = 6e-3
_DECAYS = (0.9, 0.999)
_TINY = 1e-8


@dataclass(frozen=True, eq=False)
class Trained:
    """
    What training gave.

    Parameters
    ----------
    weights
        By name.
    accuracy
        Share of the held-out digits that are read right.
    """

    weights: Weights
    accuracy: float


def train(digits: Digits, *, seed: int = 0, epochs: int = _EPOCHS) -> Trained:
    """
    Train with Adam (D. Kingma and J. Ba, ICLR 2015) on pictures moved by a pixel at random.

    Parameters
    ----------
    epochs
        Times each picture is seen; the rate falls to nothing over them.
    """
    # The products are small: threads would spend their time waiting for each other.
    with importlib.import_module("threadpoolctl").threadpool_limits(1):
        weights = _trained(digits, np.random.default_rng(seed), epochs)
    return Trained(weights, accuracy(weights, digits.held_out, digits.held_out_labels))


def accuracy(weights: Weights, pictures: Pictures, labels: Labels) -> float:
    """Give the share of pictures whose digit is the one with the highest score."""
    return float(np.mean(Pass(weights, pictures).scores.argmax(axis=1) == labels))


def _trained(digits: Digits, rng: np.random.Generator, epochs: int) -> Weights:
    weights = drawn_weights(rng, SIDE, NUM_CLASSES)
    means = {name: np.zeros_like(each) for name, each in weights.items()}
    squares = {name: np.zeros_like(each) for name, each in weights.items()}
    num_steps = epochs * -(-len(digits.train) // _BATCH)
    step = 0
    for _ in range(epochs):
        order = rng.permutation(len(digits.train))
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            step += 1
            pictures = _moved(digits.train[chosen], rng)
            found = Pass(weights, pictures).gradients(digits.train_labels[chosen])
            rate = _RATE * 0.5 * (1 + np.cos(np.pi * step / num_steps))
            for name, gradient in found.items():
                means[name] += (1 - _DECAYS[0]) * (gradient - means[name])
                squares[name] += (1 - _DECAYS[1]) * (gradient**2 - squares[name])
                mean = means[name] / (1 - _DECAYS[0] ** step)
                square = squares[name] / (1 - _DECAYS[1] ** step)
                weights[name] -= (rate * mean / (np.sqrt(square) + _TINY)).astype(np.float32)
    return weights


def _moved(pictures: Pictures, rng: np.random.Generator) -> Pictures:
    """Move each picture by up to a pixel each way."""
    padded = np.pad(pictures, ((0, 0), (0, 0), (1, 1), (1, 1)))
    by = rng.integers(0, 3, (len(pictures), 2))
    moved = [
        padded[i, :, row : row + SIDE, column : column + SIDE]
        for i, (row, column) in enumerate(by.tolist())
    ]
    return np.stack(moved)
