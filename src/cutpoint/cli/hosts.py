"""Hosts as they are named on the command line: a file, an address, or so many times faster."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from cutpoint.cli.first_run import first_run
from cutpoint.cli.output import err
from cutpoint.client.server_profile import server_profile
from cutpoint.cost import check_is_of, predictor_from_json
from cutpoint.exceptions import ProfileError, ProfileMismatchError, UnitError
from cutpoint.execution import Segments
from cutpoint.execution.runtime import keep_freed_memory
from cutpoint.graph import Arrays, Graph, Sizes
from cutpoint.planning import cuts_to_hold
from cutpoint.profiling import load_profile
from cutpoint.profiling.quick import time_segments
from cutpoint.records import Profile
from cutpoint.wire.credentials import ClientSecurity

_TIMES_FASTER = re.compile(r"^([0-9]*\.?[0-9]+)x$")


@dataclass(frozen=True)
class Host:
    """
    What a model takes on one host, and how that is known.

    Parameters
    ----------
    profile
        Measured, predicted or assumed.
    source
        For people.
    """

    profile: Profile
    source: str


def sizes_told(paths: Iterable[Path | None]) -> Sizes:
    """
    Give the sizes of the first profile among files; none if no file is one of any size.

    Raises
    ------
    ProfileError
        If a file is damaged.
    """
    for path in paths:
        if path is not None and path.is_file() and _if_predictor(path) is None:
            sizes = load_profile(path).sizes
            if sizes:
                return sizes
    return {}


def device_host(graph: Graph, path: Path | None, feed: Arrays | None, *, quiet: bool) -> Host:
    """
    Give the device: of a profile's or a predictor's file, or this machine timed now.

    Parameters
    ----------
    feed
        Inputs to time it with; made up by default.
    quiet
        Say nothing of timing.

    Raises
    ------
    ProfileError, CostError
        If the file is neither, or of another model.
    """
    if path is not None:
        return _of_file(graph, path)
    if not quiet:
        err.print("timing the model here; `cutpoint profile` on the device is more exact ...")
    segments = Segments(graph, cuts_to_hold(graph))
    with first_run(feed):
        timed = time_segments(segments, feed=feed, malloc_kept=keep_freed_memory())
    return Host(timed, "timed here, now")


def server_host(
    graph: Graph, text: str, device: Host, security: ClientSecurity | None = None
) -> Host:
    """
    Give a server.

    Parameters
    ----------
    text
        A profile's or a predictor's file, ``HOST:PORT`` of a server that runs, or ``8x``:
        assumed to be so many times faster than the device.
    security
        What is shown to a server that runs, and demanded of it.

    Raises
    ------
    UnitError
        If it is assumed to be infinitely slow.
    ProfileError, CostError, ConnectError
        If there is no such file, it is none of ours, or the server is not reached.
    """
    times = _TIMES_FASTER.match(text)
    if times is not None:
        return _assumed(device, float(times[1]))
    if Path(text).exists():
        return _of_file(graph, Path(text))
    if ":" in text:
        told, _ = server_profile(text, graph, security)
        _check_sizes(graph, told, f"server {text}")
        return Host(told, f"server {text}")
    raise ProfileError(
        f"server {text!r}: there is no such file; name a profile or a predictor, HOST:PORT of "
        "a server that runs, or how much faster than the device it is, for example 8x"
    )


def _assumed(device: Host, factor: float) -> Host:
    if not 0 < factor < float("inf"):
        raise UnitError(f"server '{factor:g}x': a server is faster or slower, never without end")
    samples = tuple(
        replace(sample, duration_s=sample.duration_s / factor, cpu_s=None)
        for sample in device.profile.samples
    )
    profile = replace(device.profile, host="assumed", samples=samples)
    return Host(profile, f"assumed {factor:g} x as fast as the device")


def _of_file(graph: Graph, path: Path) -> Host:
    content = _if_predictor(path)
    if content is not None:
        predictor = predictor_from_json(content, f"predictor {path}")
        return Host(predictor.profile(graph, path.stem), f"predicted by {path}")
    profile = load_profile(path)
    check_is_of(graph, profile)
    _check_sizes(graph, profile, f"profile {path}")
    return Host(profile, f"profile {path}")


def _check_sizes(graph: Graph, profile: Profile, source: str) -> None:
    """Refuse times of other inputs than those that the plan is for."""
    if graph.sizes and profile.sizes and dict(profile.sizes) != dict(graph.sizes):
        raise ProfileMismatchError(
            f"{source} was measured with {_written(profile.sizes)}, the plan is for "
            f"{_written(graph.sizes)}: measure it at these sizes, or give --size as it says"
        )


def _written(sizes: Sizes) -> str:
    return ", ".join(f"{name}={size}" for name, size in sizes.items())


def _if_predictor(path: Path) -> bytes | None:
    """Give the file's bytes if it is meant as a predictor; whatever is wrong is told later."""
    try:
        content = path.read_bytes()
        document: Any = msgspec.json.decode(content)
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return content if isinstance(document, dict) and "of_all" in document else None
