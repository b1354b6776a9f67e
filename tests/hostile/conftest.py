"""A server process that is attacked, and what it serves."""

import hashlib
from pathlib import Path

import pytest
from tests.hostile.models import write_models
from tests.hostile.valid import Base, bases

SIZES = ("--size", "rows=3", "--size", "number=3")
"""What the open dimensions are warmed up with."""


@pytest.fixture(scope="session")
def targets(tmp_path_factory: pytest.TempPathFactory, six_convs: Path) -> list[Path]:
    """Give the files of the models that are attacked."""
    return [*write_models(tmp_path_factory.mktemp("targets")), six_convs]


@pytest.fixture(scope="session")
def sha256s(targets: list[Path]) -> dict[str, str]:
    """Give the digest of each file by its model's name."""
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in targets}


@pytest.fixture(scope="session")
def valid(targets: list[Path]) -> list[Base]:
    """Give a valid request of each model."""
    return bases(targets)
