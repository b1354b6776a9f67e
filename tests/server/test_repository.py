"""Models on disk: which versions there are, and what is passed over or refused."""

import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from cutpoint.exceptions import ModelError
from cutpoint.server import repository as repository_module
from cutpoint.server.repository import Repository, check_digest


def _put(root: Path, model: str, version: str, content: bytes = b"onnx") -> Path:
    path = root / model / version / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _versions(root: Path) -> dict[str, list[int]]:
    offers = Repository(folder=root).listing().offers
    return {name: [offer.version for offer in each] for name, each in offers.items()}


def test_versions_are_listed_the_highest_first(tmp_path: Path) -> None:
    """Versions are numbers, not texts: 10 is above 9."""
    for version in ("1", "9", "10"):
        _put(tmp_path, "net", version)
    _put(tmp_path, "other", "3")
    assert _versions(tmp_path) == {"net": [10, 9, 1], "other": [3]}


@pytest.mark.parametrize("version", ["0", "-1", "01", "1.0", "v1", "1 ", "٣", "latest", ".2"])
def test_what_is_no_version_is_passed_over(tmp_path: Path, version: str) -> None:
    """Only positive whole numbers are versions; whatever else lies there is none."""
    _put(tmp_path, "net", "1")
    _put(tmp_path, "net", version)
    assert _versions(tmp_path) == {"net": [1]}


@pytest.mark.parametrize(
    "name", [".hidden", "a b", "naïve", "x" * 65, "semi;colon", "$(reboot)", "line\nbreak"]
)
def test_what_is_no_name_is_passed_over(tmp_path: Path, name: str) -> None:
    """Letters, digits, dot, dash and underscore, at most 64 of them; nothing hidden."""
    _put(tmp_path, name, "1")
    _put(tmp_path, "net", "1")
    assert _versions(tmp_path) == {"net": [1]}


def test_a_name_is_served_as_devices_ask_by_it(tmp_path: Path) -> None:
    """A dot parts a tail's name from its model's: it becomes an underscore, as for files."""
    _put(tmp_path, "yolo.v8", "1")
    assert list(_versions(tmp_path)) == ["yolo_v8"]
    _put(tmp_path, "yolo_v8", "1")
    listing = Repository(folder=tmp_path).listing()
    assert list(listing.offers) == ["yolo_v8"]
    assert "rename one" in "".join(listing.problems.values())


def test_junk_is_warned_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A look every second does not fill the log; something new is told again."""
    _put(tmp_path, "net", "1")
    (tmp_path / "README.md").write_text("notes")
    (tmp_path / ".git").mkdir()
    repository = Repository(folder=tmp_path)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            repository.listing()
        assert [".git" in each.message for each in caplog.records] == [True]
        (tmp_path / "more junk").mkdir()
        repository.listing()
    assert len(caplog.records) == 2
    assert "more junk" in caplog.records[1].message


def test_a_model_without_a_version_is_named(tmp_path: Path) -> None:
    """A folder that holds no model.onnx is a problem with a hint, not an offer."""
    (tmp_path / "net" / "1").mkdir(parents=True)
    listing = Repository(folder=tmp_path).listing()
    assert listing.offers == {}
    assert "net/1/model.onnx" in listing.problems["net"]


@pytest.mark.parametrize("linked", ["model", "version", "file", "data", "folder"])
def test_links_out_of_the_repository_are_refused(tmp_path: Path, linked: str) -> None:
    """Whichever part of the path leads out, the version has a problem and is not followed."""
    root, outside = tmp_path / "repository", tmp_path / "outside"
    _put(outside, "net", "1")
    (outside / "net" / "1" / "model.onnx.data").write_bytes(b"weights")
    (outside / "net" / "1" / "weights").mkdir()
    path = root / "net" / "1" / "model.onnx"
    link = {
        "model": path.parent.parent,
        "version": path.parent,
        "file": path,
        "data": path.with_name("model.onnx.data"),
        "folder": path.with_name("weights"),
    }[linked]
    link.parent.mkdir(parents=True)
    if linked in ("data", "folder"):
        path.write_bytes(b"onnx")
    link.symlink_to(outside / link.relative_to(root))
    (offer,) = Repository(folder=root).listing().offers["net"]
    assert "leads out of the repository" in offer.problem


def test_links_within_the_repository_are_followed(tmp_path: Path) -> None:
    """As git-sync and config maps lay out a folder; the folder itself may be a link too."""
    root = tmp_path / "real"
    path = _put(root, "net", "1")
    (root / "net" / "2").symlink_to(path.parent)
    (tmp_path / "link").symlink_to(root)
    offers = Repository(folder=tmp_path / "link").listing().offers["net"]
    assert [(offer.version, offer.problem) for offer in offers] == [(2, ""), (1, "")]


def test_a_link_to_nowhere_is_a_problem(tmp_path: Path) -> None:
    """It is told, not passed over: somebody meant it to be a version."""
    path = _put(tmp_path, "net", "1")
    path.unlink()
    path.symlink_to(tmp_path / "nowhere")
    (offer,) = Repository(folder=tmp_path).listing().offers["net"]
    assert "No such file" in offer.problem


def test_any_change_of_a_version_makes_another_offer(tmp_path: Path) -> None:
    """Its content, a data file beside it, and its digest are all part of a version."""
    path = _put(tmp_path, "net", "1")
    repository, seen = Repository(folder=tmp_path), []
    for name, content in (
        ("model.onnx", b"longer"),
        ("weights.bin", b"data"),
        ("model.onnx.sha256", b"digest"),
    ):
        seen.append(repository.listing().offers["net"][0])
        assert repository.listing().offers["net"][0] == seen[-1]
        path.with_name(name).write_bytes(content)
    seen.append(repository.listing().offers["net"][0])
    assert len(set(seen)) == 4


def test_a_file_that_is_named_has_version_one(tmp_path: Path) -> None:
    """What bears its name beside it is part of it; what does not is not."""
    path = tmp_path / "net.onnx"
    path.write_bytes(b"onnx")
    repository = Repository([path])
    (before,) = repository.listing().offers["net"]
    assert (before.version, before.path) == (1, path)
    (tmp_path / "other.onnx").write_bytes(b"other")
    assert repository.listing().offers["net"] == (before,)
    (tmp_path / "net.onnx.data").write_bytes(b"weights")
    assert repository.listing().offers["net"] != (before,)
    path.unlink()
    assert repository.listing().offers == {}


def test_a_copy_that_is_renamed_at_the_moment_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model is exchanged by renaming its copy, which may be gone once it was seen."""
    path, copy = tmp_path / "net.onnx", tmp_path / "net.onnx.part"
    path.write_bytes(b"old")
    copy.write_bytes(b"new")

    @contextmanager
    def seen_before(folder: Path) -> Iterator[list[os.DirEntry[str]]]:
        with os.scandir(folder) as entries:
            seen = list(entries)
        copy.replace(path)
        yield seen

    monkeypatch.setattr(repository_module, "os", SimpleNamespace(scandir=seen_before))
    (offer,) = Repository([path]).listing().offers["net"]
    assert [name for name, _ in offer.states] == ["net.onnx"]


def test_a_folder_that_may_not_be_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is of the kind that a server survives: what it serves goes on."""
    (tmp_path / "net.onnx").write_bytes(b"onnx")

    def denied(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(repository_module, "os", SimpleNamespace(scandir=denied))
    with pytest.raises(ModelError, match="Permission denied"):
        Repository([tmp_path / "net.onnx"]).listing()


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    """Devices ask by this name: there is no telling which they would get."""
    with pytest.raises(ModelError, match="two files are named 'net': rename one"):
        Repository([tmp_path / "net.onnx", tmp_path / "more" / "net.onnx"])


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    """Nothing is withdrawn because a disk is not mounted for a while."""
    with pytest.raises(ModelError, match="gone"):
        Repository(folder=tmp_path / "gone").listing()


@pytest.mark.parametrize("form", ["{digest}", "{digest}  model.onnx\n", "{upper}\n"])
def test_a_digest_that_matches_is_accepted(tmp_path: Path, form: str) -> None:
    """As ``sha256sum`` writes it, or bare."""
    path = _put(tmp_path, "net", "1")
    digest = hashlib.sha256(b"onnx").hexdigest()
    path.with_name("model.onnx.sha256").write_text(form.format(digest=digest, upper=digest.upper()))
    check_digest(Repository(folder=tmp_path).listing().offers["net"][0])


@pytest.mark.parametrize("text", ["0" * 64, "", "no digest", "0" * 63, "é" * 64])
def test_a_digest_that_does_not_match_is_refused(tmp_path: Path, text: str) -> None:
    """Another model's, a damaged one, and none at all."""
    path = _put(tmp_path, "net", "1")
    path.with_name("model.onnx.sha256").write_text(text)
    with pytest.raises(ModelError, match=r"model\.onnx\.sha256"):
        check_digest(Repository(folder=tmp_path).listing().offers["net"][0])
