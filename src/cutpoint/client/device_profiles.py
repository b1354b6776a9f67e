"""Profiles of this device, as a session is given them."""

import os
from collections.abc import Sequence

from cutpoint.execution import Segments
from cutpoint.profiling import check_profile, load_profile, read_environment
from cutpoint.records import Profile

ProfileFile = str | os.PathLike[str] | Profile
ProfileGiven = ProfileFile | Sequence[ProfileFile] | None


def read_profiles(given: ProfileGiven, sha256: str) -> tuple[Profile, ...]:
    """
    Read one profile, or several, measured at several sizes.

    Parameters
    ----------
    sha256
        Of the model they must be of.

    Raises
    ------
    ProfileError
        If one cannot be read or is of another model.
    """
    return tuple(_read(each, sha256) for each in _listed(given))


def check_are_of_this_host(profiles: Sequence[Profile], segments: Segments) -> None:
    """
    Refuse profiles that were measured elsewhere, or otherwise than the segments run.

    Raises
    ------
    ProfileMismatchError
        Naming what differs.
    """
    for profile in profiles:
        here = read_environment(
            providers=segments.providers,
            num_threads=profile.environment.num_threads,
            emulated_slowdown=segments.slowdown,
        )
        check_profile(profile, sha256=segments.graph.sha256, host_environment=here)


def _read(given: ProfileFile, sha256: str) -> Profile:
    profile = given if isinstance(given, Profile) else load_profile(given)
    check_profile(profile, sha256=sha256, host_environment=None)
    return profile


def _listed(given: ProfileGiven) -> tuple[ProfileFile, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, (str, os.PathLike, Profile)) else tuple(given)
