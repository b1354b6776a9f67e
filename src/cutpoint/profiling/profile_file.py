"""The profile file: written whole or not at all, read strictly, checked against this host."""

import math
import os
from pathlib import Path
from uuid import uuid4

import msgspec

from cutpoint.exceptions import ProfileError, ProfileMismatchError
from cutpoint.records import FORMAT_VERSION, Environment, Profile

_AGAIN = "run `cutpoint profile` again"


class _Header(msgspec.Struct):
    """What every version of the file has."""

    format_version: int


def save_profile(profile: Profile, path: str | os.PathLike[str]) -> None:
    """
    Write a profile as JSON, so that a reader sees the whole file or the old one.

    Parameters
    ----------
    path
        File to write, in a folder that exists; an existing file is replaced.

    Raises
    ------
    ProfileError
        If the file cannot be written.
    """
    target = Path(path)
    content = msgspec.json.format(msgspec.json.encode(profile), indent=2) + b"\n"
    # In the same folder, because a rename is atomic only within one file system.
    unfinished = target.parent / f".{target.name}.{uuid4().hex}.part"
    try:
        with unfinished.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise ProfileError(
            f"profile {target} cannot be written ({error.strerror or error}): "
            "name a file in a folder that exists and is yours"
        ) from error


def load_profile(path: str | os.PathLike[str]) -> Profile:
    """
    Read a profile.

    Raises
    ------
    ProfileError
        If the file is not there, cut short, not a profile, or holds a number that is
        no measurement.
    ProfileMismatchError
        If another version of cutpoint wrote it in another layout.
    """
    source = Path(path)
    try:
        content = source.read_bytes()
    except OSError as error:
        raise ProfileError(
            f"profile {source} cannot be read ({error.strerror or error}): "
            "run `cutpoint profile` to write one"
        ) from error
    try:
        _check_version(content, source)
        profile = msgspec.json.decode(content, type=Profile)
        _check_numbers(profile)
    except ProfileMismatchError:
        raise
    except (msgspec.MsgspecError, ValueError, ProfileError, RecursionError) as error:
        raise ProfileError(
            f"profile {source} is damaged or is not a profile ({error}): {_AGAIN}"
        ) from error
    return profile


def check_profile(profile: Profile, *, sha256: str, host_environment: Environment | None) -> None:
    """
    Refuse a profile of another model, or measured elsewhere.

    Parameters
    ----------
    sha256
        Hex digest of the model file it is wanted for.
    host_environment
        Of the host it is wanted for; ``None`` to accept any host's.

    Raises
    ------
    ProfileMismatchError
        If the model, ONNX Runtime's version, the execution providers, the processor or
        the emulated slow-down differ; names both values.
    """
    of = f"the profile of {profile.model_name!r} on {profile.host!r}"
    if profile.model_sha256 != sha256:
        raise ProfileMismatchError(
            f"{of} is of the file {profile.model_sha256[:12]}, not {sha256[:12]}: "
            f"{_AGAIN} on this file"
        )
    if host_environment is None:
        return
    measured = profile.environment
    compared = {
        "ONNX Runtime": (measured.runtime, host_environment.runtime),
        "providers": (list(measured.providers), list(host_environment.providers)),
        "processor": (measured.cpu, host_environment.cpu),
        "slow-down": (measured.emulated_slowdown, host_environment.emulated_slowdown),
    }
    for what, (then, now) in compared.items():
        if then != now:
            raise ProfileMismatchError(
                f"{of} was measured with {what} {then}, this host has {now}: {_AGAIN} here"
            )


def _check_version(content: bytes, source: Path) -> None:
    version = msgspec.json.decode(content, type=_Header).format_version
    if version != FORMAT_VERSION:
        raise ProfileMismatchError(
            f"profile {source} has layout {version}, this cutpoint reads {FORMAT_VERSION}: {_AGAIN}"
        )


def _check_numbers(profile: Profile) -> None:
    """Refuse what no clock gives; durations refuse themselves when a sample is made."""
    _check_number("contention", profile.contention)
    for sample in profile.samples:
        what = f"{sample.kind} {sample.subject!r}"
        _check_number(f"CPU time of {what}", sample.cpu_s or 0.0)
        _check_number(f"size of {what}", sample.size_bytes)


def _check_number(what: str, number: float) -> None:
    if not 0 <= number < math.inf:
        raise ProfileError(f"{what} is {number}")
