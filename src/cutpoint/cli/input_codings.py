"""How a model's input travels when the server does everything, as it is written."""

from collections.abc import Sequence

from cutpoint.exceptions import UnitError
from cutpoint.graph import Graph
from cutpoint.units import parse_size

_JPEG_BYTES_PER_ELEMENT = 0.1
"""A photo of 224 x 224 pixels at good quality: 15 KB."""

_CHANNELS = {1, 3}


def input_codings(graph: Graph, texts: Sequence[str]) -> list[tuple[str, float]]:
    """
    Give codings of the input, and its bytes under each.

    Parameters
    ----------
    texts
        ``float32`` (as the model takes it), ``uint8`` (a byte per element of inputs that
        are floats), ``jpeg:15KB``. None stands for the first two and, if the input is a
        picture, a JPEG of a tenth of a byte per element.

    Raises
    ------
    UnitError
        If there is no such coding.
    """
    if not texts:
        codings = [_coding(graph, "float32"), _coding(graph, "uint8")]
        if _is_picture(graph):
            codings.append(("jpeg", _JPEG_BYTES_PER_ELEMENT * codings[1][1]))
        return codings
    return [_coding(graph, text) for text in texts]


def baseline_codings(graph: Graph, texts: Sequence[str]) -> list[tuple[str, float]]:
    """
    Give the codings beside which a plan is to be seen: of the usual ones those that are smaller.

    Parameters
    ----------
    texts
        As `input_codings` takes them; what is asked for is given, whatever its size.

    Raises
    ------
    UnitError
        If there is no such coding.
    """
    as_it_is = float(graph.size_bytes(graph.inputs))
    return [each for each in input_codings(graph, texts) if texts or each[1] < as_it_is]


def input_type(graph: Graph) -> str:
    """Name the type in which the model takes its inputs; empty if it takes several."""
    types = {graph.values[name].dtype or "" for name in graph.inputs}
    return types.pop() if len(types) == 1 else ""


def _coding(graph: Graph, text: str) -> tuple[str, float]:
    inputs = [graph.values[name] for name in graph.inputs]
    name, colon, size = text.partition(":")
    if name == "float32" and not colon:
        return text, float(sum(value.size_bytes for value in inputs))
    if name == "uint8" and not colon:
        return text, float(
            sum(
                _num_elements(value.shape or ())
                if (value.dtype or "").startswith("float")
                else value.size_bytes
                for value in inputs
            )
        )
    if name == "jpeg" and colon:
        return text, parse_size(size)
    raise UnitError(f"input as {text!r}: write float32, uint8 or jpeg:SIZE, for example jpeg:15KB")


def _is_picture(graph: Graph) -> bool:
    shapes = [graph.values[name].shape or () for name in graph.inputs]
    return (
        len(shapes) == 1
        and len(shapes[0]) == 4
        and _CHANNELS & {shapes[0][1], shapes[0][3]} != set()
    )


def _num_elements(shape: Sequence[int]) -> int:
    num = 1
    for length in shape:
        num *= length
    return num
