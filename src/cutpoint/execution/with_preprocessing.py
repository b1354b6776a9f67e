"""A model with its preprocessing in front: the graph, before it is written."""

from collections.abc import Iterable, Mapping

import onnx

from cutpoint.exceptions import ConfigurationError, ModelError
from cutpoint.execution.embedding import Embedding
from cutpoint.execution.original import Original
from cutpoint.execution.picture_input import PictureInput, Size, picture_input
from cutpoint.execution.preprocessing import BATCHED, Layout, Preprocessing
from cutpoint.execution.preprocessing_nodes import opset_wanted, preprocessing_nodes
from cutpoint.execution.scopes import scopes_of

_STANDARD = frozenset({"", "ai.onnx"})
_LATEST = 17
"""Opset of the standard operators for a model that imports none; every runtime here has it."""

_FIRST_WITHOUT_INPUTS = 4
"""IR version from which initializers need no input of the same name."""

_FORMATS = {("rgb", 3): "Rgb8", ("bgr", 3): "Bgr8", ("rgb", 1): "Gray8"}
"""ONNX's names of what a picture's bytes are."""


class WithPreprocessing:
    """
    A model, and the nodes that go in front of it.

    Parameters
    ----------
    original
        The model.
    preprocessing
        What pictures go through.
    input_name
        The input that pictures are made into; by default the only one that takes such.
    picture_name
        Of the new input; by default the old one's name and ``_uint8``.

    Raises
    ------
    ConfigurationError
        If the preprocessing does not fit the model, or an input or a name is none.
    ModelError
        If the model takes no pictures, or its opset cannot be raised.
    """

    def __init__(
        self,
        original: Original,
        preprocessing: Preprocessing,
        input_name: str | None,
        picture_name: str | None,
    ) -> None:
        self._file, self._preprocessing = original.file, preprocessing
        self.target = picture_input(original, preprocessing, input_name)
        self.layout = _layout(self.target, preprocessing)
        self._model, self.opset_before, self.opset = _raised(original, opset_wanted(preprocessing))
        self._taken = _names(self._model)
        if picture_name is not None and picture_name in self._taken:
            raise ConfigurationError(
                f"{original.file.name!r} has a value {picture_name!r} already: choose another name"
            )
        self.picture = picture_name or self._fresh(f"{self.target.name}_uint8")
        self._taken.add(self.picture)
        self._bindings = _bindings(self.target, self.layout, preprocessing)
        self._batch = self._bound(self.target.size("n"))
        self._info = self._picture_info()
        self._nodes, self._constants = preprocessing_nodes(
            preprocessing,
            self.target,
            self.layout,
            self.picture,
            batch=self._batch,
            opset=self.opset,
            fresh=self._fresh,
        )

    def model(self) -> onnx.ModelProto:
        """Give the model with the nodes in front, its weights where they were."""
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        graph = model.graph
        position = [each.name for each in graph.input].index(self.target.name)
        made = onnx.ValueInfoProto()
        made.CopyFrom(graph.input[position])
        graph.input[position].CopyFrom(self._info)
        graph.value_info.append(made)
        behind = list(graph.node)
        del graph.node[:]
        graph.node.extend((*self._nodes, *behind))
        self._add_constants(graph)
        for scope in scopes_of(model):
            if scope.graph is not None:
                _bind(scope.graph, self._bindings)
        self._describe(model)
        return model

    def embedding(self) -> Embedding:
        """Give what was put in front of the model."""
        return Embedding(self._preprocessing, self.picture, self.layout, self.target)

    def alone(self) -> onnx.ModelProto:
        """Give the nodes as a model of their own."""
        given = onnx.ValueInfoProto(name=self.target.name)
        given.type.tensor_type.elem_type = self.target.info.type.tensor_type.elem_type
        graph = onnx.helper.make_graph(self._nodes, "preprocessing", [self._info], [given])
        self._add_constants(graph)
        return onnx.helper.make_model(
            graph,
            opset_imports=[onnx.helper.make_opsetid("", self.opset)],
            ir_version=self._model.ir_version,
        )

    def _add_constants(self, graph: onnx.GraphProto) -> None:
        graph.initializer.extend(self._constants)
        if self._model.ir_version < _FIRST_WITHOUT_INPUTS:
            graph.input.extend(
                onnx.helper.make_tensor_value_info(each.name, each.data_type, each.dims)
                for each in self._constants
            )

    def _picture_info(self) -> onnx.ValueInfoProto:
        height, width = (self._bound(self.target.size(axis)) for axis in "hw")
        if self._preprocessing.size is not None:
            taken = _open_names(self._model)
            height, width = (_unlike(name, taken) for name in ("height", "width"))
        sizes = {"n": self._batch, "h": height, "w": width, "c": self.target.num_channels}
        return onnx.helper.make_tensor_value_info(
            self.picture, onnx.TensorProto.UINT8, [sizes[axis] for axis in self.layout]
        )

    def _bound(self, size: Size) -> Size:
        return self._bindings.get(size, size) if isinstance(size, str) else size

    def _fresh(self, name: str) -> str:
        name = _unlike(name, self._taken)
        self._taken.add(name)
        return name

    def _describe(self, model: onnx.ModelProto) -> None:
        """Say what the pictures are, in the words that ONNX has for that."""
        told = {"Image.NominalPixelRange": "NominalRange_0_255"}
        found = _FORMATS.get((self._preprocessing.channels, self.target.num_channels))
        if found is not None:
            told["Image.BitmapPixelFormat"] = found
        kept = [each for each in model.metadata_props if each.key not in told]
        del model.metadata_props[:]
        model.metadata_props.extend(kept)
        for key, value in told.items():
            model.metadata_props.add(key=key, value=value)


def _layout(target: PictureInput, preprocessing: Preprocessing) -> Layout:
    """Give the layout of the pictures, which must suit the model."""
    is_batched = target.layout in BATCHED.values()
    layout = preprocessing.layout or ("nhwc" if is_batched else "hwc")
    if layout in BATCHED.values() and not is_batched:
        raise ConfigurationError(
            f"input {target.name!r} takes one picture, {target.layout}, no batch: write the layout "
            f"as {layout[1:]}"
        )
    batch = target.size("n")
    if layout not in BATCHED.values() and isinstance(batch, int) and batch != 1:
        raise ConfigurationError(
            f"input {target.name!r} takes a batch of {batch} pictures: write the layout as "
            f"n{layout}"
        )
    return layout


def _bindings(
    target: PictureInput, layout: Layout, preprocessing: Preprocessing
) -> Mapping[str, int]:
    """Give what becomes of the model's own open dimensions: those that are settled now."""
    settled: dict[str, int] = {"c": target.num_channels}
    if layout not in BATCHED.values():
        settled["n"] = 1
    if preprocessing.size is not None:
        settled["w"], settled["h"] = preprocessing.size
    bound: dict[str, int] = {}
    for axis, wanted in settled.items():
        size = target.size(axis)
        if isinstance(size, str):
            size = bound.setdefault(size, wanted)
        if isinstance(size, int) and size != wanted:
            raise ConfigurationError(
                f"input {target.name!r} takes pictures of {target.size('w')}x{target.size('h')} "
                f"pixels, none of {preprocessing.size}: resize them to what it takes"
            )
    return bound


def _bind(graph: onnx.GraphProto, bindings: Mapping[str, int]) -> None:
    for value in (*graph.input, *graph.output, *graph.value_info):
        for each in value.type.tensor_type.shape.dim if _has_shape(value) else ():
            if each.dim_param in bindings:
                each.dim_value = bindings[each.dim_param]


def _has_shape(value: onnx.ValueInfoProto) -> bool:
    return value.type.HasField("tensor_type") and value.type.tensor_type.HasField("shape")


def _raised(original: Original, wanted: int) -> tuple[onnx.ModelProto, int, int]:
    """Give a copy of the model at an opset that has what is wanted, and both opsets."""
    model = onnx.ModelProto()
    model.CopyFrom(original.proto)
    imported = [each.version for each in model.opset_import if each.domain in _STANDARD]
    if not imported:
        opset = max(_LATEST, wanted)
        model.opset_import.add(domain="", version=opset)
        return model, opset, opset
    before = max(imported)
    if before >= wanted:
        return model, before, before
    advice = (
        f"{original.file.name!r} is of opset {before}, {wanted} has the Resize that is wanted, and "
        "onnx's converter cannot raise it: {}; resize in mode linear (opset 11), or before, or "
        "export the model again"
    )
    if model.functions:
        raise ModelError(advice.format("it has functions of its own"))
    try:
        raised = onnx.version_converter.convert_version(model, wanted)
    except Exception as error:  # whatever its C++ raises
        raise ModelError(advice.format(error)) from error
    return raised, before, wanted


def _names(model: onnx.ModelProto) -> set[str]:
    names: set[str] = set()
    for scope in scopes_of(model):
        for node in scope.body.node:
            names.update((node.name, *node.input, *node.output))
        if scope.graph is not None:
            names.update(each.name for each in scope.graph.input)
            names.update(each.name for each in scope.graph.initializer)
            names.update(each.values.name for each in scope.graph.sparse_initializer)
    return names


def _open_names(model: onnx.ModelProto) -> set[str]:
    return {
        each.dim_param
        for value in (*model.graph.input, *model.graph.output, *model.graph.value_info)
        if _has_shape(value)
        for each in value.type.tensor_type.shape.dim
    }


def _unlike(name: str, taken: Iterable[str]) -> str:
    found, number = name, 1
    while found in set(taken):
        number += 1
        found = f"{name}_{number}"
    return found
