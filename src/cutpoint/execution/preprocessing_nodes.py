"""Preprocessing as nodes of a graph: from 8-bit pictures to a model's float input."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from cutpoint.execution.picture_input import PictureInput, Size
from cutpoint.execution.preprocessing import BATCHED, Layout, Preprocessing
from cutpoint.execution.resampling import CUBIC, FILTERS

_RESIZE_OPSET = 11
"""From which on Resize knows where a pixel's centre is."""

_ANTIALIAS_OPSET = 18
_OPSET_13 = 13
"""From which on Unsqueeze takes its axes as an input, and Resize leaves inputs out."""

_HALVES = (TensorProto.FLOAT16, TensorProto.BFLOAT16)
_ORDERS = {("nhwc", "nchw"): [0, 3, 1, 2], ("nchw", "nhwc"): [0, 2, 3, 1]}


def opset_wanted(preprocessing: Preprocessing) -> int:
    """Give the lowest opset that has the operators; 1 if any has."""
    if preprocessing.size is None:
        return 1
    return _ANTIALIAS_OPSET if FILTERS[preprocessing.resize_mode].is_antialiased else _RESIZE_OPSET


def preprocessing_nodes(
    preprocessing: Preprocessing,
    target: PictureInput,
    layout: Layout,
    name: str,
    *,
    batch: Size,
    opset: int,
    fresh: Callable[[str], str],
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """
    Give the nodes that make the model's input of pictures, and the constants that they use.

    Pixels stay pixels for as long as they can: transposed, resized and put in order as bytes,
    so that each such value is as small to send as a picture of its size. With the CPU
    provider of ONNX Runtime it is also faster than to do it to floats.

    Parameters
    ----------
    target
        The input that is made, under its own name.
    layout, name
        Of the pictures.
    batch
        How many pictures there are at once.
    opset
        Of the model.
    fresh
        Gives a name that the model does not have yet, like the one given.
    """
    made = _Chain(name, opset, fresh)
    if layout not in BATCHED.values():
        made.with_axes("Unsqueeze", [0])
    order, wanted = BATCHED[layout], BATCHED[target.layout]
    if preprocessing.size is not None:
        _resize(made, preprocessing, order, batch, target.num_channels)
    if order != wanted:
        made.node("Transpose", perm=_ORDERS[order, wanted])
    if preprocessing.swaps_colours:
        backwards = made.constant(np.arange(target.num_channels)[::-1].copy())
        made.node("Gather", backwards, axis=wanted.index("c"))
    _normalise(made, preprocessing, target, wanted)
    if target.layout not in BATCHED.values():
        made.with_axes("Squeeze", [0])
    made.nodes[-1].output[0] = target.name
    return made.nodes, made.constants


@dataclass
class _Chain:
    """Nodes, each of which takes what the one before made."""

    value: str
    opset: int
    fresh: Callable[[str], str]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stem = self.value

    def node(self, kind: str, *others: str, **attributes: Any) -> None:
        made = self.fresh(f"{self._stem}.{kind.lower()}")
        self.nodes.append(
            helper.make_node(kind, [self.value, *others], [made], name=made, **attributes)
        )
        self.value = made

    def constant(self, array: NDArray[Any]) -> str:
        made = self.fresh(f"{self._stem}.constant")
        self.constants.append(onnx.numpy_helper.from_array(array, made))
        return made

    def with_axes(self, kind: str, axes: Sequence[int]) -> None:
        if self.opset < _OPSET_13:
            self.node(kind, axes=axes)
        else:
            self.node(kind, self.constant(np.array(axes)))


def _resize(
    made: _Chain, preprocessing: Preprocessing, order: Layout, batch: Size, num_channels: int
) -> None:
    """Resize to bytes: ONNX Runtime rounds bytes itself with antialiasing, and cuts off without."""
    chosen = FILTERS[preprocessing.resize_mode]
    settings: dict[str, Any] = {
        "mode": preprocessing.resize_mode.partition("-")[0],
        "coordinate_transformation_mode": "half_pixel",
    }
    if settings["mode"] == "cubic":
        settings["cubic_coeff_a"] = CUBIC
    if chosen.is_antialiased:
        # Weights beyond the edge go to nobody, as in Pillow, not to the edge's own pixels.
        settings.update(antialias=1, exclude_outside=1)
    else:
        made.node("Cast", to=TensorProto.FLOAT)
    sizes = _sizes(made, preprocessing, order, batch, num_channels, settings)
    made.node("Resize", *_unused(made), sizes, **settings)
    if not chosen.is_antialiased:
        made.node("Round")
        made.node("Cast", to=TensorProto.UINT8)


def _unused(made: _Chain) -> tuple[str, str]:
    """Give the inputs of Resize that are not used; before opset 13 they may not be left out."""
    if made.opset >= _OPSET_13:
        return "", ""
    empty = made.constant(np.zeros(0, np.float32))
    return empty, empty


def _sizes(
    made: _Chain,
    preprocessing: Preprocessing,
    order: Layout,
    batch: Size,
    num_channels: int,
    settings: dict[str, Any],
) -> str:
    """Give the value that holds the sizes to resize to; before opset 18, those of all axes."""
    assert preprocessing.size is not None
    width, height = preprocessing.size
    if made.opset >= _ANTIALIAS_OPSET:
        settings["axes"] = [order.index("h"), order.index("w")]
        return made.constant(np.array([height, width]))
    whole = {"h": height, "w": width, "c": num_channels}
    rest = [whole[axis] for axis in order[1:]]
    if isinstance(batch, int):
        return made.constant(np.array([batch, *rest]))
    before, shape = made.value, made.fresh("picture.shape")
    first, all_ = made.fresh("picture.batch"), made.fresh("picture.sizes")
    zero, others = made.constant(np.array([0])), made.constant(np.array(rest))
    made.nodes.append(helper.make_node("Shape", [before], [shape], name=shape))
    made.nodes.append(helper.make_node("Gather", [shape, zero], [first], name=first))
    made.nodes.append(helper.make_node("Concat", [first, others], [all_], name=all_, axis=0))
    return all_


def _normalise(
    made: _Chain, preprocessing: Preprocessing, target: PictureInput, order: Layout
) -> None:
    """Multiply and add, once each: what (x * scale - mean) / std comes to."""
    kind = target.info.type.tensor_type.elem_type
    computed = TensorProto.FLOAT if kind in _HALVES else kind
    made.node("Cast", to=computed)
    factor, shift = preprocessing.factors(target.num_channels)
    if (factor != 1).any():
        made.node("Mul", made.constant(_spread(factor, computed, order)))
    if shift.any():
        made.node("Add", made.constant(_spread(shift, computed, order)))
    if kind != computed:
        made.node("Cast", to=kind)


def _spread(numbers: NDArray[np.float64], kind: int, order: Layout) -> NDArray[Any]:
    """Give a number per channel so that it meets its channel; one, if all are the same."""
    typed = numbers.astype(helper.tensor_dtype_to_np_dtype(kind))
    if (typed == typed[0]).all():
        return np.asarray(typed[0])
    return typed.reshape(-1, 1, 1) if order == "nchw" else typed
