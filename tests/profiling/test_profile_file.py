"""The profile file: written whole, read strictly, checked against the host."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from cutpoint.exceptions import ProfileError, ProfileMismatchError
from cutpoint.profiling import check_profile, load_profile, save_profile
from cutpoint.records import FORMAT_VERSION, Profile


def edited(profile: Profile, path: Path, edit: dict[str, object]) -> Path:
    """Save a profile with other entries at the top."""
    save_profile(profile, path)
    path.write_text(json.dumps(json.loads(path.read_text()) | edit))
    return path


def sample(**edit: object) -> dict[str, object]:
    """Give the only sample of a file."""
    return {"kind": "whole", "subject": "", "duration_s": 1.0, "cpu_s": 1.0, "size_bytes": 0} | edit


def test_round_trip(profile: Profile, tmp_path: Path) -> None:
    """What is saved is what is loaded, over an older file too, and nothing else is left."""
    path = tmp_path / "tiny.json"
    save_profile(replace(profile, host="old"), path)
    save_profile(profile, str(path))
    assert load_profile(path) == profile
    assert [file.name for file in tmp_path.iterdir()] == ["tiny.json"]


def test_the_file_is_for_people_too(profile: Profile, tmp_path: Path) -> None:
    """The file is indented JSON that ends with a line."""
    save_profile(profile, tmp_path / "tiny.json")
    text = (tmp_path / "tiny.json").read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert f'\n  "format_version": {FORMAT_VERSION},\n' in text


def test_every_truncation_is_an_error(profile: Profile, tmp_path: Path) -> None:
    """A file cut short anywhere is refused, by name."""
    path = tmp_path / "tiny.json"
    save_profile(profile, path)
    content = path.read_bytes().rstrip()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        with pytest.raises(ProfileError, match=r"tiny\.json"):
            load_profile(path)


def test_no_damage_escapes(profile: Profile, tmp_path: Path) -> None:
    """A file with damaged bytes is refused or is a profile; nothing else is raised."""
    path = tmp_path / "tiny.json"
    save_profile(profile, path)
    content, rng = path.read_bytes(), np.random.default_rng(3)
    telling = np.frombuffer(b'-+e9."\\[]{},:0nu \xff\x00', dtype=np.uint8)
    for _ in range(4000):
        damaged = np.frombuffer(content, dtype=np.uint8).copy()
        where = rng.integers(damaged.size, size=rng.integers(1, 4))
        damaged[where] = rng.choice(telling, size=where.size)
        path.write_bytes(damaged.tobytes())
        with suppress(ProfileError):
            assert type(load_profile(path)) is Profile


@pytest.mark.parametrize(
    "content",
    [
        b"", b"null", b"[]", b"{}", b"\xff\xfe", b'{"format_version": "1"}', b"[" * 100_000,
        b'{"format_version": 1, "x": ' + b"[" * 100_000,
    ],
)  # fmt: skip
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    """A file that is no profile is refused, and the error says what to do."""
    (tmp_path / "other.json").write_bytes(content)
    with pytest.raises(ProfileError, match=r"other\.json.*run `cutpoint profile` again"):
        load_profile(tmp_path / "other.json")


@pytest.mark.parametrize(
    "edit",
    [
        {"samples": [sample(duration_s=-1.0)]},
        {"samples": [sample(duration_s=None)]},
        {"samples": [sample(cpu_s=-1.0)]},
        {"samples": [sample(size_bytes=-1)]},
        {"samples": [sample(size_bytes=-(10**400))]},
        {"format_version": 10**400},
        {"samples": [sample(kind="lunch")]},
        {"samples": [sample(subject=3)]},
        {"samples": [sample(duration_s=float("nan"))]},
        {"samples": [sample(duration_s=float("inf"))]},
        {"samples": [sample(duration_s=1e7)]},
        {"samples": [sample(cpu_s=1e300)]},
        {"samples": [sample(size_bytes=1 << 60)]},
        {"sizes": {"batch": -1}},
        {"sizes": {"batch": 10**30}},
        {"contention": 1e300},
        {"contention": -1.0},
        {"contention": "high"},
        {"cuts": ["a"]},
        {"environment": None},
    ],
)
def test_wrong_entries_are_refused(
    profile: Profile, tmp_path: Path, edit: dict[str, object]
) -> None:
    """An entry of another type, or a number no clock gives, is refused by the file's name."""
    path = edited(profile, tmp_path / "tiny.json", edit)
    with pytest.raises(ProfileError, match=r"tiny\.json"):
        load_profile(path)


@pytest.mark.parametrize(
    "edit",
    [{"num_threads": -1}, {"num_cores": 10**9}, {"emulated_slowdown": 0.0},
     {"emulated_slowdown": -2.0}, {"emulated_slowdown": 1e300}],
)  # fmt: skip
def test_a_host_that_cannot_be_is_refused(
    profile: Profile, tmp_path: Path, edit: dict[str, object]
) -> None:
    """What no machine has is refused with the number."""
    told = json.loads(json.dumps({"environment": asdict(profile.environment) | edit}))
    path = edited(profile, tmp_path / "tiny.json", told)
    with pytest.raises(ProfileError, match=r"tiny\.json.*not between"):
        load_profile(path)


def test_a_file_without_an_end_is_not_read(tmp_path: Path) -> None:
    """Only as much is read as a profile may have."""
    with (tmp_path / "endless.json").open("wb") as file:
        file.truncate(1 << 40)  # holes: nothing is written
    with pytest.raises(ProfileError, match=r"endless\.json.*more than 67108864 bytes"):
        load_profile(tmp_path / "endless.json")


def test_another_layout_is_a_mismatch(profile: Profile, tmp_path: Path) -> None:
    """A file of another layout is told from a damaged one, whatever else it holds."""
    path = edited(profile, tmp_path / "tiny.json", {"format_version": 99, "samples": "moved"})
    with pytest.raises(ProfileMismatchError, match=f"layout 99.*reads {FORMAT_VERSION}"):
        load_profile(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is an error that says how to make it."""
    with pytest.raises(ProfileError, match=r"none\.json.*run `cutpoint profile`"):
        load_profile(tmp_path / "none.json")


@pytest.mark.parametrize("path", ["no_such_folder/tiny.json", "folder"])
def test_a_place_that_cannot_be_written_is_named(
    profile: Profile, tmp_path: Path, path: str
) -> None:
    """A path that cannot be written is an error, and leaves nothing behind."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(ProfileError, match=path):
        save_profile(profile, tmp_path / path)
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]


def test_a_failed_write_keeps_the_old_file(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk is full the old profile stays, and no part of the new one."""
    path = tmp_path / "tiny.json"
    save_profile(profile, path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ProfileError, match="No space left"):
        save_profile(replace(profile, host="new"), path)
    assert load_profile(path) == profile
    assert len(list(tmp_path.iterdir())) == 1


def test_a_fitting_profile_passes(profile: Profile) -> None:
    """A profile of this model and host is accepted; other settings do not matter."""
    here = replace(profile.environment, power_mode="powersave", num_cores=1, num_threads=2)
    check_profile(profile, sha256=profile.model_sha256, host_environment=here)
    check_profile(profile, sha256=profile.model_sha256, host_environment=None)


def test_another_model_is_a_mismatch(profile: Profile) -> None:
    """A profile of another file is refused with both digests."""
    with pytest.raises(
        ProfileMismatchError, match=r"abababababab, not cdcdcdcdcdcd: run `cutpoint"
    ):
        check_profile(profile, sha256="cd" * 32, host_environment=None)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"runtime": "1.20.0"}, r"ONNX Runtime 1\.31\.1, this host has 1\.20\.0"),
        ({"providers": ("X",)}, r"providers \['CPUExecutionProvider'\], this host has \['X'\]"),
        ({"cpu": "EPYC"}, "processor Räspberry Pi, this host has EPYC"),
        ({"emulated_slowdown": 1.0}, r"slow-down 2\.5, this host has 1\.0"),
    ],
)
def test_a_stale_or_foreign_profile_is_a_mismatch(
    profile: Profile, edit: dict[str, object], message: str
) -> None:
    """A profile of another runtime or machine is refused with both values."""
    here = replace(profile.environment, **edit)
    with pytest.raises(ProfileMismatchError, match=f"{message}: run `cutpoint profile` again"):
        check_profile(profile, sha256=profile.model_sha256, host_environment=here)


def test_another_slow_down_can_be_given_instead(profile: Profile) -> None:
    """The slow-down is asked for, not found: the error names the option that asks."""
    here = replace(profile.environment, emulated_slowdown=1.0)
    with pytest.raises(ProfileMismatchError, match=r"give the same \(slowdown=, --slowdown\)"):
        check_profile(profile, sha256=profile.model_sha256, host_environment=here)
