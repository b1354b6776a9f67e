"""A model as it is in its file, not optimised: the graph it is cut by, and its parts."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import onnx
import onnx_ir as ir

from cutpoint.exceptions import InvalidCutError, ModelError
from cutpoint.execution.light_model import external_tensors, light_model
from cutpoint.execution.model_file import ModelFile
from cutpoint.execution.scopes import function_key, scopes_of
from cutpoint.graph import Cut, Graph, cut_at, graph_from_model, plain_model, value_names
from cutpoint.graph.pieces import Pieces
from cutpoint.graph.uses import is_random

_START = "cutpoint.start"
"""What the named values of a model without inputs depend on, so that it can be cut."""

_OF_THE_GRAPH = frozenset(
    {
        "node", "initializer", "sparse_initializer", "input", "output", "value_info",
        "quantization_annotation",
    }
)  # fmt: skip
"""What a part takes a share of; all else of a graph it keeps."""


class Original:
    """
    A model file, its weights left in it.

    Parameters
    ----------
    file
        The model.

    Raises
    ------
    ModelError
        If it is not an ONNX model.
    """

    def __init__(self, file: ModelFile) -> None:
        self.file = file
        self.proto = light_model(file)
        self._model = _read(self.proto, self.folder)
        names = value_names(self._model)
        self.graph: Graph = graph_from_model(
            self._model, name=file.name, sha256=file.sha256, original_names=names
        )

    @property
    def folder(self) -> Path | None:
        """Where the files are that weights refer to; ``None`` if the model was given as bytes."""
        return None if isinstance(self.file.source, bytes) else Path(self.file.source).parent

    @property
    def data_files(self) -> frozenset[str]:
        """Where it keeps weights beside the model file, as it says."""
        own = None if self.folder is None else Path(str(self.file.source)).name
        return frozenset(
            entry.value
            for _, tensor in external_tensors(self.proto)
            for entry in tensor.external_data
            if entry.key == "location" and entry.value != own
        )

    @property
    def is_random(self) -> bool:
        """Whether two runs on the same inputs may differ."""
        return any(is_random(node, self._model.functions) for node in self._model.graph)

    def cut_at(self, names: Iterable[str]) -> Cut:
        """
        Give the cut at which exactly these values cross.

        Raises
        ------
        InvalidCutError
            If one is no value that can be cut at, or more would have to cross; names it.
        """
        wanted = tuple(dict.fromkeys(names))
        graph = self.graph if self.graph.inputs else self._started_at(wanted)
        for name in wanted:
            self._check_is_value(graph, name)
        cut = cut_at(graph, wanted)
        if not cut.head:
            raise InvalidCutError(
                f"nothing of {self.file.name!r} is computed before {list(wanted)}: cut further "
                "behind, the tail would be the whole model"
            )
        return cut

    def info(self, name: str) -> onnx.ValueInfoProto:
        """Describe a value: as the file does, or where that is less, as shape inference does."""
        for value in (*self.proto.graph.input, *self.proto.graph.output):
            if value.name == name and is_described(value):
                return value
        return Pieces.of(self._model).info(name)

    def part(
        self, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]
    ) -> onnx.ModelProto:
        """
        Give the part between inputs and outputs, with all that the file says of it.

        Nodes, weights and functions are those of the file, only as many as the part needs.
        """
        found = Pieces.of(self._model).part(inputs, outputs)
        part = onnx.ModelProto()
        _copy_but(part, self.proto, {"graph", "functions", "training_info"})
        _copy_but(part.graph, self.proto.graph, _OF_THE_GRAPH)
        weights = {weight.name for weight in found.graph.initializer}
        made = [name for node in found.graph.node for name in node.output if name]
        self._add_nodes(part.graph, weights, made)
        part.graph.input.extend(inputs)
        # What old versions list as inputs of their own, and callers may replace.
        part.graph.input.extend(v for v in self.proto.graph.input if v.name in weights)
        part.graph.output.extend(outputs)
        part.graph.value_info.extend(found.graph.value_info)
        present = weights.union(made, (value.name for value in inputs))
        part.graph.quantization_annotation.extend(
            each for each in self.proto.graph.quantization_annotation if each.tensor_name in present
        )
        needed = {function_key(function) for function in found.functions}
        part.functions.extend(f for f in self.proto.functions if function_key(f) in needed)
        return part

    def _add_nodes(self, part: onnx.GraphProto, weights: set[str], made: Iterable[str]) -> None:
        """Add nodes and weights as the file has them: other libraries keep less of each."""
        graph = self.proto.graph
        makers = {name: index for index, node in enumerate(graph.node) for name in node.output}
        part.node.extend(graph.node[i] for i in dict.fromkeys(makers[name] for name in made))
        part.initializer.extend(w for w in graph.initializer if w.name in weights)
        part.sparse_initializer.extend(
            w for w in graph.sparse_initializer if w.values.name in weights
        )

    def _check_is_value(self, graph: Graph, name: str) -> None:
        if name in graph.values:
            return
        if name in self._model.graph.initializers:
            raise InvalidCutError(
                f"{name!r} is a weight of {self.file.name!r}: each part takes the weights it "
                "needs; cut at a value that nodes compute from the inputs"
            )
        if name in self.graph.original_names:
            raise InvalidCutError(
                f"{name!r} of {self.file.name!r} depends on weights alone, or no output needs "
                "it: each part makes it by itself; cut at a value that inputs lead to"
            )
        scopes = scopes_of(self.proto)
        next(scopes)
        for scope in scopes:
            if any(name in node.output for node in scope.body.node):
                raise InvalidCutError(
                    f"{name!r} is made inside {scope.where} of {self.file.name!r}: only values of "
                    "the main graph can cross; cut before or behind the node that holds it"
                )

    def _started_at(self, names: Iterable[str]) -> Graph:
        """Give the graph with values computed that no input leads to."""
        model = self._model.clone()
        start = ir.Value(name=_START, type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape([1]))
        model.graph.inputs.append(start)
        for node in model.graph:
            if {value.name for value in node.outputs}.intersection(names):
                node.resize_inputs(len(node.inputs) + 1)
                node.replace_input_with(len(node.inputs) - 1, start)
        return graph_from_model(
            model,
            name=self.file.name,
            sha256=self.file.sha256,
            original_names=self.graph.original_names,
        )


def is_described(value: onnx.ValueInfoProto) -> bool:
    """Tell whether a value's type is known and, of a tensor, how many dimensions it has."""
    kind = value.type.WhichOneof("value")
    if kind in ("tensor_type", "sparse_tensor_type"):
        tensor = getattr(value.type, kind)
        return bool(tensor.elem_type) and tensor.HasField("shape")
    return kind is not None


def _read(proto: onnx.ModelProto, folder: Path | None) -> ir.Model:
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    model = plain_model(copy, str(folder or ""))
    try:
        model.graph.sort()
    except ValueError as error:
        raise ModelError(f"model {proto.graph.name!r} goes round in a circle: {error}") from error
    return model


def _copy_but(
    target: onnx.ModelProto | onnx.GraphProto,
    source: onnx.ModelProto | onnx.GraphProto,
    without: Iterable[str],
) -> None:
    for field, value in source.ListFields():
        if field.name in without:
            continue
        if field.is_repeated:
            getattr(target, field.name).extend(value)
        else:
            setattr(target, field.name, value)
