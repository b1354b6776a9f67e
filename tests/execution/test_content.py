"""A model's content: one digest for all its files, and whether they are still the same."""

import os
from pathlib import Path

import pytest

from cutpoint.exceptions import ModelError, UnsafeModelError
from cutpoint.execution import ModelFile
from cutpoint.execution.content import content_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the path of a file beside which a data file lies."""
    (tmp_path / "w.bin").write_bytes(b"w" * 100)
    (tmp_path / "model.onnx").write_bytes(b"a model")
    return tmp_path / "model.onnx"


def test_the_digest_is_of_the_data_files_too(path: Path) -> None:
    """One changed byte beside the model changes what hosts agree by; without any it is its own."""
    file = ModelFile.open(path)
    before = content_of(file, ["w.bin"]).sha256
    assert content_of(file, []).sha256 == file.sha256 != before
    (path.parent / "w.bin").write_bytes(b"v" + b"w" * 99)
    assert content_of(file, ["w.bin"]).sha256 not in (before, file.sha256)


def test_a_digest_that_was_not_taken_by_opening_is_taken(path: Path) -> None:
    """A file that somebody describes has the digest of its bytes, whatever was said of it."""
    described = ModelFile("model", "0" * 64, str(path))
    assert content_of(described, []).sha256 == ModelFile.open(path).sha256


def test_a_missing_data_file_is_named(path: Path) -> None:
    """What cannot be hashed cannot be agreed on."""
    with pytest.raises(ModelError, match=r"missing\.bin"):
        content_of(ModelFile.open(path), ["missing.bin"])


@pytest.mark.parametrize("name", ["model.onnx", "w.bin"])
@pytest.mark.parametrize("how", ["written to", "exchanged", "removed"])
def test_a_change_after_the_hashing_is_found(path: Path, name: str, how: str) -> None:
    """Same length and other bytes, another file of the same name, or none."""
    content = content_of(ModelFile.open(path), ["w.bin"])
    content.check_unchanged()
    changed = path.parent / name
    if how == "written to":
        status = changed.stat()
        changed.write_bytes(b"z" * status.st_size)
        os.utime(changed, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    else:
        other = path.parent / "other"
        other.write_bytes(changed.read_bytes())
        changed.unlink()
        if how == "exchanged":
            other.rename(changed)
    with pytest.raises(UnsafeModelError, match=rf"{name} changed .*: load it again"):
        content.check_unchanged()


def test_bytes_do_not_change(path: Path) -> None:
    """A model given as bytes has no file to look at."""
    content = content_of(ModelFile.open(path.read_bytes()), [])
    path.unlink()
    content.check_unchanged()
    assert content.states == {}
