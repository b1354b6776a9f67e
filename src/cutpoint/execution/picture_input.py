"""The input of a model that takes pictures: which one, and what its dimensions mean."""

from collections.abc import Iterator
from dataclasses import dataclass

import onnx

from cutpoint.exceptions import ConfigurationError, ModelError
from cutpoint.execution.original import Original
from cutpoint.execution.preprocessing import Layout, Preprocessing

_KINDS: dict[int, str] = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.FLOAT16: "float16",
    onnx.TensorProto.BFLOAT16: "bfloat16",
    onnx.TensorProto.DOUBLE: "float64",
}
_CHANNELS = (1, 3, 4)
"""Of grey, coloured and transparent pictures."""

_RANKED: dict[int, tuple[Layout, ...]] = {4: ("nchw", "nhwc"), 3: ("chw", "hwc")}

Size = int | str | None
"""Of a dimension: a number, the name under which it is open, or open without a name."""


@dataclass(frozen=True)
class PictureInput:
    """
    An input that pictures are made into.

    Parameters
    ----------
    info
        As the file describes it.
    layout
        What its dimensions are, in their order.
    num_channels
        How many channels a picture has.
    """

    info: onnx.ValueInfoProto
    layout: Layout
    num_channels: int

    @property
    def name(self) -> str:
        """Of the input."""
        return str(self.info.name)

    @property
    def dtype(self) -> str:
        """NumPy's name of its element type."""
        return _KINDS[self.info.type.tensor_type.elem_type]

    def size(self, axis: str) -> Size:
        """Give the size along an axis, a letter of the layout; that of no batch is 1."""
        if axis not in self.layout:
            return 1
        return _sizes(self.info)[self.layout.index(axis)]


def picture_input(
    original: Original, preprocessing: Preprocessing, name: str | None = None
) -> PictureInput:
    """
    Find the input that takes pictures.

    Parameters
    ----------
    original
        The model.
    preprocessing
        Its numbers tell how many channels are looked for, where it has one for each.
    name
        Of the input; by default the only one that can take pictures.

    Raises
    ------
    ModelError
        If no input takes pictures, or not this one; says why.
    ConfigurationError
        If there is no such input, several may be meant, or its dimensions may mean two things.
    """
    infos = {each: original.info(each) for each in original.graph.inputs}
    if name is not None:
        if name not in infos:
            raise ConfigurationError(
                f"{original.file.name!r} has no input {name!r}: it has {', '.join(infos)}"
            )
        return _read(original, infos[name], preprocessing)
    reasons = {each: why_no_picture(info, preprocessing) for each, info in infos.items()}
    found = [each for each, why in reasons.items() if not why]
    if len(found) > 1:
        raise ConfigurationError(
            f"{original.file.name!r} has several inputs that may be pictures, "
            f"{', '.join(found)}: name the one that is meant"
        )
    if not found:
        told = "; ".join(f"{each!r} {why}" for each, why in reasons.items())
        raise ModelError(
            f"no input of {original.file.name!r} takes pictures: {told or 'it has none'}"
        )
    return _read(original, infos[found[0]], preprocessing)


def why_no_picture(info: onnx.ValueInfoProto, preprocessing: Preprocessing) -> str:
    """Say why an input takes no float pictures; empty if it may."""
    if info.type.WhichOneof("value") != "tensor_type":
        return "is no tensor"
    tensor = info.type.tensor_type
    if tensor.elem_type not in _KINDS:
        kind = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
        return f"takes {kind}, no floats to be made of pixels"
    if not tensor.HasField("shape"):
        return "has no known number of dimensions"
    if len(tensor.shape.dim) not in _RANKED:
        return f"has {len(tensor.shape.dim)} dimensions, a picture 3 or, in a batch, 4"
    if not list(_layouts(info, preprocessing)):
        count = preprocessing.num_channels
        wanted = f"the {count} channels" if count else "1, 3 or 4 channels"
        return f"has no dimension for {wanted} of a picture in {_written(info)}"
    return ""


def _read(
    original: Original, info: onnx.ValueInfoProto, preprocessing: Preprocessing
) -> PictureInput:
    why = why_no_picture(info, preprocessing)
    if why:
        raise ModelError(f"input {info.name!r} of {original.file.name!r} {why}")
    layouts = list(_layouts(info, preprocessing))
    if len(layouts) > 1:
        raise ConfigurationError(
            f"input {info.name!r} of {original.file.name!r}, {_written(info)}, may be "
            f"{' or '.join(layouts)}: say which (model_layout, on the command line --model-layout)"
        )
    size = _sizes(info)[layouts[0].index("c")]
    count = (
        size if isinstance(size, int) else (preprocessing.num_channels or len(preprocessing.mean))
    )
    preprocessing.factors(count)
    return PictureInput(info, layouts[0], count)


def _layouts(info: onnx.ValueInfoProto, preprocessing: Preprocessing) -> Iterator[Layout]:
    """Give what the dimensions may be; an open one holds channels only if that is said."""
    sizes, told = _sizes(info), preprocessing.model_layout
    count = preprocessing.num_channels
    for layout in _RANKED[len(sizes)]:
        size = sizes[layout.index("c")]
        fits = size == count if count else size in _CHANNELS
        if told == layout:
            fits = not isinstance(size, int) or count in (None, size)
        if fits and told in (None, layout):
            yield layout


def _sizes(info: onnx.ValueInfoProto) -> list[Size]:
    return [
        each.dim_value if each.HasField("dim_value") else each.dim_param or None
        for each in info.type.tensor_type.shape.dim
    ]


def _written(info: onnx.ValueInfoProto) -> str:
    return f"[{', '.join(str(each or '?') for each in _sizes(info))}]"
