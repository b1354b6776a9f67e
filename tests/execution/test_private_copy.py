"""Copies of models: plain files of the model's folder, no more than the limits, or nothing."""

import os
import stat
import sys
from pathlib import Path

import pytest

from cutpoint.exceptions import ModelError, UnsafeModelError
from cutpoint.execution import LoadLimits, ModelFile
from cutpoint.execution.private_copy import PrivateCopy

needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """Give the path of a file beside which two data files lie, one in a folder."""
    folder = tmp_path / "given"
    (folder / "sub").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"a model")
    (folder / "w.bin").write_bytes(b"w" * 100)
    (folder / "sub" / "v.bin").write_bytes(b"v" * 50)
    return folder / "model.onnx"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Give the folder to copy to."""
    (tmp_path / "kept").mkdir()
    return tmp_path / "kept"


def copy_of(given: Path, kept: Path, limits: LoadLimits | None = None, **options: bool):
    """Copy a file that is opened now."""
    file = ModelFile.open(given)
    return PrivateCopy(file, kept, limits or LoadLimits(), lambda: None, **options)


def test_a_model_and_its_data_files_are_copied(given: Path, kept: Path) -> None:
    """Same name, digest and places; messages name the original; nobody else may look in."""
    copy = copy_of(given, kept)
    copy.add_data_files(["w.bin", "./w.bin", "sub/v.bin", "model.onnx"])
    assert (copy.file.name, copy.file.sha256) == ("model", ModelFile.open(given).sha256)
    assert copy.file.origin == str(given)
    assert copy.file.source == str(kept / "model.onnx")
    files = {path.relative_to(kept): path.read_bytes() for path in kept.rglob("*.*")}
    assert files == {
        Path("model.onnx"): b"a model",
        Path("w.bin"): b"w" * 100,
        Path("sub/v.bin"): b"v" * 50,
    }
    if sys.platform != "win32":
        assert stat.S_IMODE((kept / "sub").stat().st_mode) == 0o700


def test_a_model_given_as_bytes_is_its_own_copy(kept: Path) -> None:
    """Nobody can exchange them."""
    file = ModelFile.open(b"a model")
    assert PrivateCopy(file, kept, LoadLimits(), lambda: None).file is file
    assert list(kept.iterdir()) == []


def test_what_changed_since_it_was_opened_is_refused(given: Path, kept: Path) -> None:
    """The copy is of the file that was opened."""
    file = ModelFile.open(given)
    given.write_bytes(b"another")
    with pytest.raises(UnsafeModelError, match="changed after it was opened"):
        PrivateCopy(file, kept, LoadLimits(), lambda: None)


def test_no_more_is_copied_than_the_limit(given: Path, kept: Path) -> None:
    """Data files are summed up before they are copied; a sparse one counts as long as it is."""
    with (given.parent / "big.bin").open("wb") as big:
        big.truncate(1 << 40)
    with pytest.raises(UnsafeModelError, match="over the limit of 1000"):
        copy_of(given, kept, LoadLimits(weights_bytes=1000)).add_data_files(["w.bin", "big.bin"])
    assert not (kept / "big.bin").exists()


def test_copying_ends_when_the_time_is_up(given: Path, kept: Path) -> None:
    """Between chunks the clock is asked."""

    def up() -> None:
        raise UnsafeModelError("time is up")

    with pytest.raises(UnsafeModelError, match="time is up"):
        PrivateCopy(ModelFile.open(given), kept, LoadLimits(), up)


@pytest.mark.parametrize(
    "location", ["../x", "/etc/hostname", "", ".", "a\0b", "C:x", "missing", "sub", "w.bin/x"]
)
def test_what_is_no_data_file_is_refused(given: Path, kept: Path, location: str) -> None:
    """Whatever name a worker comes up with, nothing but a file of the folder is read."""
    with pytest.raises(ModelError, match="data file"):
        copy_of(given, kept).add_data_files([location])
    assert [path.name for path in kept.iterdir()] == ["model.onnx"]


@needs_links
@pytest.mark.parametrize("kind", ["symbolic link", "linked folder", "hard link", "pipe"])
def test_links_are_followed_only_if_somebody_vouches(given: Path, kept: Path, kind: str) -> None:
    """A pipe is never read."""
    outside = given.parent.parent / "outside"
    outside.mkdir()
    (outside / "x.bin").write_bytes(b"x" * 10)
    location, path = "x.bin", given.parent / "x.bin"
    if kind == "symbolic link":
        path.symlink_to(outside / "x.bin")
    elif kind == "linked folder":
        (given.parent / "linked").symlink_to(outside)
        location = "linked/x.bin"
    elif kind == "hard link":
        os.link(outside / "x.bin", path)
    else:
        os.mkfifo(path)
    copy = copy_of(given, kept)
    with pytest.raises(UnsafeModelError, match=r"link|not a regular file"):
        copy.add_data_files([location])
    assert not (kept / location).exists()
    (kept / "model.onnx").unlink()
    copy = copy_of(given, kept, follows_links=True)
    if kind == "pipe":
        with pytest.raises(UnsafeModelError, match="not a regular file"):
            copy.add_data_files([location])
    else:
        copy.add_data_files([location])
        assert (kept / location).read_bytes() == b"x" * 10


@needs_links
@pytest.mark.parametrize("exchanged", ["file", "folder"])
def test_what_is_exchanged_while_it_is_looked_at_is_refused(
    given: Path, kept: Path, exchanged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at a file and its opening, a link takes its place or its folder's."""
    from cutpoint.execution import external_data

    outside = given.parent.parent / "outside"
    outside.mkdir()
    (outside / "v.bin").write_bytes(b"secret")
    look = external_data._status_of

    def looked(*arguments: object, **options: bool) -> os.stat_result:
        found = look(*arguments, **options)
        place = given.parent / "sub"
        if exchanged == "folder":
            place.rename(given.parent / "before")
            place.symlink_to(outside)
        else:
            (place / "v.bin").unlink()
            (place / "v.bin").symlink_to(outside / "v.bin")
        return found

    copy = copy_of(given, kept)
    monkeypatch.setattr(external_data, "_status_of", looked)
    with pytest.raises(UnsafeModelError, match="cannot be opened as it was found"):
        copy.add_data_files(["sub/v.bin"])
    assert list(kept.rglob("v.bin")) == []


def test_where_there_is_no_room_the_error_says_so(
    given: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is an error of ours that names the model."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    file = ModelFile.open(given)
    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(ModelError, match=r"model\.onnx cannot be copied .*No space left"):
        PrivateCopy(file, kept, LoadLimits(), lambda: None)
