"""The file cache: what it gives is what was kept, and nothing it meets is anybody's trouble."""

import json
import logging
import os
import resource
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tests.mutated_files import mutated

from cutpoint.execution import file_cache
from cutpoint.execution.file_cache import FileCache

KEY = {"model": "m", "cuts": [["a"], ["b"]], "threads": 1}
CONTENT = {"times": [0.001 * i for i in range(40)], "name": "räspberry", "whole": 1.5}
OTHER = {"times": [0.002 * i for i in range(40)], "name": "other", "whole": 3.0}


def entry_of(cache: FileCache) -> Path:
    """Give the only entry's file."""
    (path,) = cache.folder.glob("*.entry")
    return path


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Give what was told at warning level or above."""
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]


def test_what_is_kept_is_found(tmp_path: Path) -> None:
    """By another object too, as after a restart; under another key there is nothing."""
    cache = FileCache(tmp_path / "a" / "b")
    assert cache.read(KEY, dict) is None
    cache.write(KEY, CONTENT)
    assert FileCache(tmp_path / "a" / "b").read(KEY, dict) == CONTENT
    assert cache.read(KEY | {"threads": 2}, dict) is None
    cache.write(KEY, OTHER)
    assert cache.read(KEY, dict) == OTHER
    assert len(list(cache.folder.iterdir())) == 1


def test_the_order_of_a_key_does_not_matter(tmp_path: Path) -> None:
    """Keys are compared by what they say."""
    cache = FileCache(tmp_path)
    cache.write({"a": 1, "b": 2}, CONTENT)
    assert cache.read({"b": 2, "a": 1}, dict) == CONTENT


def test_nobody_else_may_look(tmp_path: Path) -> None:
    """Folder and entries are the owner's alone, whatever the umask says."""
    before = os.umask(0)
    try:
        cache = FileCache(tmp_path / "new")
        cache.write(KEY, CONTENT)
    finally:
        os.umask(before)
    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert stat.S_IMODE(entry_of(cache).stat().st_mode) == 0o600


def undetected(folder: Path, count: int, seed: int) -> list[str]:
    """Put damaged entries where a good one was; give those that were taken for good ones."""
    cache = FileCache(folder)
    cache.write(KEY, OTHER)
    other = entry_of(cache).read_bytes()
    cache.write(KEY, CONTENT)
    path = entry_of(cache)
    passed = []
    for name, bad in mutated(path.read_bytes(), other[:-1] + b" ", count, seed):
        path.write_bytes(bad)
        if cache.read(KEY, dict) is not None:
            passed.append(name)
        elif path.exists():
            passed.append(f"{name} was left there")
        cache.write(KEY, CONTENT)
        assert cache.read(KEY, dict) == CONTENT
    return passed


def test_damage_is_a_miss(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every damaged entry is passed over and deleted; that is told once, not each time."""
    assert undetected(tmp_path, 60, seed=1) == []
    (told,) = warnings_in(caplog)
    assert "damaged entry" in told
    assert "goes on without" in told


@pytest.mark.soak
def test_a_thousand_damaged_entries_are_detected(tmp_path: Path) -> None:
    """1,000 mutations: none crashes, none is believed."""
    assert undetected(tmp_path, 1000, seed=2) == []


def test_without_the_digest_damage_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: a cache that only parses its entries is caught by the test above."""

    def parsed(raw: bytes, key: bytes) -> bytes:
        return json.dumps(json.loads(raw[raw.find(b"{") :])["content"]).encode()

    monkeypatch.setattr(file_cache, "_checked", parsed)
    assert len(undetected(tmp_path, 60, seed=1)) > 5


def test_another_keys_entry_is_a_miss(tmp_path: Path) -> None:
    """An entry copied over another's place proves itself and is of something else."""
    cache = FileCache(tmp_path)
    cache.write(KEY, CONTENT)
    mine = entry_of(cache)
    cache.write(KEY | {"threads": 2}, OTHER)
    (theirs,) = [path for path in cache.folder.iterdir() if path != mine]
    shutil.copy(theirs, mine)
    assert cache.read(KEY, dict) is None
    assert cache.read(KEY | {"threads": 2}, dict) == OTHER


def test_another_type_is_a_miss(tmp_path: Path) -> None:
    """What was kept in another layout is no entry of this one."""
    cache = FileCache(tmp_path)
    cache.write(KEY, CONTENT)
    assert cache.read(KEY, list) is None
    assert cache.read(KEY, dict) is None


@pytest.mark.parametrize("what", ["folder", "fifo", "link", "empty", "large", "device"])
def test_what_is_no_file_is_a_miss(tmp_path: Path, what: str) -> None:
    """Whatever goes by an entry's name: nothing waits, nothing is followed, nothing is raised."""
    cache = FileCache(tmp_path)
    cache.write(KEY, CONTENT)
    path = entry_of(cache)
    kept = tmp_path / "kept"
    path.rename(kept)
    if what == "folder":
        path.mkdir()
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "link":
        path.symlink_to(kept)
    elif what == "device":
        path.symlink_to("/dev/zero")
    else:
        path.write_bytes(b"x" * (0 if what == "empty" else 40 << 20))
    assert cache.read(KEY, dict) is None
    assert kept.exists()
    cache.write(KEY, OTHER)
    assert cache.read(KEY, dict) in (OTHER, None)


def test_oldest_go_first(tmp_path: Path) -> None:
    """The folder stays below its bound; what was written last is there."""
    cache = FileCache(tmp_path, most_bytes=12_000)
    for number in range(40):
        cache.write({"number": number}, "x" * 1000)
        for at_s, path in enumerate(sorted(cache.folder.iterdir(), key=_written_ns)):
            os.utime(path, (at_s, at_s))  # a file system's clock may be coarse
    assert sum(path.stat().st_size for path in cache.folder.iterdir()) <= 12_000
    there = [n for n in range(40) if cache.read({"number": n}, str) is not None]
    assert there == list(range(40 - len(there), 40))
    assert len(there) >= 8


def _written_ns(path: Path) -> int:
    return path.stat().st_mtime_ns


def test_what_was_never_finished_is_removed(tmp_path: Path) -> None:
    """Parts that a killed writer left go away later; those being written now stay."""
    cache = FileCache(tmp_path)
    for name, age_s in (("old.part", 3600), ("new.part", 5)):
        part = cache.folder / name
        part.write_bytes(b"x")
        at_s = part.stat().st_mtime - age_s
        os.utime(part, (at_s, at_s))
    (cache.folder / "README").write_bytes(b"somebody else's")
    cache.write(KEY, CONTENT)
    assert {path.name for path in cache.folder.iterdir()} == {
        "new.part", "README", entry_of(cache).name
    }  # fmt: skip


def test_writers_and_readers_meet(tmp_path: Path) -> None:
    """Eight at a time on three keys and little room: a reader finds a whole value or none."""
    wrong: list[Any] = []

    def work(seed: int) -> None:
        cache = FileCache(tmp_path, most_bytes=20_000)
        for turn in range(60):
            key, value = {"key": turn % 3}, f"{turn % 3}-{seed}-" * 500
            cache.write(key, value)
            found = cache.read(key, str)
            if found is not None and (len(set(found.split("-"))) > 3 or found[0] != value[0]):
                wrong.append(found)

    threads = [Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert not list((tmp_path / "cutpoint").glob("*.part"))


@pytest.mark.parametrize("what", ["open", "file", "link", "theirs"])
def test_a_folder_that_is_not_ours_is_not_used(
    tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Said once; nothing is read from it, nothing written, and nothing raised."""
    folder = tmp_path / "cutpoint"
    if what == "open":
        folder.mkdir()
        folder.chmod(0o755)
    elif what == "file":
        folder.write_bytes(b"")
    elif what == "link":
        (tmp_path / "there").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "there")
    elif os.geteuid() == 0:
        folder.mkdir(mode=0o700)
        os.chown(folder, 12345, 12345)
    else:
        pytest.skip("only root can give a folder away")
    cache = FileCache(tmp_path)
    for _ in range(3):
        cache.write(KEY, CONTENT)
        assert cache.read(KEY, dict) is None
    (told,) = warnings_in(caplog)
    assert "cannot be used" in told
    assert not list(tmp_path.glob("**/*.entry"))


def test_a_system_without_handles_of_folders_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows has none of what keeps a folder ours: nothing is kept there, and nothing fails."""
    monkeypatch.delattr(os, "O_DIRECTORY")
    cache = FileCache(tmp_path)
    cache.write(KEY, CONTENT)
    assert cache.read(KEY, dict) is None


def test_a_folder_that_went_away_is_done_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Deleted under a running process: misses, and one word about writing."""
    cache = FileCache(tmp_path)
    cache.write(KEY, CONTENT)
    shutil.rmtree(cache.folder)
    for _ in range(3):
        assert cache.read(KEY, dict) is None
        cache.write(KEY, CONTENT)
    (told,) = warnings_in(caplog)
    assert "cannot be written" in told


@contextmanager
def largest_file(size_bytes: int) -> Iterator[None]:
    """Let this process write no file beyond a size, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The old entry stays, no part of the new one, and writing goes on once there is room."""
    cache = FileCache(tmp_path)
    cache.write(KEY, CONTENT)
    with largest_file(100):
        for _ in range(3):
            cache.write(KEY, OTHER)
            assert cache.read(KEY, dict) == CONTENT
    (told,) = warnings_in(caplog)
    assert "cannot be written" in told
    assert [path.suffix for path in cache.folder.iterdir()] == [".entry"]
    cache.write(KEY, OTHER)
    assert cache.read(KEY, dict) == OTHER


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Give what mounts a tiny file system; it is gone afterwards."""
    mounted = []

    def mount(options: str) -> Path:
        folder = tmp_path / "disk"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("only root can mount a file system, and not everywhere")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("options", ["size=64k", "size=1m,nr_inodes=3"])
def test_a_real_full_disk(
    small_disk: Callable[[str], Path], options: str, caplog: pytest.LogCaptureFixture
) -> None:
    """No room, or no inodes: entries that fit are kept, the others are done without."""
    cache = FileCache(small_disk(options))
    for number in range(30):
        cache.write({"number": number}, "x" * 9000)
        assert cache.read({"number": number}, str) in ("x" * 9000, None)
    there = [n for n in range(30) if cache.read({"number": n}, str)]
    assert len(there) < 30
    (told,) = warnings_in(caplog)
    assert "No space left" in told
    assert not list(cache.folder.glob("*.part"))


def test_a_disk_that_became_read_only(
    small_disk: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    """What is there is found, what is new is not kept, damage is passed over again and again."""
    disk = small_disk("size=1m")
    cache = FileCache(disk)
    cache.write(KEY, CONTENT)
    cache.write({"bad": 1}, CONTENT)
    (bad,) = set(cache.folder.iterdir()) - {cache.folder / file_cache._name_of(_key(KEY))}
    bad.write_bytes(b"bad")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert cache.read(KEY, dict) == CONTENT
    for _ in range(2):
        assert cache.read({"bad": 1}, dict) is None
        cache.write(KEY, OTHER)
    assert cache.read(KEY, dict) == CONTENT
    assert len(warnings_in(caplog)) == 2


def _key(key: object) -> bytes:
    return file_cache._encoded(key)


def killed_writers(folder: Path, kills: int, how: str) -> dict[str, int]:
    """Kill writers at random points; give how often the entry was whole, and how often not."""
    script = Path(__file__).with_name("killed_writer.py")
    ended = subprocess.run(
        [sys.executable, str(script), str(folder), str(kills), how],
        capture_output=True, text=True, timeout=600, check=True,
    )  # fmt: skip
    counted: dict[str, int] = json.loads(ended.stdout)
    return counted


def test_a_writer_that_is_killed_leaves_old_or_new(tmp_path: Path) -> None:
    """SIGKILL at ten random points of writing: the entry is whole each time."""
    counted = killed_writers(tmp_path, 10, "rename")
    assert (counted["whole"], counted["torn"]) == (10, 0)


def test_a_writer_in_place_is_caught(tmp_path: Path) -> None:
    """Negative control: where an entry is written in place, kills tear it."""
    assert killed_writers(tmp_path, 10, "in-place")["torn"] > 0


@pytest.mark.soak
def test_two_hundred_killed_writers(tmp_path: Path) -> None:
    """SIGKILL at 200 random points of writing: 200 of 200 readable, old or new."""
    counted = killed_writers(tmp_path, 200, "rename")
    assert (counted["whole"], counted["torn"]) == (200, 0)
    assert counted["values"] > 100
