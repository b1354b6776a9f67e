"""Parse a model file, and refuse what could harm before anything heavier looks at it."""

import os
import stat

import onnx
from google.protobuf.message import DecodeError

from cutpoint.exceptions import ModelError, UnsafeModelError
from cutpoint.execution.checkable import checkable
from cutpoint.execution.external_data import check_external_data
from cutpoint.execution.load_limits import LoadLimits
from cutpoint.execution.model_file import ModelFile
from cutpoint.execution.structure import check_structure
from cutpoint.execution.tensor_sizes import check_tensors


def parse_model(
    file: ModelFile, limits: LoadLimits | None = None, *, full_check: bool = True
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
    limits = limits or LoadLimits()
    where = described(file)
    _check_size(file, limits, where)
    model = _parsed(file, where)
    try:
        check_structure(model, limits, where)
        check_tensors(model, limits, where)
        check_external_data(model, file, where)
    except (TypeError, UnicodeError) as error:  # protobuf gives bytes where text is none
        raise _no_model(where, f"a name in it is not text: {error}") from error
    if full_check:
        _check_valid(model, where)
    return model


def described(file: ModelFile) -> str:
    """Say which file, for messages."""
    return "the model given as bytes" if isinstance(file.source, bytes) else str(file.source)


def file_bytes(file: ModelFile) -> int:
    """
    Give the size of a model file.

    Raises
    ------
    ModelError
        If it is not there, or no regular file.
    """
    if isinstance(file.source, bytes):
        return len(file.source)
    try:
        status = os.stat(file.source)
    except (OSError, ValueError) as error:
        raise ModelError(f"model file {file.source}: {error}") from error
    if not stat.S_ISREG(status.st_mode):
        raise ModelError(f"{file.source} is not an ONNX model: it is not a regular file")
    return status.st_size


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
