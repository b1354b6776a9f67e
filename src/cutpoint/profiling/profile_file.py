"""The profile file: written whole or not at all, read strictly, checked against this host."""

import os
from pathlib import Path

import msgspec

from cutpoint.cost.whole_file import read_bounded, write_whole
from cutpoint.exceptions import ProfileError, ProfileMismatchError
from cutpoint.records import FORMAT_VERSION, Environment, Profile

_AGAIN = "run `cutpoint profile` again"

_LONGEST_S = 1e6
_MOST_BYTES = 1 << 50
_MOST_THREADS = 1 << 16
_LARGEST_SIZE = 1 << 40
"""What no clock and no model gives: beyond it sums and products mean nothing any more."""


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
    try:
        write_whole(target, content)
    except OSError as error:
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
        content = read_bounded(source)
    except OSError as error:
        raise ProfileError(
            f"profile {source} cannot be read ({error.strerror or error}): "
            "run `cutpoint profile` to write one"
        ) from error
    except ValueError as error:
        raise ProfileError(f"profile {source} is no profile ({error}): {_AGAIN}") from error
    try:
        _check_version(content, source)
        profile = msgspec.json.decode(content, type=Profile)
        check_numbers(profile)
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
                + (" or give the same (slowdown=, --slowdown)" if what == "slow-down" else "")
            )


def _check_version(content: bytes, source: Path) -> None:
    version = msgspec.json.decode(content, type=_Header).format_version
    if version != FORMAT_VERSION:
        raise ProfileMismatchError(
            f"profile {source} has layout {version}, this cutpoint reads {FORMAT_VERSION}: {_AGAIN}"
        )


def check_numbers(profile: Profile) -> None:
    """
    Refuse what no clock gives and no host has.

    Raises
    ------
    ProfileError
        Naming the number.
    """
    _check_number("contention", profile.contention, _LONGEST_S)
    environment = profile.environment
    _check_number("slow-down", environment.emulated_slowdown, _LONGEST_S, least=1.0)
    _check_number("number of threads", environment.num_threads, _MOST_THREADS)
    _check_number("number of cores", environment.num_cores, _MOST_THREADS)
    for name, size in profile.sizes.items():
        _check_number(f"size of dimension {name!r}", size, _LARGEST_SIZE)
    for sample in profile.samples:
        what = f"{sample.kind} {sample.subject!r}"
        _check_number(f"duration of {what}", sample.duration_s, _LONGEST_S)
        _check_number(f"CPU time of {what}", sample.cpu_s or 0.0, _LONGEST_S)
        _check_number(f"size of {what}", sample.size_bytes, _MOST_BYTES)


def _check_number(what: str, number: float, most: float, least: float = 0.0) -> None:
    if not least <= number <= most:
        raise ProfileError(f"{what} is {number}, not between {least:g} and {most:g}")
