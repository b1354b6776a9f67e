"""The trained network as an ONNX file."""

import onnx
from onnx import TensorProto, helper, numpy_helper

from cutpoint.lab.digits.data import NUM_CLASSES, SIDE
from cutpoint.lab.digits.network import CONVOLUTIONS, Weights

INPUT, OUTPUT = "image", "scores"
_OPSET = 17


def digits_model(weights: Weights) -> onnx.ModelProto:
    """Give the model; its values are named after its layers."""
    nodes, name = [], INPUT
    for layer in CONVOLUTIONS:
        made = f"{layer.name}_out"
        tensors = [f"{layer.name}.weight", f"{layer.name}.bias"]
        nodes.append(helper.make_node("Conv", [name, *tensors], [made], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [made], [layer.name]))
        name = layer.name
        if layer.is_pooled:
            pooled = f"{layer.name}_pooled"
            nodes.append(
                helper.make_node("MaxPool", [name], [pooled], kernel_shape=[2, 2], strides=[2, 2])
            )
            name = pooled
    nodes.append(helper.make_node("Flatten", [name], ["flat"]))
    nodes.append(_product("flat", "hidden", "hidden_out"))
    nodes.append(helper.make_node("Relu", ["hidden_out"], ["hidden"]))
    nodes.append(_product("hidden", "scores", OUTPUT))
    make = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "digits",
        [make(INPUT, TensorProto.FLOAT, (1, 1, SIDE, SIDE))],
        [make(OUTPUT, TensorProto.FLOAT, (1, NUM_CLASSES))],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def _product(given: str, layer: str, made: str) -> onnx.NodeProto:
    tensors = [f"{layer}.weight", f"{layer}.bias"]
    return helper.make_node("Gemm", [given, *tensors], [made], transB=1)
