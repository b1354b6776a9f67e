"""A folder of models as Triton reads it."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cutpoint.execution import triton_model_path
from cutpoint.execution.part_file import write_part
from cutpoint.execution.weights import weights_folder
from cutpoint.graph import Cut, Graph
from cutpoint.server.triton.layout import LaidOut, TritonEnsemble
from cutpoint.server.triton.model_config import (
    MODEL_FILE,
    Backend,
    config_text,
    ensemble_config,
    part_config,
)
from cutpoint.server.triton.part import TritonPart

_VERSION = "1"
_CONFIG = "config.pbtxt"
_PYTHON_FILE = "model.py"


@dataclass(frozen=True)
class TritonRepository:
    """
    What was written.

    Parameters
    ----------
    folder
        Of the repository.
    whole
        Name of the whole model.
    models
        Names of all models, in the order in which they can be loaded.
    tails
        Names of the tails, by cut.
    left_out
        Why a tail is not there, by cut.
    size_bytes
        Of the model files.
    """

    folder: Path
    whole: str
    models: tuple[str, ...]
    tails: dict[Cut, str] = field(default_factory=dict)
    left_out: dict[Cut, str] = field(default_factory=dict)
    size_bytes: int = 0


@dataclass(frozen=True)
class WriteSettings:
    """
    How models are to be run.

    Parameters
    ----------
    backend
        That runs them.
    max_batch
        Requests that may run as one where they may at all.
    num_instances
        Copies of each model.
    num_threads
        Threads inside one operator; ``None`` leaves that to the backend.
    """

    backend: Backend
    max_batch: int
    num_instances: int
    num_threads: int | None


def write_repository(
    graph: Graph,
    laid_out: LaidOut,
    folder: str | os.PathLike[str],
    settings: WriteSettings,
    *,
    overwrite: bool = False,
) -> TritonRepository:
    """
    Write models into a repository; others that are there stay.

    Each folder of a model appears whole or not at all: a Triton that watches the repository
    never sees half a model.

    Raises
    ------
    FileExistsError
        If a model of such a name is there and is not to be replaced.
    """
    folder = Path(folder)
    names = laid_out.names
    _check_free(folder, names, overwrite=overwrite)
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=".cutpoint-", dir=folder) as unfinished,
        tempfile.TemporaryDirectory(prefix=".cutpoint-", dir=folder) as replaced,
    ):
        size_bytes = 0
        for part in laid_out.parts:
            size_bytes += _write_part(graph, part, Path(unfinished) / part.name, settings)
        for ensemble in laid_out.ensembles:
            _write_ensemble(ensemble, Path(unfinished) / ensemble.name)
        for name in names:
            _put(Path(unfinished) / name, folder / name, Path(replaced) / name)
    return TritonRepository(
        folder, graph.name, tuple(names), laid_out.tails, laid_out.left_out, size_bytes
    )


def _check_free(folder: Path, names: Sequence[str], *, overwrite: bool) -> None:
    for name in names:
        if (folder / name).exists() and not overwrite:
            raise FileExistsError(
                f"{folder / name} is there already: name another folder, or let it be replaced "
                "(overwrite=True, on the command line --force)"
            )


def _write_part(graph: Graph, part: TritonPart, folder: Path, settings: WriteSettings) -> int:
    version = folder / _VERSION
    version.mkdir(parents=True)
    source = weights_folder(graph)
    written = write_part(part.model, None if source is None else Path(source), version / MODEL_FILE)
    if settings.backend == "python":
        shutil.copyfile(triton_model_path(), version / _PYTHON_FILE)
    config = part_config(
        part.name,
        settings.backend,
        part.inputs,
        part.outputs,
        max_batch=settings.max_batch if part.is_batchable else 0,
        num_instances=settings.num_instances,
        num_threads=settings.num_threads,
        warm_up=_sizes_of(graph, part),
    )
    _write_config(config, folder)
    return written.size_bytes


def _sizes_of(graph: Graph, part: TritonPart) -> dict[str, tuple[int, ...]]:
    """Give the sizes of what a part takes, as bound; of what is known before it runs."""
    shapes = {name: graph.values[name].shape for name in part.taken}
    return {name: shape for name, shape in shapes.items() if shape is not None}


def _write_ensemble(ensemble: TritonEnsemble, folder: Path) -> None:
    (folder / _VERSION).mkdir(parents=True)  # Triton wants one, though nothing lies in it
    _write_config(
        ensemble_config(ensemble.name, ensemble.inputs, ensemble.outputs, ensemble.steps), folder
    )


def _write_config(config: Any, folder: Path) -> None:
    (folder / _CONFIG).write_text(config_text(config), encoding="utf-8")


def _put(source: Path, target: Path, replaced: Path) -> None:
    """Put a folder in its place; what was there is moved away whole, and deleted later."""
    if target.exists():
        target.replace(replaced)
    source.replace(target)
