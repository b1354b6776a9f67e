"""The network that `docs/make_digits.py` trained."""

from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "data" / "digits.onnx"


@pytest.fixture(scope="session")
def network() -> Path:
    """Give its file."""
    return PATH
