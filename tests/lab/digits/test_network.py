import numpy as np
import pytest

from cutpoint.lab.digits.network import Pass, drawn_weights

RNG = np.random.default_rng(3)
PICTURES = RNG.random((4, 1, 8, 8))
LABELS = np.array([1, 2, 3, 4])
WEIGHTS = {name: each.astype(np.float64) for name, each in drawn_weights(RNG, 8, 10).items()}


def loss(weights: dict[str, np.ndarray]) -> float:
    """Give the mean cross-entropy."""
    scores = Pass(weights, PICTURES).scores
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return float(-np.log(shares[np.arange(len(LABELS)), LABELS]).mean())


@pytest.mark.parametrize("name", WEIGHTS)
def test_gradients_are_those_of_the_loss(name: str) -> None:
    """Of the largest of each weight's: by how much the loss changes when it does."""
    gradient = Pass(WEIGHTS, PICTURES).gradients(LABELS)[name]
    where = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
    step, around = 1e-5, []
    for sign in (1, -1):
        changed = {each: array.copy() for each, array in WEIGHTS.items()}
        changed[name][where] += sign * step
        around.append(loss(changed))
    assert gradient[where] != 0
    assert gradient[where] == pytest.approx((around[0] - around[1]) / (2 * step), rel=1e-4)
