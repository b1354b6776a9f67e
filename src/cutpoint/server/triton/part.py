"""One model of a repository that is run: a part of the whole, as a file and a configuration."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import onnx

from cutpoint.exceptions import InvalidCutError
from cutpoint.execution.batch_axis import BatchAxis, opened
from cutpoint.graph import Graph, Segment, extract
from cutpoint.server.triton.model_config import Backend
from cutpoint.server.triton.tensor import TritonTensor, described


@dataclass(frozen=True)
class TritonPart:
    """
    A model that Triton runs.

    Parameters
    ----------
    name
        It is served under.
    model
        The file; its weights are where they were.
    inputs, outputs
        As Triton is told of them, the batch among their dimensions.
    is_batchable
        Whether requests may run as one, along the first dimension of every tensor.
    """

    name: str
    model: onnx.ModelProto
    inputs: tuple[TritonTensor, ...]
    outputs: tuple[TritonTensor, ...]
    is_batchable: bool

    @property
    def taken(self) -> tuple[str, ...]:
        """Names of what it takes."""
        return tuple(each.name for each in self.inputs)


def part_of(
    graph: Graph, segment: Segment, name: str, backend: Backend, axis: BatchAxis | None
) -> TritonPart:
    """
    Cut a part out of a model.

    Parameters
    ----------
    segment
        Between which values.
    axis
        Where the batch is, if the part was found to run several requests as one.

    Raises
    ------
    InvalidCutError
        If one of its tensors is nothing that Triton passes on.
    """
    content = extract(graph, segment)
    names = (*segment.inputs, *segment.outputs)
    is_batchable = axis is not None and all(axis.rows.get(name) == 1 for name in names)
    if axis is not None and is_batchable:
        content = opened(content, axis) or content
    return described_part(onnx.ModelProto.FromString(content), name, graph, backend, is_batchable)


def described_part(
    model: onnx.ModelProto, name: str, graph: Graph, backend: Backend, is_batchable: bool
) -> TritonPart:
    """
    Describe a model whose tensors are values of a graph.

    Raises
    ------
    InvalidCutError
        If one of its tensors is nothing that Triton passes on.
    """
    has_bf16 = backend == "onnxruntime"
    weights = {each.name for each in model.graph.initializer}

    def told(infos: Iterable[onnx.ValueInfoProto]) -> tuple[TritonTensor, ...]:
        return tuple(
            described(info, graph.values.get(info.name), has_bf16=has_bf16) for info in infos
        )

    inputs = told(info for info in model.graph.input if info.name not in weights)
    outputs = told(model.graph.output)
    if not inputs:
        raise InvalidCutError(f"{name!r} takes nothing: Triton runs no such model")
    return TritonPart(name, model, inputs, outputs, is_batchable)


def by_name(parts: Iterable[TritonPart]) -> Mapping[str, TritonTensor]:
    """Give every tensor of parts by its name."""
    return {tensor.name: tensor for part in parts for tensor in (*part.inputs, *part.outputs)}
