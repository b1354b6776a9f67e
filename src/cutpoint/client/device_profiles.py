"""Profiles of this device, as a session is given them."""

import os
from collections.abc import Sequence
from statistics import median

from cutpoint.exceptions import ProfileMismatchError, UnknownShapeError
from cutpoint.execution import Segments
from cutpoint.graph import Arrays, Graph, check_binding
from cutpoint.policies import Hedge
from cutpoint.profiling import check_profile, load_profile, read_environment
from cutpoint.profiling.sending import sending_samples, sending_slowdown
from cutpoint.records import Profile

ProfileFile = str | os.PathLike[str] | Profile
ProfileGiven = ProfileFile | Sequence[ProfileFile] | None


def read_profiles(given: ProfileGiven, graph: Graph) -> tuple[Profile, ...]:
    """
    Read one profile, or several, measured at several sizes.

    Parameters
    ----------
    graph
        Of the model they must be of.

    Raises
    ------
    ProfileError
        If one cannot be read, is of another model, or does not tell its sizes.
    """
    return tuple(_read(each, graph) for each in _listed(given))


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


def measured_sending_slowdown(
    profile: Profile, segments: Segments, feed: Arrays, hedge: Hedge
) -> float:
    """
    Give how many times longer this device computes while it sends.

    Parameters
    ----------
    profile
        Says it; where it does not, and a race may ask for it, it is found out now.
    segments, feed
        What runs for that.
    hedge
        When the device races.
    """
    samples = profile.samples
    if hedge != "off" and not any(each.kind == "sending" for each in samples):
        whole_s = median(each.duration_s for each in samples if each.kind == "whole")
        samples += sending_samples(segments, feed, whole_s)
    return sending_slowdown(samples)


def _read(given: ProfileFile, graph: Graph) -> Profile:
    profile = given if isinstance(given, Profile) else load_profile(given)
    check_profile(profile, sha256=graph.sha256, host_environment=None)
    try:
        check_binding(graph, profile.sizes)
    except UnknownShapeError as error:
        raise ProfileMismatchError(
            f"the profile of {profile.model_name!r} on {profile.host!r} was measured at sizes "
            f"{profile.sizes}: {error}; run `cutpoint profile` again"
        ) from error
    return profile


def _listed(given: ProfileGiven) -> tuple[ProfileFile, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, (str, os.PathLike, Profile)) else tuple(given)
