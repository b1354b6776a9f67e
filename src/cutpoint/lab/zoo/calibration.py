"""Statistics that random weights need to behave: batch norms and heads, in one run."""

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from cutpoint.execution.runtime import onnxruntime_module, quiet_options
from cutpoint.lab.zoo.architecture import IR_VERSION, Architecture
from cutpoint.lab.zoo.images import sample_images
from cutpoint.lab.zoo.weights import Weights

CALIBRATION_IMAGES = 16
"""Images in the calibration batch: 784 samples per channel where maps are 7 x 7."""

CALIBRATION_SEED = 20_269
"""Seed of the calibration images, apart from the small seeds that demos and tests use."""

LOGITS_STD = 2.0
"""Spread of the logits of one image: softmax neither one-hot nor uniform."""

_FEWEST_IMAGES = 8
"""However large the images are: on six, efficientnet_b4 scored every image alike."""

_PIXELS = CALIBRATION_IMAGES * 224 * 224
"""Larger images come in smaller batches, so that memory stays and samples per channel too."""

_TRANSPARENT = (
    "AveragePool",
    "Dropout",
    "Flatten",
    "GlobalAveragePool",
    "Relu",
    "Reshape",
    "Softmax",
)
"""A factor passes all of these but Softmax, and the logits lie before that."""


_FLAT = "calibration/flat"
"""Shape of a row, in the calibration graph: the operators for this differ between opsets."""


@dataclass(frozen=True)
class _Head:
    """
    The last layer before an output, and what the net makes of it.

    Parameters
    ----------
    node
        A Conv or Gemm with a bias.
    weight
        Its weight; inception_v1 reshapes that one on the way.
    bias
        Its bias.
    logits
        Value that enters Softmax, or the graph's output where there is none.
    """

    node: onnx.NodeProto
    weight: str
    bias: str
    logits: str

    @property
    def value(self) -> str:
        """What the node computes."""
        return str(self.node.output[0])

    @property
    def uncentred(self) -> str:
        """The same before its mean is taken off, in the calibration graph."""
        return f"{self.value}/uncentred"

    @property
    def centre(self) -> str:
        """Its mean per class, in the calibration graph."""
        return f"{self.value}/centre"


def calibrate(net: Architecture, weights: Weights) -> None:
    """
    Fit batch norms and heads to the calibration images; changes ``weights``.

    Afterwards each BatchNormalization holds the mean and variance of its input.
    Where an output comes straight from a Conv or Gemm with a bias, that head's
    outputs are centred per class, and the logits of an image have a standard
    deviation near `LOGITS_STD`. Centring is what makes the winning class depend
    on the image: the features of a random net hardly do.

    Parameters
    ----------
    net
        The net without its weights.
    weights
        Every weight by value name; means and variances of batch norms are replaced.

    Notes
    -----
    One run: the calibration graph normalises each batch norm's input with the
    statistics of that very batch. They are rounded to three digits, so nearly all
    survive another CPU's arithmetic; with tens of thousands of them a few may not.
    Hosts that must agree should copy the file, not build it twice.
    """
    heads = _find_heads(net.graph, weights)
    measured = _run(_calibration_model(net, weights, heads), net, weights)
    for node in _batch_norms(net.graph):
        *_, mean, variance = node.input
        weights[mean] = round_like(measured[mean], np.sqrt(measured[variance]))
        weights[variance] = round_like(measured[variance], measured[variance])
    for head in heads:
        _fit_head(head, measured, weights)


def calibration_images(height: int, width: int, channels: int = 3) -> NDArray[np.float32]:
    """Give the images that a net is calibrated on: 16 of 224 x 224, fewer of larger ones."""
    count = _num_images(height, width)
    return sample_images(count, height, width, CALIBRATION_SEED, channels)


def round_like(values: NDArray[np.float32], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """
    Round to the third significant digit of ``scale``, element by element.

    Parameters
    ----------
    values
        What is rounded.
    scale
        Not negative; what a value is measured by. For a mean it is the standard
        deviation: the digits of a mean near zero are noise.
    """
    magnitude = np.maximum(np.asarray(scale, dtype=np.float64), np.finfo(np.float32).tiny)
    step = 10.0 ** (np.floor(np.log10(magnitude)) - 2)
    rounded: NDArray[np.float32] = (np.round(values / step) * step).astype(np.float32)
    return rounded


def _num_images(height: int, width: int) -> int:
    return min(CALIBRATION_IMAGES, max(_FEWEST_IMAGES, round(_PIXELS / (height * width))))


def _find_heads(graph: onnx.GraphProto, weights: Weights) -> list[_Head]:
    producer = {value: node for node in graph.node for value in node.output}
    heads = []
    for output in graph.output:
        logits = value = output.name
        while value in producer and producer[value].op_type in _TRANSPARENT:
            node = producer[value]
            value = node.input[0]
            logits = value if node.op_type == "Softmax" else logits
        if value not in producer or producer[value].op_type not in ("Conv", "Gemm"):
            continue
        node = producer[value]
        if len(node.input) == 3:  # a bias, which centring needs
            weight = node.input[1]
            while weight not in weights:
                weight = producer[weight].input[0]
            heads.append(_Head(node, weight, node.input[2], logits))
    return heads


def _batch_norms(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    return [node for node in graph.node if node.op_type == "BatchNormalization"]


def _calibration_model(net: Architecture, weights: Weights, heads: list[_Head]) -> onnx.ModelProto:
    """Give the graph with weights as inputs, statistics as nodes and both asked for as outputs."""
    head_of = {head.value: head for head in heads}
    nodes: list[onnx.NodeProto] = []
    for node in net.graph.node:
        if node.op_type == "BatchNormalization":
            nodes += [*_statistics_of(node), node]
        elif node.output[0] in head_of:
            nodes += _centred(head_of[node.output[0]])
        else:
            nodes.append(node)
    made = {value for node in nodes for value in node.output}
    wanted = sorted(made & weights.keys()) + [
        value for head in heads for value in (head.centre, head.logits)
    ]
    repeated, reshaping = _repeated(net.graph, weights), _shapes_of_values(net.graph, weights)
    count = _batch_size(net)
    graph = helper.make_graph(
        nodes,
        "calibration",
        inputs=[_tensor(net.graph.input[0].name, (count, *net.image_shape[1:]))]
        # As inputs the weights reach the run without a copy: vgg19's take 575 MB.
        + [
            _tensor(name, (count, *weight.shape[1:]) if name in repeated else weight.shape)
            for name, weight in weights.items()
            if name not in made
        ],
        outputs=[_tensor(name, None) for name in wanted],
        initializer=[
            _batched_shape(tensor, count) if tensor.name in reshaping else tensor
            for tensor in net.graph.initializer
        ]
        + [numpy_helper.from_array(np.array([-1], dtype=np.int64), _FLAT)],
    )
    return helper.make_model(graph, opset_imports=net.opset_imports, ir_version=IR_VERSION)


def _batch_size(net: Architecture) -> int:
    return _num_images(*net.image_shape[2:])


def _repeated(graph: onnx.GraphProto, weights: Weights) -> set[str]:
    """Give the weights that are joined to a value, and so must come once per image."""
    joined = {value for node in graph.node if node.op_type == "Concat" for value in node.input}
    return joined & weights.keys()


def _shapes_of_values(graph: onnx.GraphProto, weights: Weights) -> set[str]:
    """Give the initializers that say what shape a value, not a weight, shall have."""
    reshaping = (node for node in graph.node if node.op_type in ("Reshape", "Resize"))
    return {node.input[-1] for node in reshaping if node.input[0] not in weights}


def _statistics_of(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Compute what the batch norm reads as mean and variance, under the names it reads."""
    value, _, _, mean, variance = node.input
    wide, centred, squared = f"{mean}/wide", f"{mean}/centred", f"{mean}/squared"
    return [
        helper.make_node("ReduceMean", [value], [wide], axes=[0, 2, 3], keepdims=1),
        helper.make_node("Reshape", [wide, _FLAT], [mean]),
        helper.make_node("Sub", [value, wide], [centred]),
        helper.make_node("Mul", [centred, centred], [squared]),
        helper.make_node("ReduceMean", [squared], [variance], axes=[0, 2, 3], keepdims=0),
    ]


def _centred(head: _Head) -> list[onnx.NodeProto]:
    axes = [0, 2, 3] if head.node.op_type == "Conv" else [0]
    uncentred = onnx.NodeProto()
    uncentred.CopyFrom(head.node)
    uncentred.output[0] = head.uncentred
    return [
        uncentred,
        helper.make_node("ReduceMean", [head.uncentred], [head.centre], axes=axes, keepdims=1),
        helper.make_node("Sub", [head.uncentred, head.centre], [head.value]),
    ]


def _batched_shape(tensor: onnx.TensorProto, count: int) -> onnx.TensorProto:
    """Let a Reshape or Resize, written for one image, take the whole batch."""
    shape = numpy_helper.to_array(tensor).copy()
    if shape[0] > 0:  # 0 and -1 follow the batch by themselves
        shape[0] *= count
    return numpy_helper.from_array(shape, tensor.name)


def _tensor(name: str, shape: tuple[int, ...] | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def _run(model: onnx.ModelProto, net: Architecture, weights: Weights) -> Weights:
    """Run the calibration batch and give every output by name."""
    if not model.graph.output:
        return {}
    options = quiet_options()
    # The session runs once: optimising it would cost more than it wins.
    options.graph_optimization_level = onnxruntime_module().GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime_module().InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    _, channels, height, width = net.image_shape
    data, *others = (value.name for value in model.graph.input)
    repeated = _repeated(net.graph, weights)
    feeds = {
        name: weights[name].repeat(_batch_size(net), axis=0) if name in repeated else weights[name]
        for name in others
    }
    feeds[data] = calibration_images(height, width, channels)
    names = [value.name for value in model.graph.output]
    return dict(zip(names, session.run(names, feeds), strict=True))


def _fit_head(head: _Head, measured: Weights, weights: Weights) -> None:
    """Centre the head by its bias and scale it to the wanted spread of logits."""
    spread = measured[head.logits].std(axis=1, dtype=np.float64).mean()
    # Between head and Softmax are at most Relu and an average: a factor passes both.
    factor = np.float32(f"{LOGITS_STD / spread:.3g}")
    weights[head.weight] *= factor
    centred = weights[head.bias] - measured[head.centre].reshape(-1)
    weights[head.bias] = round_like(factor * centred, np.full_like(centred, LOGITS_STD))
