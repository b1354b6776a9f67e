"""Measure a net of a published table on this host."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.client.codec_choice import codecs_named
from cutpoint.cost import codec_speeds, node_seconds
from cutpoint.cost.tolerance import tolerance_named
from cutpoint.graph import Arrays, Graph
from cutpoint.lab.activations import activations
from cutpoint.lab.papers.paper_net import CodecFacts, PaperNet
from cutpoint.lab.shares.host_times import undisturbed
from cutpoint.planning import cuts_to_hold
from cutpoint.profiling import measure
from cutpoint.profiling.calibration_file import load_calibration
from cutpoint.profiling.codec_times import time_codecs
from cutpoint.profiling.kept_codec_times import values_to_time
from cutpoint.records import Profile

if TYPE_CHECKING:
    from cutpoint.lab.arena import Subject

_QUIET = 1.1
"""Wall time / CPU time up to which the shares of the nodes are taken as they are."""

_MOST_VALUES = 4
_CODECS_S = 1.5


def measure_paper_net(
    subject: "Subject",
    *,
    repeats: int = 8,
    attempts: int = 3,
    listener: Callable[[str], None] = lambda _: None,
) -> PaperNet:
    """
    Time a net on one thread, node by node, and the codecs of its values.

    CPU time counts, of the quietest quarter of the runs: what else the machine does is no part
    of it. The nodes share that out by ONNX Runtime's profiler.

    Parameters
    ----------
    subject
        The net's files, pictures, calibration and tolerance.
    repeats
        Timed runs.
    attempts
        How often it is timed at most, while other work disturbs it.
    listener
        Told what is done now.
    """
    pixels, feed = subject.graph("uint8"), subject.feed("uint8", 0)
    listener(f"{subject.name}: timing")
    profile = _quietest(pixels, feed, repeats, attempts)
    listener(f"{subject.name}: timing codecs")
    return PaperNet(
        name=subject.name,
        floats=subject.graph("float32"),
        pixels=pixels,
        pixel_s=node_seconds(pixels, undisturbed(profile)),
        codecs=_codec_facts(subject, pixels, feed),
        contention=profile.contention,
    )


def _quietest(graph: Graph, feed: Arrays, repeats: int, attempts: int) -> Profile:
    """Time until nothing disturbs it, and if that does not come keep the best."""
    profiles: list[Profile] = []
    while len(profiles) < attempts:
        profiles.append(measure(graph, cuts=(), num_threads=1, repeats=repeats, feed=feed))
        if profiles[-1].contention <= _QUIET:
            break
    return min(profiles, key=lambda each: each.contention)


def _codec_facts(subject: "Subject", graph: Graph, feed: Arrays) -> CodecFacts:
    calibration = load_calibration(subject.calibration)
    codecs = codecs_named(calibration.codecs)
    values = values_to_time(_crossing(graph, feed), _MOST_VALUES)
    samples = time_codecs(codecs, values, budget_s=_CODECS_S)
    return CodecFacts(
        calibration=calibration,
        tolerance=tolerance_named(subject.tolerance),
        encode=codec_speeds(samples, "encode"),
        decode=codec_speeds(samples, "decode"),
    )


def _crossing(graph: Graph, feed: Arrays) -> list[NDArray[np.generic]]:
    """Run the net once; give what its held cuts send."""
    names = dict.fromkeys(
        (*graph.inputs, *(name for cut in cuts_to_hold(graph) for name in cut.crossing))
    )
    found: dict[str, Any] = {}
    for _, values in activations(graph, [feed], list(names)):
        found.update(values)
    return list(found.values())
