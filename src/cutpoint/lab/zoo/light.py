"""The light models of the onnx package: graphs of published nets that came without weights."""

from pathlib import Path

import onnx

from cutpoint.exceptions import ModelError
from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.weights import strip_weights, weight_roles

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
"""Where they lie."""

FILES = {
    "alexnet": "light_bvlc_alexnet.onnx",
    "densenet121": "light_densenet121.onnx",
    "inception_v1": "light_inception_v1.onnx",
    "inception_v2": "light_inception_v2.onnx",
    "resnet50": "light_resnet50.onnx",
    "shufflenet": "light_shufflenet.onnx",
    "squeezenet": "light_squeezenet.onnx",
    "vgg19": "light_vgg19.onnx",
    "zfnet512": "light_zfnet512.onnx",
}
"""File of each net by its name in the zoo."""


def light_net(name: str) -> Architecture:
    """
    Give the architecture of a light model; value names and opset are those of its file.

    Raises
    ------
    ModelError
        If the onnx package came without its light models.
    """
    path = FOLDER / FILES[name]
    try:
        source = onnx.load(path)
    except FileNotFoundError as error:
        raise ModelError(
            f"graph of {name!r}: {path} is missing; install onnx from its wheel, "
            "which has the light models"
        ) from error
    graph, shapes = strip_weights(source.graph, name)
    return Architecture(graph, shapes, weight_roles(graph, shapes), tuple(source.opset_import))
