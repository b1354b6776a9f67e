"""The nets by name: built in memory, or written as files."""

import os
from pathlib import Path

import onnx
from onnx import helper

from cutpoint.lab.zoo.architecture import IR_VERSION
from cutpoint.lab.zoo.calibration import calibrate
from cutpoint.lab.zoo.catalogue import entry_of
from cutpoint.lab.zoo.weights import Weights, draw_weight

PRODUCER = "cutpoint zoo"
"""Producer name in every file."""

NAME_KEY = "cutpoint.zoo.name"
"""Key of the zoo name in a file's metadata."""

SEED_KEY = "cutpoint.zoo.seed"
"""Key of the seed in a file's metadata."""


def build(name: str, seed: int = 0) -> onnx.ModelProto:
    """
    Build one net of the zoo with random weights that behave like trained ones.

    Weights are He-normal, batch norms hold the statistics of seeded synthetic
    images, and the logits of an image spread so that softmax is neither one-hot
    nor uniform. The architecture is that of the net's entry in `ZOO`.

    Parameters
    ----------
    name
        A key of `ZOO`.
    seed
        Seed of the weights, not negative; the same seed gives the same bytes.

    Raises
    ------
    ModelError
        If the name is unknown, or the onnx package came without its light models.
    MissingDependencyError
        If ONNX Runtime, which measures the statistics, is not installed.

    Notes
    -----
    Seconds. Memory peaks at three times the file's size or, where images are large,
    at the calibration batch's maps (vgg19: 1.5 GB, efficientnet_b6: 2.2 GB).
    """
    net = entry_of(name).make()
    model = helper.make_model(
        net.graph,
        opset_imports=net.opset_imports,
        ir_version=IR_VERSION,
        producer_name=PRODUCER,
    )
    helper.set_model_props(model, {NAME_KEY: name, SEED_KEY: str(seed)})
    weights = {
        value: draw_weight(value, role, net.shapes[value], seed)
        for value, role in net.roles.items()
    }
    calibrate(net, weights)
    _move_weights(weights, model.graph)
    return model


def write(name: str, path: Path, seed: int = 0) -> Path:
    """
    Build one net and write it, so that a reader sees the whole file or none.

    Parameters
    ----------
    name
        A key of `ZOO`.
    path
        File to write, in a folder that exists; an existing file is replaced.
    seed
        Seed of the weights, not negative.

    Returns
    -------
    Path
        The path given.

    Raises
    ------
    ModelError
        If the name is unknown, or the onnx package came without its light models.
    MissingDependencyError
        If ONNX Runtime is not installed.
    """
    content = build(name, seed).SerializeToString(deterministic=True)
    # In the same folder, because a rename is atomic only within one file system.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _move_weights(weights: Weights, graph: onnx.GraphProto) -> None:
    """Move the weights into the graph one by one, so that large nets are not held twice."""
    for name in list(weights):
        weight = weights.pop(name)
        tensor = graph.initializer.add()
        tensor.name = name
        tensor.data_type = onnx.TensorProto.FLOAT
        tensor.dims.extend(weight.shape)
        tensor.raw_data = weight.astype("<f4", copy=False).tobytes()
