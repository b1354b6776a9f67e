"""Write a model that takes 8-bit pictures, its preprocessing in the graph."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cutpoint.execution.embed_check import EmbedCheck, check_embedded
from cutpoint.execution.model_file import ModelFile
from cutpoint.execution.original import Original
from cutpoint.execution.part_file import PartFile, placed, write_part
from cutpoint.execution.preprocessing import Layout, Preprocessing
from cutpoint.execution.with_preprocessing import WithPreprocessing
from cutpoint.graph import Sizes


@dataclass(frozen=True)
class EmbeddedModel:
    """
    A model that takes pictures, as it was written.

    Parameters
    ----------
    file
        The file.
    picture
        Name of the input that takes pictures.
    layout
        Of the pictures.
    made
        Name of the value that was an input of floats before.
    opset
        Of the standard operators.
    opset_before
        What the model had.
    check
        What came of running it beside the original; ``None`` if that was not wanted.
    """

    file: PartFile
    picture: str
    layout: Layout
    made: str
    opset: int
    opset_before: int
    check: EmbedCheck | None


def embed(
    file: ModelFile,
    preprocessing: Preprocessing,
    path: str | os.PathLike[str],
    *,
    input_name: str | None = None,
    picture_name: str | None = None,
    sizes: Sizes | None = None,
    feed: Mapping[str, Any] | None = None,
    options: Any = None,
    overwrite: bool = False,
    verify: bool = True,
) -> EmbeddedModel:
    """
    Write a model that does its preprocessing itself, so that bytes are what it is fed.

    The model stays as it is in its file: names, weights (which go from file to file), open
    dimensions, functions and metadata. What was its input is a value in front of the same
    nodes. Its opset is raised only if it has no operator for what is wanted, by onnx's own
    converter.

    Parameters
    ----------
    file
        The model.
    preprocessing
        What pictures go through.
    path
        The file to write; its weights go beside it if the model's lie beside theirs.
    input_name
        The input that pictures are made into; by default the only one that takes such.
    picture_name
        Of the new input; by default the old one's name and ``_uint8``.
    sizes
        Binds open dimensions, by the names of the model that is written, for the comparison.
    feed
        Inputs of the model that is written, instead of made-up ones.
    options
        Session options of ONNX Runtime with whatever custom operators the model needs.
    overwrite
        Whether files of these names may be replaced.
    verify
        Whether to run both models on pictures, the original's preprocessed in NumPy. If
        made-up inputs do not suit the model, that is no error.

    Raises
    ------
    ConfigurationError
        If the preprocessing does not fit the model, or an input or a name is none.
    ModelError
        If the model takes no pictures, or cannot be used, or what was made computes
        something else. Then nothing is written.
    FeedError
        If `feed` does not suit the model.
    FileExistsError
        If a file is there and is not to be replaced.
    """
    path, original = Path(path), Original(file)
    _check_is_other(original, path)
    if not overwrite:
        _check_free(path)
    made = WithPreprocessing(original, preprocessing, input_name, picture_name)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that it appears there whole, and only if it is right.
    with tempfile.TemporaryDirectory(prefix=".cutpoint-", dir=path.parent) as unfinished:
        written = write_part(
            made.model(),
            original.folder,
            Path(unfinished) / path.name,
            is_apart=bool(original.data_files),
        )
        check = None
        if verify:
            asked: dict[str, Any] = {"sizes": sizes, "feed": feed, "options": options}
            check = check_embedded(original, written.path, made.alone(), made.embedding(), **asked)
        return EmbeddedModel(
            placed(written, path.parent),
            made.picture,
            made.layout,
            made.target.name,
            made.opset,
            made.opset_before,
            check,
        )


def _check_is_other(original: Original, path: Path) -> None:
    """Refuse to write over the model itself, or its weights."""
    source = original.file.source
    if isinstance(source, bytes):
        return
    read = {(Path(source).parent / each).resolve() for each in original.data_files}
    read.add(Path(source).resolve())
    for each in _files(path):
        if each.resolve() in read:
            raise FileExistsError(f"{each} is the model itself, or its weights: name another file")


def _check_free(path: Path) -> None:
    for each in _files(path):
        if each.exists():
            raise FileExistsError(
                f"{each} is there already: name another file, or let it be replaced "
                "(overwrite=True, on the command line --force)"
            )


def _files(path: Path) -> tuple[Path, Path]:
    return path, path.with_name(f"{path.name}.data")
