"""Parse a model file, and refuse what could harm before anything heavier looks at it."""

from collections.abc import Iterator
from contextlib import contextmanager

import onnx
from google.protobuf.message import DecodeError

from cutpoint.exceptions import ModelError, UnsafeModelError
from cutpoint.execution.checkable import checkable
from cutpoint.execution.external_data import check_external_data
from cutpoint.execution.load_limits import LoadLimits
from cutpoint.execution.model_file import ModelFile, described, file_bytes
from cutpoint.execution.structure import check_structure
from cutpoint.execution.tensor_sizes import check_tensors


def parse_model(
    file: ModelFile,
    limits: LoadLimits | None = None,
    *,
    full_check: bool = True,
    follows_links: bool = False,
) -> onnx.ModelProto:
    """
    Parse a model file without loading its external data, and check it.

    In this order, each before anything heavier: the file's size, its wire format, how far
    functions and sub-graphs unfold, the sizes of tensors, where data files lie, and then
    onnx's checker with strict shape inference. None of it runs the model or calls ONNX
    Runtime; all but the last takes time in proportion to the file. A file that nobody
    vouches for also needs `cutpoint.execution.vet`, since a valid model may still take
    any time and memory.

    Operators of other domains, and standard ones that only ONNX Runtime knows, pass: ONNX
    Runtime says whether it has them.

    Parameters
    ----------
    file
        The model.
    limits
        What it may take; the defaults of `LoadLimits`.
    full_check
        Whether to call onnx's checker. Without, a model passes that ONNX Runtime takes
        although it is not valid ONNX (nodes out of order, output shapes that are wrong).
    follows_links
        Whether data files may be reached over links, as in the caches of model hubs. Only
        if somebody vouches for the folder: a link leads anywhere.

    Returns
    -------
    onnx.ModelProto
        The whole file; tensors whose data lie elsewhere refer to them.

    Raises
    ------
    UnsafeModelError
        If a limit is broken, or a data file is not a plain file of the model's folder.
    ModelError
        If the file is not an ONNX model, is damaged, or is not valid.
    """
    model = parse_alone(file, limits)
    check_rest(model, file, full_check=full_check, follows_links=follows_links)
    return model


def parse_alone(file: ModelFile, limits: LoadLimits | None = None) -> onnx.ModelProto:
    """
    Parse a model file and check what can be told without its data files.

    Raises
    ------
    UnsafeModelError, ModelError
        As `parse_model`.
    """
    limits = limits or LoadLimits()
    where = described(file)
    _check_size(file, limits, where)
    model = _parsed(file, where)
    with _as_no_model(where):
        check_structure(model, limits, where)
        check_tensors(model, limits, where)
    return model


def check_rest(
    model: onnx.ModelProto, file: ModelFile, *, full_check: bool, follows_links: bool = False
) -> None:
    """
    Check of a model that `parse_alone` gave what remains: data files, and the checker.

    Raises
    ------
    UnsafeModelError, ModelError
        As `parse_model`.
    """
    where = described(file)
    with _as_no_model(where):
        check_external_data(model, file, where, follows_links=follows_links)
    if full_check:
        _check_valid(model, where)


@contextmanager
def _as_no_model(where: str) -> Iterator[None]:
    try:
        yield
    except (TypeError, UnicodeError) as error:  # protobuf gives bytes where text is none
        raise _no_model(where, f"a name in it is not text: {error}") from error


def _check_size(file: ModelFile, limits: LoadLimits, where: str) -> None:
    size_bytes = file_bytes(file)
    if size_bytes > limits.file_bytes:
        raise UnsafeModelError(
            f"{where}: {size_bytes} bytes, over the limit of {limits.file_bytes}: keep weights in "
            "a data file beside the model, or raise LoadLimits.file_bytes"
        )


def _parsed(file: ModelFile, where: str) -> onnx.ModelProto:
    try:
        if isinstance(file.source, bytes):
            model = onnx.load_model_from_string(file.source)
        else:
            # Named, or onnx guesses from the suffix and reads a .json by another parser.
            model = onnx.load_model(file.source, format="protobuf", load_external_data=False)
    except (DecodeError, OSError, ValueError, TypeError) as error:
        raise _no_model(where, error) from error
    if not model.HasField("graph"):
        raise _no_model(where, "it has no graph")
    return model


def _check_valid(model: onnx.ModelProto, where: str) -> None:
    try:
        onnx.checker.check_model(checkable(model), full_check=True)
    except onnx.shape_inference.InferenceError as error:
        raise ModelError(
            f"{where}: types or shapes disagree ({error}): correct them, or export the model again"
        ) from error
    except (
        onnx.checker.ValidationError, RuntimeError, ValueError, TypeError, IndexError, DecodeError
    ) as error:  # fmt: skip
        # What the checker's own code stumbles over is no valid model either.
        raise ModelError(
            f"{where} is not valid ONNX ({error}): correct it, or export the model again"
        ) from error


def _no_model(where: str, error: object) -> ModelError:
    return ModelError(
        f"{where} is not an ONNX model, or is cut short ({error}): "
        "check the file, or export it again"
    )
