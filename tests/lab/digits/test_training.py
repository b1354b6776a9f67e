import numpy as np
import onnxruntime
import pytest

from cutpoint.lab.digits.data import Digits, inverted, load_digits, too_bright
from cutpoint.lab.digits.model import digits_model
from cutpoint.lab.digits.network import Pass
from cutpoint.lab.digits.training import Trained, train


@pytest.fixture(scope="module")
def digits() -> Digits:
    """Give the digits."""
    return load_digits()


@pytest.fixture(scope="module")
def briefly(digits: Digits) -> Trained:
    """Train for a moment."""
    return train(digits, epochs=2)


def test_the_parts_share_no_picture(digits: Digits) -> None:
    """What the network is judged by it has never seen."""
    assert len(digits.train) + len(digits.held_out) == 1797
    seen = {picture.tobytes() for picture in digits.train}
    assert len([1 for picture in digits.held_out if picture.tobytes() in seen]) == 0
    assert set(digits.held_out_labels.tolist()) == set(range(10))
    assert (digits.train.min(), digits.train.max()) == (0.0, 1.0)


def test_it_learns(briefly: Trained) -> None:
    """After two looks at each picture most are read right; before, one in ten."""
    assert briefly.accuracy > 0.5


def test_the_same_seed_trains_the_same_network(digits: Digits) -> None:
    """And another seed another one."""
    few = Digits(
        digits.train[:128], digits.train_labels[:128], digits.held_out, digits.held_out_labels
    )
    once, again, other = (train(few, epochs=1, seed=seed).weights for seed in (0, 0, 1))
    assert all(np.array_equal(once[name], again[name]) for name in once)
    assert not np.array_equal(once["conv1.weight"], other["conv1.weight"])


def test_the_file_computes_what_was_trained(briefly: Trained, digits: Digits) -> None:
    """ONNX Runtime gives the scores of NumPy."""
    content = digits_model(briefly.weights).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found = [session.run(None, {"image": each[None]})[0][0] for each in digits.held_out[:20]]
    wanted = Pass(briefly.weights, digits.held_out[:20]).scores
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)


def test_changed_pictures_are_other_pictures(digits: Digits) -> None:
    """Four times as bright, and dark on light."""
    pictures = digits.held_out[:3]
    np.testing.assert_array_equal(too_bright(pictures), 4 * pictures)
    np.testing.assert_array_equal(inverted(inverted(pictures)), pictures)
    assert inverted(pictures).dtype == np.float32


@pytest.mark.soak
def test_the_whole_training_reads_97_percent(digits: Digits) -> None:
    """As the script that wrote the file of the tests does it."""
    assert train(digits).accuracy >= 0.97
