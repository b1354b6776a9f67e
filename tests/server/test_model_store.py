"""The store: what is served follows what is on disk, and never gets worse by it."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cutpoint.exceptions import ModelError, NoRoomError
from cutpoint.server.catalog import Catalog
from cutpoint.server.model_store import ModelStore, check_some
from cutpoint.server.repository import Offer, Repository

BAD = b"bad"


class World:
    """A repository, a catalog, and a loader that takes a file for a model by its content."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.catalog = Catalog()
        self.loaded: list[str] = []
        self.room_bytes = 1 << 20
        self.store = ModelStore(
            Repository(folder=root),
            self.catalog,
            self._load,
            lambda _, size_bytes: size_bytes <= self.room_bytes,
        )

    def _load(self, offer: Offer) -> Any:
        content = offer.path.read_bytes()
        self.loaded.append(f"{offer.name}/{offer.version}")
        if content.startswith(BAD):
            raise ModelError(f"{offer.path} is not an ONNX model")
        if len(content) > self.room_bytes:
            raise NoRoomError("no room", len(content))
        if content == b"huge":
            raise MemoryError
        graph = SimpleNamespace(sha256=hashlib.sha256(content).hexdigest())
        return SimpleNamespace(name=offer.name, graph=graph, version=0, cuts=())

    def put(self, version: str, content: bytes, model: str = "net") -> Path:
        """Write a version."""
        path = self.root / model / version / "model.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def look(self, *, is_patient: bool = True) -> list[str]:
        """Look once; give what happened."""
        events = self.store.refresh(is_patient=is_patient)
        return [f"{event.kind} {event.name}/{event.version}" for event in events]

    def served(self) -> dict[str, int]:
        """Give the versions that are served."""
        models = [self.catalog.model(name) for name in self.catalog.names]
        return {model.name: model.version for model in models if model is not None}

    def noted(self) -> list[tuple[str, int, str]]:
        """Give what the index tells beside the models that are served."""
        return [(row.name, row.version, row.state) for row in self.catalog.notes.rows]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Give a repository with one good model."""
    world = World(tmp_path)
    world.put("1", b"one")
    assert world.look(is_patient=False) == ["loaded net/1"]
    yield world
    world.catalog.close()


def test_nothing_happens_while_nothing_changes(world: World) -> None:
    """However often it looks, a version is loaded once."""
    assert [world.look() for _ in range(3)] == [[], [], []]
    assert world.store.is_settled
    assert world.loaded == ["net/1"]


def test_a_new_version_counts_once_two_looks_saw_the_same(world: World) -> None:
    """A file that still grows is left alone; the one before it is served meanwhile."""
    for size in range(1, 4):
        world.put("2", b"2" * size)
        assert world.look() == []
        assert not world.store.is_settled
        assert world.served() == {"net": 1}
    assert world.look() == ["loaded net/2"]
    assert world.store.is_settled
    assert world.served() == {"net": 2}
    assert world.noted() == []


@pytest.mark.parametrize("content", [BAD, b"huge"])
def test_a_bad_version_is_told_once_and_the_one_before_goes_on(
    world: World, content: bytes
) -> None:
    """It is not tried again until it changes, and the index says why it is not served."""
    world.put("2", content)
    assert [world.look() for _ in range(4)] == [[], ["failed net/2"], [], []]
    assert world.store.is_settled
    assert world.served() == {"net": 1}
    assert world.noted() == [("net", 2, "UNAVAILABLE")]
    assert world.loaded.count("net/2") == 1
    world.put("2", b"mended")
    assert [world.look(), world.look()] == [[], ["loaded net/2"]]
    assert world.noted() == []


def test_somebody_who_asks_has_a_bad_version_tried_again(world: World) -> None:
    """As after more memory was given, or a library was installed."""
    world.put("2", BAD)
    world.look()
    world.look()
    world.store.forget_failures()
    assert world.look() == ["failed net/2"]


@pytest.mark.parametrize("looks", [True, False])
def test_what_found_no_room_is_tried_again_when_there_is_some(world: World, looks: bool) -> None:
    """Not before, so that nothing is read in vain; once it serves nothing waits any more."""
    world.room_bytes = 100
    world.put("2", b"2" * 200)
    assert [world.look(), world.look()] == [[], ["failed net/2"]]
    assert world.store.waits_for_room
    world.room_bytes = 199
    world.put("3", BAD)

    def look() -> list[str]:
        return [event.kind for event in world.store.refresh(looks=looks)]

    assert [look(), look()] == ([[], ["failed"]] if looks else [[], []])
    assert world.loaded.count("net/2") == 1
    world.room_bytes = 200
    assert look() == ["loaded"]
    assert world.served() == {"net": 2}
    assert not world.store.waits_for_room
    assert look() == []


def test_what_is_gone_waits_for_no_room(world: World) -> None:
    """A version that found no room and was removed is not tried when there is some."""
    world.room_bytes = 100
    path = world.put("2", b"2" * 200)
    world.look()
    world.look()
    path.unlink()
    world.look()
    assert not world.store.waits_for_room
    world.room_bytes = 200
    assert world.look() == []
    assert world.served() == {"net": 1}


def test_a_bad_version_that_is_removed_is_forgotten(world: World) -> None:
    """The index tells of it no more."""
    path = world.put("2", BAD)
    world.look()
    world.look()
    shutil.rmtree(path.parent)
    world.look()
    assert world.noted() == []
    assert world.served() == {"net": 1}


def test_removing_the_highest_version_goes_back(world: World) -> None:
    """Whoever takes a version away wants the one below it."""
    path = world.put("2", b"two")
    world.look()
    world.look()
    shutil.rmtree(path.parent)
    assert world.look() == ["loaded net/1"]
    assert world.served() == {"net": 1}


def test_a_restart_serves_the_highest_version_that_is_good(tmp_path: Path) -> None:
    """As before the restart: a bad version does not take the good one below it away."""
    world = World(tmp_path)
    world.put("1", b"one")
    world.put("2", b"two")
    world.put("3", BAD)
    assert world.look(is_patient=False) == ["failed net/3", "loaded net/2"]
    assert world.noted() == [("net", 3, "UNAVAILABLE")]
    world.catalog.close()


def test_one_bad_model_does_not_keep_others_from_being_served(tmp_path: Path) -> None:
    """It is told beside them; where none is left to serve, the error names each and why."""
    world = World(tmp_path)
    world.put("1", BAD, "broken")
    (tmp_path / "empty").mkdir()
    assert world.look(is_patient=False) == ["failed broken/1"]
    with pytest.raises(ModelError, match=r"broken: .* is not an ONNX model; empty: no version"):
        check_some(world.catalog, world.store)
    world.put("1", b"good", "sound")
    assert [world.look(), world.look()] == [[], ["loaded sound/1"]]
    check_some(world.catalog, world.store)
    states = [("broken", 1, "UNAVAILABLE"), ("empty", 0, "UNAVAILABLE")]
    assert sorted(world.noted()) == states
    world.catalog.close()


def test_an_empty_repository_is_an_error(tmp_path: Path) -> None:
    """The message says what is expected where."""
    world = World(tmp_path)
    assert world.look(is_patient=False) == []
    with pytest.raises(ModelError, match="the repository is empty"):
        check_some(world.catalog, world.store)
    world.catalog.close()


def test_a_model_that_vanished_twice_is_withdrawn(world: World) -> None:
    """One look may fall between taking the old folder away and moving the new one in."""
    shutil.rmtree(world.root / "net")
    assert world.look() == []
    assert world.served() == {"net": 1}
    assert world.look() == ["withdrawn net/1"]
    assert world.served() == {}
    world.put("1", b"one")
    assert [world.look(), world.look()] == [[], ["loaded net/1"]]


def test_a_repository_that_cannot_be_read_withdraws_nothing(world: World) -> None:
    """It is an error at each look, and all goes on when it is back."""
    world.root.rename(world.root.with_name("elsewhere"))
    for _ in range(3):
        with pytest.raises(ModelError, match="repository"):
            world.look()
    assert world.served() == {"net": 1}
    world.root.with_name("elsewhere").rename(world.root)
    assert world.look() == []


def test_the_same_bytes_are_not_loaded_again(world: World) -> None:
    """A version that is a copy, or a file that was only touched, costs no load."""
    model = world.catalog.model("net")
    world.put("2", b"one")
    assert [world.look(), world.look()] == [[], ["loaded net/2"]]
    assert world.served() == {"net": 2}
    assert world.catalog.model("net") is model
    assert world.loaded == ["net/1"]


def test_a_digest_that_does_not_match_keeps_a_version_out(world: World) -> None:
    """Both ways: a wrong one is refused before the file is opened, a right one is served."""
    path = world.put("2", b"two")
    beside = path.with_name("model.onnx.sha256")
    beside.write_text("0" * 64)
    assert [world.look(), world.look()] == [[], ["failed net/2"]]
    assert "net/2" not in world.loaded
    beside.write_text(f"{hashlib.sha256(b'two').hexdigest()}  model.onnx\n")
    assert [world.look(), world.look()] == [[], ["loaded net/2"]]


def test_a_link_out_of_the_repository_is_never_loaded(world: World, tmp_path: Path) -> None:
    """The version is refused with its reason."""
    outside = tmp_path.with_name("outside.onnx")
    outside.write_bytes(b"secret")
    link = world.root / "net" / "2" / "model.onnx"
    link.parent.mkdir()
    link.symlink_to(outside)
    assert [world.look(), world.look()] == [[], ["failed net/2"]]
    assert world.loaded == ["net/1"]


def test_what_is_swapped_is_swapped_in_one_step(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a version is loaded the one before it is the one that requests find."""
    seen: list[dict[str, int]] = []
    load: Callable[[Offer], Any] = world.store._load

    def watched(offer: Offer) -> Any:
        seen.append(world.served())
        assert world.noted() == [("net", 2, "LOADING")]
        return load(offer)

    monkeypatch.setattr(world.store, "_load", watched)
    world.put("2", b"two")
    world.look()
    world.look()
    assert seen == [{"net": 1}]
    assert world.served() == {"net": 2}
