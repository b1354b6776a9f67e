"""A model as onnx's checker can judge it: light, and silent on what the checker cannot know."""

import math
from collections.abc import Iterable

import onnx

from cutpoint.execution.scopes import sparse_in

_FOREIGN = "cutpoint.beyond_the_checker"
"""A domain that the checker knows nothing of, so it believes what nodes of it make."""

_LIGHT_ELEMENTS = 1 << 12
"""Tensors up to this size stay: shape inference reads sizes and axes from them."""

_FIRST_WITHOUT_INPUTS = 4
"""IR version from which initializers need no input of the same name."""


def checkable(model: onnx.ModelProto) -> onnx.ModelProto:
    """
    Give a copy of a model for the checker, without its weights.

    The checker serialises and parses what it is given twice over and needs every data
    file, so large and external tensors are given as inputs of their type and sizes. It
    also refuses what ONNX Runtime runs: operators it has no schema of in the standard
    domain, domains that are not imported, inputs and outputs of unknown rank. Those become
    nodes of a foreign domain, in the copy alone; all else is judged as it stands.

    The model must be nested no deeper than Python recurses.
    """
    light = onnx.ModelProto()
    _copy_but(light, model, {"graph", "functions", "training_info"})
    _copy_graph(light.graph, model.graph, _opset(model.opset_import))
    _type_weights(light.graph, model)
    _type_outputs(light.graph)
    _untype_inputs(light.graph)
    for function in model.functions:
        _copy_function(light.functions.add(), function)
    known = {each.domain for each in light.opset_import}
    for domain in sorted(_domains(light.graph) - known):
        light.opset_import.add(domain=domain, version=1)
    return light


def _copy_but(
    light: onnx.ModelProto | onnx.GraphProto | onnx.FunctionProto | onnx.NodeProto,
    full: onnx.ModelProto | onnx.GraphProto | onnx.FunctionProto | onnx.NodeProto,
    without: set[str],
) -> None:
    for field, value in full.ListFields():
        if field.name in without:
            continue
        if field.is_repeated:
            getattr(light, field.name).extend(value)
        elif field.message_type is not None:
            getattr(light, field.name).CopyFrom(value)
        else:
            setattr(light, field.name, value)


def _copy_graph(light: onnx.GraphProto, full: onnx.GraphProto, opset: int) -> None:
    _copy_but(light, full, {"node", "initializer", "sparse_initializer"})
    light.name = full.name or "graph"
    for tensor in full.initializer:
        if _is_light(tensor):
            light.initializer.add().CopyFrom(tensor)
    for node in full.node:
        _copy_node(light.node.add(), node, opset)


def _copy_function(light: onnx.FunctionProto, full: onnx.FunctionProto) -> None:
    _copy_but(light, full, {"node", "attribute_proto"})
    opset = _opset(full.opset_import)
    for node in full.node:
        _copy_node(light.node.add(), node, opset)
    for attribute in full.attribute_proto:
        if _is_light_attribute(attribute):
            light.attribute_proto.add().CopyFrom(attribute)
    known = {each.domain for each in light.opset_import}
    for domain in sorted({node.domain for node in light.node} - known):
        light.opset_import.add(domain=domain, version=1)


def _copy_node(light: onnx.NodeProto, full: onnx.NodeProto, opset: int) -> None:
    _copy_but(light, full, {"attribute"})
    if not onnx.defs.has(full.op_type, opset, full.domain) and full.domain in ("", "ai.onnx"):
        light.domain = _FOREIGN
    for attribute in full.attribute:
        if not _is_light_attribute(attribute):
            light.domain = _FOREIGN
        elif attribute.HasField("g"):
            copied = light.attribute.add(name=attribute.name, type=attribute.type)
            _copy_subgraph(copied.g, attribute.g, opset)
        elif attribute.graphs:
            copied = light.attribute.add(name=attribute.name, type=attribute.type)
            for graph in attribute.graphs:
                _copy_subgraph(copied.graphs.add(), graph, opset)
        else:
            light.attribute.add().CopyFrom(attribute)


def _copy_subgraph(light: onnx.GraphProto, full: onnx.GraphProto, opset: int) -> None:
    heavy = [t.name for t in full.initializer if not _is_light(t)]
    heavy += [sparse.values.name for sparse in full.sparse_initializer]
    light.node.extend(_foreign([], [name]) for name in heavy)
    _copy_graph(light, full, opset)


def _type_weights(light: onnx.GraphProto, model: onnx.ModelProto) -> None:
    """Make inputs of the weights left out, and of all of them where the version asks for it."""
    given = {value.name for value in light.input}
    asked = model.ir_version < _FIRST_WITHOUT_INPUTS
    dense = (
        (t.name, t.data_type, t.dims, asked or not _is_light(t)) for t in model.graph.initializer
    )
    sparse = (
        (each.values.name, each.values.data_type, each.dims, True)
        for each in model.graph.sparse_initializer
    )
    for name, data_type, sizes, is_input in (*dense, *sparse):
        if is_input and name not in given:
            given.add(name)
            light.input.append(onnx.helper.make_tensor_value_info(name, data_type, list(sizes)))


def _type_outputs(light: onnx.GraphProto) -> None:
    """Let outputs without type or shape end in a foreign node, whose output has both."""
    for index, value in enumerate(light.output):
        if not _is_typed(value):
            typed = f"{_FOREIGN}.{index}"
            light.node.append(_foreign([value.name], [typed]))
            value.CopyFrom(onnx.helper.make_tensor_value_info(typed, onnx.TensorProto.FLOAT, []))


def _untype_inputs(light: onnx.GraphProto) -> None:
    """Let inputs of unknown rank come from a foreign node: their use is still checked."""
    kept = [value for value in light.input if _is_typed(value)]
    untyped = [value.name for value in light.input if not _is_typed(value)]
    if untyped:
        nodes = [*(_foreign([], [name]) for name in untyped), *light.node]
        del light.input[:], light.node[:]
        light.input.extend(kept)
        light.node.extend(nodes)


def _is_typed(value: onnx.ValueInfoProto) -> bool:
    kind = value.type.WhichOneof("value")
    if kind == "tensor_type":
        return value.type.tensor_type.HasField("shape")
    return kind is not None


def _is_light(tensor: onnx.TensorProto) -> bool:
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        return False
    # Not its bytes: protobuf copies them to count them.
    return math.prod(tensor.dims) <= _LIGHT_ELEMENTS


def _is_light_attribute(attribute: onnx.AttributeProto) -> bool:
    tensors = [attribute.t] if attribute.HasField("t") else []
    tensors += [*attribute.tensors]
    for sparse in sparse_in(attribute):
        tensors += [sparse.values, sparse.indices]
    return all(map(_is_light, tensors))


def _foreign(inputs: list[str], outputs: list[str]) -> onnx.NodeProto:
    return onnx.helper.make_node("Unknown", inputs, outputs, domain=_FOREIGN)


def _domains(graph: onnx.GraphProto) -> set[str]:
    """Give the domains of a graph's nodes, those of sub-graphs included."""
    found: set[str] = set()
    for node in graph.node:
        found.add(node.domain)
        for attribute in node.attribute:
            for inner in [attribute.g] if attribute.HasField("g") else [*attribute.graphs]:
                found |= _domains(inner)
    # The standard domains have versions that matter: the checker says if they are missing.
    return found - {"", "ai.onnx", "ai.onnx.ml"}


def _opset(imports: Iterable[onnx.OperatorSetIdProto]) -> int:
    versions = [each.version for each in imports if each.domain in ("", "ai.onnx")]
    return max(versions, default=onnx.defs.onnx_opset_version())
