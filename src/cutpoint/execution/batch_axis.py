"""Where a model's batch is: which values grow with it along their first axis, and which stay."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import onnx

from cutpoint.graph import Graph, Segment, extract, segments_of
from cutpoint.graph.element_types import Shape

_TIMES = (2, 3)
"""What the batch is multiplied by: a shape that follows at both follows."""

_OPEN = "cutpoint_batch"


@dataclass(frozen=True)
class BatchAxis:
    """
    The values of a model by what a larger batch does to them.

    Parameters
    ----------
    rows
        By name, of the values that grow with the batch: their size along the first axis in
        one request, as bound.
    fixed
        Values that have the same shape at every batch.
    """

    rows: Mapping[str, int]
    fixed: frozenset[str]

    def suits(self, segment: Segment) -> bool:
        """Tell whether everything a segment takes and makes is known, and its batch comes in."""
        known = all(
            name in self.rows or name in self.fixed for name in (*segment.inputs, *segment.outputs)
        )
        return known and any(name in self.rows for name in segment.inputs)


def batch_axis(graph: Graph) -> BatchAxis | None:
    """
    Find the batch by shape inference; ``None`` if the model has none along its first axes.

    The first axes of the inputs are made larger, and what follows is the batch. The
    inference is run at sizes of its own and not at a symbol, which reshapes lose.

    Parameters
    ----------
    graph
        With every input's dimensions bound.
    """
    fed = _fed_rows(graph)
    whole = segments_of(graph, ())
    if not fed or len(whole) != 1:
        return None
    content = extract(graph, whole[0])
    once = _shapes(content, _bound(graph, fed, 1))
    grown = [_shapes(content, _bound(graph, fed, times)) for times in _TIMES]
    rows, fixed = {}, set()
    for name, shape in once.items():
        others = [shapes.get(name) for shapes in grown]
        if all(other == shape for other in others):
            fixed.add(name)
        elif shape and all(
            other == (times * shape[0], *shape[1:])
            for times, other in zip(_TIMES, others, strict=True)
        ):
            rows[name] = shape[0]
    if any(name not in rows for name in fed):
        return None
    return BatchAxis(rows, frozenset(fixed))


def opened(content: bytes, axis: BatchAxis) -> bytes | None:
    """
    Give a segment that takes any batch in place of the one its file fixes.

    Parameters
    ----------
    content
        The segment as a model of its own, as `extract` gives it.

    Returns
    -------
    bytes or None
        ``None`` if it takes any batch as it is.
    """
    model = onnx.ModelProto.FromString(content)
    infos = (*model.graph.input, *model.graph.output)
    if not any(_is_closed(info, axis) for info in infos):
        return None
    for info in infos:
        if info.name in axis.rows:
            first = info.type.tensor_type.shape.dim[0]
            first.dim_param = f"{_OPEN}_{axis.rows[info.name]}"
    # Inside it is found anew, from what comes in.
    inner = [info for info in model.graph.value_info if info.name in axis.fixed]
    del model.graph.value_info[:]
    model.graph.value_info.extend(inner)
    return bytes(model.SerializeToString())


def _is_closed(info: onnx.ValueInfoProto, axis: BatchAxis) -> bool:
    dims = info.type.tensor_type.shape.dim
    return info.name in axis.rows and len(dims) > 0 and dims[0].HasField("dim_value")


def _fed_rows(graph: Graph) -> dict[str, int]:
    """Give the inputs that are taken to carry the batch, with their rows: those like the first."""
    names = [dimension for dimension in graph.dimensions if dimension.position == 0]
    open_names = {dimension.input: dimension.name for dimension in names}
    found: dict[str, int] = {}
    batch: tuple[str | None, int] | None = None
    for name in graph.inputs:
        shape = graph.values[name].shape
        if not shape or shape[0] < 1 or not graph.values[name].can_travel:
            continue
        mine = (open_names.get(name), shape[0])
        batch = batch or mine
        if mine == batch:
            found[name] = shape[0]
    return found


def _bound(graph: Graph, fed: Mapping[str, int], times: int) -> dict[str, Shape]:
    bound = {}
    for name in graph.inputs:
        shape = graph.values[name].shape
        if shape is not None:
            bound[name] = (times * shape[0], *shape[1:]) if name in fed else shape
    return bound


def _shapes(content: bytes, bound: Mapping[str, Shape]) -> dict[str, Shape]:
    """Give the shapes that follow from those of the inputs, where they are known."""
    model = onnx.ModelProto.FromString(content)
    for info in model.graph.input:
        if info.name in bound:
            info.type.tensor_type.shape.CopyFrom(_shape(bound[info.name]))
    for info in model.graph.output:
        info.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    try:
        told = onnx.shape_inference.infer_shapes(model, strict_mode=False, data_prop=True)
    except Exception:  # whatever its C++ raises: what is not known has no batch
        return {}
    infos = (*told.graph.input, *told.graph.value_info, *told.graph.output)
    return {
        info.name: tuple(dim.dim_value for dim in info.type.tensor_type.shape.dim)
        for info in infos
        if _is_known(info)
    }


def _shape(sizes: Iterable[int]) -> onnx.TensorShapeProto:
    shape = onnx.TensorShapeProto()
    for size in sizes:
        shape.dim.add(dim_value=size)
    return shape


def _is_known(info: onnx.ValueInfoProto) -> bool:
    if info.type.WhichOneof("value") != "tensor_type":
        return False
    if not info.type.tensor_type.HasField("shape"):
        return False
    return all(dim.HasField("dim_value") for dim in info.type.tensor_type.shape.dim)
