"""Statistics that random weights need to behave: batch norms and the classifier, in one run."""

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from cutpoint.execution.runtime import onnxruntime_module, quiet_options
from cutpoint.lab.zoo.images import sample_images
from cutpoint.lab.zoo.weights import Weights

CALIBRATION_IMAGES = 16
"""Images in the calibration batch: 784 samples per channel where maps are 7 x 7."""

CALIBRATION_SEED = 20_269
"""Seed of the calibration images, apart from the small seeds that demos and tests use."""

LOGITS_STD = 2.0
"""Spread of the logits of one image: softmax neither one-hot nor uniform."""

_CENTRE = "calibration/centre"
"""Name of the classifier's mean output per class, in the calibration graph."""

_UNCENTRED = "calibration/uncentred"


@dataclass(frozen=True)
class _Classifier:
    """
    The last node with weights, and what the net makes of its output.

    Parameters
    ----------
    node
        A Conv or Gemm.
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


def calibrate(model: onnx.ModelProto, weights: Weights) -> None:
    """
    Fit batch norms and classifier to the calibration images; changes ``weights``.

    Afterwards each BatchNormalization holds the mean and variance of its input,
    the classifier's outputs are centred per class, and the logits of an image
    have a standard deviation near `LOGITS_STD`. Centring is what makes the
    winning class depend on the image: the features of a random net hardly do.

    Parameters
    ----------
    model
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
    classifier = _find_classifier(model.graph, weights)
    measured = _run(_calibration_model(model, weights, classifier), weights)
    for node in _batch_norms(model.graph):
        *_, mean, variance = node.input
        weights[mean] = round_like(measured[mean], np.sqrt(measured[variance]))
        weights[variance] = round_like(measured[variance], measured[variance])
    _fit_classifier(classifier, measured, weights)


def calibration_images(height: int, width: int) -> NDArray[np.float32]:
    """Give the images that every net is calibrated on."""
    return sample_images(CALIBRATION_IMAGES, height, width, CALIBRATION_SEED)


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


def _find_classifier(graph: onnx.GraphProto, weights: Weights) -> _Classifier:
    node = [node for node in graph.node if node.op_type in ("Conv", "Gemm")][-1]
    _, weight, bias = node.input
    reshaped_from = {node.output[0]: node.input[0] for node in graph.node}
    while weight not in weights:
        weight = reshaped_from[weight]
    last = graph.node[-1]
    logits = last.input[0] if last.op_type == "Softmax" else graph.output[0].name
    return _Classifier(node, weight, bias, logits)


def _batch_norms(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    return [node for node in graph.node if node.op_type == "BatchNormalization"]


def _calibration_model(
    model: onnx.ModelProto, weights: Weights, classifier: _Classifier
) -> onnx.ModelProto:
    """Give the graph with weights as inputs, statistics as nodes and both asked for as outputs."""
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        if node.op_type == "BatchNormalization":
            nodes += [*_statistics_of(node), node]
        elif node == classifier.node:
            nodes += _centred(node)
        else:
            nodes.append(node)
    made = {value for node in nodes for value in node.output}
    graph = helper.make_graph(
        nodes,
        "calibration",
        inputs=[_batched_input(model.graph)]
        # As inputs the weights reach the run without a copy: vgg19's take 575 MB.
        + [_tensor(name, weight.shape) for name, weight in weights.items() if name not in made],
        outputs=[_tensor(name, None) for name in sorted(made & weights.keys())]
        + [_tensor(_CENTRE, None), _tensor(classifier.logits, None)],
        initializer=[_batched_shape(tensor) for tensor in model.graph.initializer],
    )
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def _statistics_of(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Compute what the batch norm reads as mean and variance, under the names it reads."""
    value, _, _, mean, variance = node.input
    wide, centred, squared = f"{mean}/wide", f"{mean}/centred", f"{mean}/squared"
    return [
        helper.make_node("ReduceMean", [value], [mean], axes=[0, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", [mean], [wide], axes=[1, 2]),
        helper.make_node("Sub", [value, wide], [centred]),
        helper.make_node("Mul", [centred, centred], [squared]),
        helper.make_node("ReduceMean", [squared], [variance], axes=[0, 2, 3], keepdims=0),
    ]


def _centred(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    axes = [0, 2, 3] if node.op_type == "Conv" else [0]
    uncentred = onnx.NodeProto()
    uncentred.CopyFrom(node)
    uncentred.output[0] = _UNCENTRED
    return [
        uncentred,
        helper.make_node("ReduceMean", [_UNCENTRED], [_CENTRE], axes=axes, keepdims=1),
        helper.make_node("Sub", [_UNCENTRED, _CENTRE], [node.output[0]]),
    ]


def _batched_input(graph: onnx.GraphProto) -> onnx.ValueInfoProto:
    _, *rest = [dim.dim_value for dim in graph.input[0].type.tensor_type.shape.dim]
    return _tensor(graph.input[0].name, (CALIBRATION_IMAGES, *rest))


def _batched_shape(tensor: onnx.TensorProto) -> onnx.TensorProto:
    """Let a Reshape to ``[1, ...]``, written for one image, take the whole batch."""
    shape = numpy_helper.to_array(tensor).copy()
    if shape[0] == 1:
        shape[0] = CALIBRATION_IMAGES
    return numpy_helper.from_array(shape, tensor.name)


def _tensor(name: str, shape: tuple[int, ...] | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def _run(model: onnx.ModelProto, weights: Weights) -> Weights:
    """Run the calibration batch and give every output by name."""
    options = quiet_options()
    # The session runs once: optimising it would cost more than it wins.
    options.graph_optimization_level = onnxruntime_module().GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime_module().InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    data, *_ = model.graph.input
    *_, height, width = [dim.dim_value for dim in data.type.tensor_type.shape.dim]
    feeds = {value.name: weights[value.name] for value in model.graph.input[1:]}
    feeds[data.name] = calibration_images(height, width)
    names = [value.name for value in model.graph.output]
    return dict(zip(names, session.run(names, feeds), strict=True))


def _fit_classifier(classifier: _Classifier, measured: Weights, weights: Weights) -> None:
    """Centre the classifier by its bias and scale it to the wanted spread of logits."""
    spread = measured[classifier.logits].std(axis=1, dtype=np.float64).mean()
    # Between classifier and Softmax are at most Relu and an average: a factor passes both.
    factor = np.float32(f"{LOGITS_STD / spread:.3g}")
    weights[classifier.weight] *= factor
    centred = weights[classifier.bias] - measured[_CENTRE].reshape(-1)
    weights[classifier.bias] = round_like(factor * centred, np.full_like(centred, LOGITS_STD))
