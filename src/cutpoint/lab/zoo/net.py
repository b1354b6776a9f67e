"""Writes an ONNX graph node by node; weights are declared, and filled later."""

import math
from collections.abc import Sequence
from typing import Any, Literal

from cutpoint.lab.zoo.architecture import Shape
from cutpoint.lab.zoo.graph_writer import INPUT, GraphWriter

Pair = int | tuple[int, int]
"""One number for both, or height and width."""

Padding = Pair | Literal["same"] | None
"""Zeros per side; None keeps the size at stride 1; "same" is TensorFlow's, more at the end."""


class Net(GraphWriter):
    """
    An ONNX graph under construction, for one image, in opset 17.

    Every method that names an operator appends it and gives the name of its output.
    Values are named after their scope and operator: ``layer1.0.conv``, ``layer1.0.conv_2``.

    Parameters
    ----------
    name
        Name of the graph.
    image
        Channels, height and width of the input.
    """

    def __init__(self, name: str, image: tuple[int, int, int]) -> None:
        super().__init__(name, (1, *image))
        self.input = INPUT

    def channels(self, x: str) -> int:
        """Give the second dimension of a value."""
        return self.shape(x)[1]

    # Layers with weights

    def conv(
        self,
        x: str,
        out_channels: int,
        kernel: Pair = 1,
        stride: Pair = 1,
        padding: Padding = None,
        groups: int = 1,
        dilation: int = 1,
        bias: bool = False,
    ) -> str:
        """Convolve; kernel, stride and padding are one number or height and width."""
        kernel, stride = _pair(kernel), _pair(stride)
        name = self._name("conv")
        in_channels = self.channels(x) // groups
        inputs = [
            x,
            self._weight(f"{name}.weight", (out_channels, in_channels, *kernel), "Conv", 1),
        ]
        if bias:
            inputs.append(self._weight(f"{name}.bias", (out_channels,), "Conv", 2))
        return self._node(
            "Conv",
            inputs,
            name,
            kernel_shape=kernel,
            strides=stride,
            pads=self._pads(x, padding, kernel, stride, dilation),
            group=groups,
            dilations=(dilation, dilation),
        )

    def batch_norm(
        self, x: str, eps: float = 1e-5, residual: bool = False, shifted: bool = False
    ) -> str:
        """
        Normalise.

        ``residual`` is for the last norm of a branch that is added to its own input,
        ``shifted`` for a norm before a Relu in a net that is deep and has no shortcuts.
        """
        name = self._name("bn")
        scale_role = "ResidualBatchNormalization" if residual else "BatchNormalization"
        bias_role = "ShiftedBatchNormalization" if shifted else "BatchNormalization"
        shape = (self.channels(x),)
        inputs = [
            x,
            self._weight(f"{name}.scale", shape, scale_role, 1),
            self._weight(f"{name}.bias", shape, bias_role, 2),
            self._weight(f"{name}.mean", shape, "BatchNormalization", 3),
            self._weight(f"{name}.variance", shape, "BatchNormalization", 4),
        ]
        return self._node("BatchNormalization", inputs, name, epsilon=eps)

    def layer_norm(self, x: str, eps: float = 1e-6) -> str:
        """Normalise over the last dimension."""
        name = self._name("norm")
        shape = self.shape(x)[-1:]
        inputs = [
            x,
            self._weight(f"{name}.scale", shape, "LayerNormalization", 1),
            self._weight(f"{name}.bias", shape, "LayerNormalization", 2),
        ]
        return self._node("LayerNormalization", inputs, name, epsilon=eps, axis=-1)

    def linear(self, x: str, out_features: int, bias: bool = True) -> str:
        """Multiply by a weight: Gemm for two dimensions, MatMul and Add for more."""
        name, in_features = self._name("linear"), self.shape(x)[-1]
        is_flat = len(self.shape(x)) == 2
        shape = (out_features, in_features) if is_flat else (in_features, out_features)
        operator = "Gemm" if is_flat else "MatMul"
        inputs = [x, self._weight(f"{name}.weight", shape, operator, 1)]
        if bias:
            inputs.append(self._weight(f"{name}.bias", (out_features,), "Gemm", 2))
        if is_flat:
            return self._node("Gemm", inputs, name, transB=1)
        product = self._node("MatMul", inputs[:2], f"{name}.matmul" if bias else name)
        return self._node("Add", [product, inputs[2]], name) if bias else product

    def parameter(self, shape: Shape, role: Literal["class_token", "position_embedding"]) -> str:
        """Declare a weight that stands alone; concatenate or add it."""
        return self._weight(self._name(role), shape, role, 0)

    # Activations

    def relu(self, x: str) -> str:
        """Cut off below 0."""
        return self._node("Relu", [x])

    def relu6(self, x: str) -> str:
        """Cut off below 0 and above 6."""
        return self._node("Clip", [x, self._scalar(0.0), self._scalar(6.0)], self._name("relu6"))

    def leaky_relu(self, x: str, alpha: float = 0.1) -> str:
        """Multiply by ``alpha`` below 0."""
        return self._node("LeakyRelu", [x], alpha=alpha)

    def sigmoid(self, x: str) -> str:
        """Squash to 0..1."""
        return self._node("Sigmoid", [x])

    def hard_sigmoid(self, x: str) -> str:
        """Squash to 0..1 piecewise linearly, relu6(x + 3) / 6."""
        return self._node("HardSigmoid", [x], alpha=1 / 6, beta=0.5)

    def silu(self, x: str) -> str:
        """Multiply by its own sigmoid (swish)."""
        return self.mul(x, self.sigmoid(x))

    def hard_swish(self, x: str) -> str:
        """Multiply by its own hard sigmoid."""
        return self._node("HardSwish", [x])

    def gelu(self, x: str) -> str:
        """Multiply by the normal distribution function of itself, through Erf."""
        name = self._name("gelu")
        scaled = self._node("Mul", [x, self._scalar(math.sqrt(0.5))], f"{name}.scaled")
        erf = self._node("Erf", [scaled], f"{name}.erf")
        twice_share = self._node("Add", [erf, self._scalar(1.0)], f"{name}.twice_share")
        twice = self._node("Mul", [x, twice_share], f"{name}.twice")
        return self._node("Mul", [twice, self._scalar(0.5)], name)

    def softmax(self, x: str, axis: int = -1) -> str:
        """Make the values along ``axis`` shares of one."""
        return self._node("Softmax", [x], axis=axis)

    # Arithmetic between values

    def add(self, a: str, b: str) -> str:
        """Add, with broadcasting."""
        return self._node("Add", [a, b])

    def mul(self, a: str, b: str) -> str:
        """Multiply element by element, with broadcasting."""
        return self._node("Mul", [a, b])

    def scale(self, x: str, factor: float) -> str:
        """Multiply by a constant."""
        return self._node("Mul", [x, self._scalar(factor)], self._name("scale"))

    def matmul(self, a: str, b: str) -> str:
        """Multiply the matrices in the last two dimensions."""
        return self._node("MatMul", [a, b])

    # Pooling

    def max_pool(
        self,
        x: str,
        kernel: Pair,
        stride: Pair | None = None,
        padding: Padding = 0,
        ceil: bool = False,
    ) -> str:
        """Take maxima; stride None is the kernel, ``ceil`` keeps a window that overhangs."""
        return self._pool("MaxPool", x, kernel, stride, padding, ceil_mode=int(ceil))

    def avg_pool(
        self,
        x: str,
        kernel: Pair,
        stride: Pair | None = None,
        padding: Padding = 0,
        ceil: bool = False,
        count_include_pad: bool = True,
    ) -> str:
        """Take averages; ``count_include_pad`` counts padding as zeros (PyTorch's default)."""
        return self._pool(
            "AveragePool",
            x,
            kernel,
            stride,
            padding,
            ceil_mode=int(ceil),
            count_include_pad=int(count_include_pad),
        )

    def global_avg_pool(self, x: str) -> str:
        """Average each channel; keeps 1 x 1."""
        return self._node("GlobalAveragePool", [x])

    def lrn(self, x: str, size: int, alpha: float, beta: float, bias: float) -> str:
        """Normalise by the energy of ``size`` neighbouring channels."""
        return self._node("LRN", [x], size=size, alpha=alpha, beta=beta, bias=bias)

    # Shapes

    def flatten(self, x: str) -> str:
        """Make one row of everything but the batch."""
        return self._node("Flatten", [x])

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        """
        Reshape; -1 is inferred, 0 copied.

        The first dimension must begin with the batch: calibration, which runs
        several images at once, multiplies it by their number.
        """
        return self._node("Reshape", [x, self._shape_constant(shape)])

    def transpose(self, x: str, perm: Sequence[int]) -> str:
        """Permute the dimensions."""
        return self._node("Transpose", [x], perm=list(perm))

    def concat(self, xs: Sequence[str], axis: int = 1) -> str:
        """Join along ``axis``."""
        return self._node("Concat", list(xs), axis=axis)

    def split(self, x: str, parts: Sequence[int], axis: int) -> list[str]:
        """Cut into consecutive parts of the given sizes."""
        name = self._name("split")
        outputs = [f"{name}.{part_idx}" for part_idx in range(len(parts))]
        self._append("Split", [x, self._integers(parts)], outputs, axis=axis)
        return outputs

    def slice(self, x: str, start: int, end: int, axis: int) -> str:
        """Take the elements from ``start`` up to ``end``."""
        bounds = [self._integers([number]) for number in (start, end, axis)]
        return self._node("Slice", [x, *bounds])

    def resize(
        self, x: str, height: int, width: int, mode: Literal["nearest", "linear"] = "nearest"
    ) -> str:
        """Change height and width, as PyTorch's ``interpolate`` does without aligned corners."""
        sizes = self._shape_constant([*self.shape(x)[:2], height, width])
        nearest = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        linear = {"coordinate_transformation_mode": "half_pixel"}
        options = nearest if mode == "nearest" else linear
        return self._node("Resize", [x, "", "", sizes], mode=mode, **options)

    def identity(self, x: str) -> str:
        """Give another name to a value."""
        return self._node("Identity", [x])

    # How nodes are written

    def _pool(
        self,
        operator: str,
        x: str,
        kernel: Pair,
        stride: Pair | None,
        padding: Padding,
        **attributes: Any,
    ) -> str:
        kernel = _pair(kernel)
        stride = kernel if stride is None else _pair(stride)
        pads = self._pads(x, padding, kernel, stride, 1)
        return self._node(
            operator, [x], kernel_shape=kernel, strides=stride, pads=pads, **attributes
        )

    def _pads(
        self,
        x: str,
        padding: Padding,
        kernel: tuple[int, int],
        stride: tuple[int, int],
        dilation: int,
    ) -> list[int]:
        """Give zeros at top, left, bottom and right."""
        reach = [(size - 1) * dilation for size in kernel]
        if padding == "same":
            # TensorFlow's rule: as many outputs as strides begin inside, odd zeros at the end.
            steps = zip(self.shape(x)[2:], stride, reach, strict=True)
            total = [max((-(-size // by) - 1) * by + far + 1 - size, 0) for size, by, far in steps]
            return [zeros // 2 for zeros in total] + [zeros - zeros // 2 for zeros in total]
        return 2 * ([far // 2 for far in reach] if padding is None else list(_pair(padding)))


def _pair(numbers: Pair) -> tuple[int, int]:
    return (numbers, numbers) if isinstance(numbers, int) else numbers
