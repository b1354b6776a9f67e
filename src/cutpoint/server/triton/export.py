"""Export a model to NVIDIA Triton, cut where devices may want it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from cutpoint.exceptions import InvalidCutError, ModelError
from cutpoint.execution import Segments
from cutpoint.graph import Arrays, Cut, Graph, server_only
from cutpoint.planning import cuts_to_hold, shortlist
from cutpoint.server.triton.layout import Layout, lay_out_segments, lay_out_tails, why_none
from cutpoint.server.triton.model_config import Backend
from cutpoint.server.triton.repository import TritonRepository, WriteSettings, write_repository

DEFAULT_CUTS = 4
"""Each makes one segment more, and each segment a visit to another model."""


@dataclass(frozen=True)
class ExportSettings:
    """
    How a model is exported.

    Parameters
    ----------
    layout
        ``"segments"``: each segment is one model and each tail an ensemble of them, so that
        weights are held once. ``"tails"``: each tail is one model with its own weights.
    backend
        ``"onnxruntime"``, or ``"python"`` for a Triton that has no such backend: ONNX
        Runtime runs in its Python backend then.
    max_batch
        Requests that may run as one, where the model allows it; 1 for none.
    num_instances
        Copies of each model that run at the same time.
    num_threads
        Threads inside one operator; ``None`` leaves that to the backend.
    """

    layout: Layout = "segments"
    backend: Backend = "onnxruntime"
    max_batch: int = 8
    num_instances: int = 1
    num_threads: int | None = None


def export_repository(
    graph: Graph,
    folder: str | os.PathLike[str],
    cuts: Sequence[Cut] | None = None,
    settings: ExportSettings | None = None,
    *,
    example: Arrays | None = None,
    overwrite: bool = False,
) -> TritonRepository:
    """
    Write the whole model and its tails as a repository of Triton's.

    The names are those that a cutpoint device asks for, so that it finds the tails as it finds
    them at any server of the protocol.

    Parameters
    ----------
    graph
        The model, every open dimension bound; those that the file leaves open stay so.
    folder
        Of the repository; made if need be.
    cuts
        Interior cuts; by default those `DEFAULT_CUTS` of the shortlist that matter most.
    settings
        By default those of `ExportSettings`.
    example
        Inputs on which it is tried out which segments run several requests as one.
    overwrite
        Whether models that are there may be replaced.

    Raises
    ------
    ModelError
        If the whole model is nothing that Triton serves.
    FileExistsError
        If a model of such a name is there and is not to be replaced.
    """
    settings = settings or ExportSettings()
    if why := why_none(graph, server_only(graph), settings.backend):
        raise ModelError(f"model {graph.name!r} cannot be served by Triton: {why}")
    wanted = tuple(cuts) if cuts is not None else default_cuts(graph)
    reasons = {cut: why_none(graph, cut, settings.backend) for cut in wanted}
    kept = [cut for cut in wanted if not reasons[cut]]
    segments = Segments(graph, kept)
    is_batching = settings.max_batch > 1
    if is_batching:
        segments.find_batches(example)
    lay_out = lay_out_segments if settings.layout == "segments" else lay_out_tails
    try:
        laid_out = lay_out(graph, segments, settings.backend, is_batching=is_batching)
    except InvalidCutError as error:
        raise ModelError(
            f"model {graph.name!r} cannot be served in segments by Triton: {error}; choose other "
            "cuts, or the layout of tails"
        ) from error
    laid_out.left_out.update((cut, why) for cut, why in reasons.items() if why)
    written = WriteSettings(
        settings.backend, settings.max_batch, settings.num_instances, settings.num_threads
    )
    return write_repository(graph, laid_out, folder, written, overwrite=overwrite)


def default_cuts(graph: Graph, most: int = DEFAULT_CUTS) -> tuple[Cut, ...]:
    """Give the cuts of the shortlist that matter most, in topological order."""
    return shortlist(graph, cuts_to_hold(graph), most)
