"""The nine nets by name: built in memory, or written as files."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import onnx
from onnx import helper

from cutpoint.exceptions import ModelError
from cutpoint.lab.zoo.calibration import calibrate
from cutpoint.lab.zoo.weights import Weights, draw_weight, strip_weights, weight_roles

PRODUCER = "cutpoint zoo"
"""Producer name in every file."""

NAME_KEY = "cutpoint.zoo.name"
"""Key of the zoo name in a file's metadata."""

SEED_KEY = "cutpoint.zoo.seed"
"""Key of the seed in a file's metadata."""

_IR_VERSION = 8
"""From IR version 4 on, initializers need not be inputs; 8 is read by every current runtime."""

_LIGHT_MODELS = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


@dataclass(frozen=True)
class ZooEntry:
    """
    One net of the zoo.

    Parameters
    ----------
    name
        Name under which it is built.
    summary
        Year, shape of the graph and number of weights.
    source_file
        File of its graph among the light models of the onnx package.
    """

    name: str
    summary: str
    source_file: str


def _by_name(*entries: ZooEntry) -> Mapping[str, ZooEntry]:
    return MappingProxyType({entry.name: entry for entry in entries})


ZOO: Mapping[str, ZooEntry] = _by_name(
    ZooEntry("alexnet", "2012, chain, 61.0 M weights", "light_bvlc_alexnet.onnx"),
    ZooEntry("densenet121", "2016, dense blocks, 8.1 M weights", "light_densenet121.onnx"),
    ZooEntry("inception_v1", "2014, branches, 7.0 M weights", "light_inception_v1.onnx"),
    ZooEntry("inception_v2", "2015, branches, 11.2 M weights", "light_inception_v2.onnx"),
    ZooEntry("resnet50", "2015, residual, 25.6 M weights", "light_resnet50.onnx"),
    ZooEntry("shufflenet", "2017, residual, group Conv, 1.4 M weights", "light_shufflenet.onnx"),
    ZooEntry("squeezenet", "2016, short branches, 1.2 M weights", "light_squeezenet.onnx"),
    ZooEntry("vgg19", "2014, chain, 143.7 M weights", "light_vgg19.onnx"),
    ZooEntry("zfnet512", "2013, chain, 87.3 M weights", "light_zfnet512.onnx"),
)
"""Every net by name; each takes one float32 image of shape ``(1, 3, 224, 224)``."""


def build(name: str, seed: int = 0) -> onnx.ModelProto:
    """
    Build one net of the zoo with random weights that behave like trained ones.

    Weights are He-normal, batch norms hold the statistics of seeded synthetic
    images, and the logits of an image spread so that softmax is neither one-hot
    nor uniform. Value names and opset are those of the original file.

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
    Seconds at most. Memory peaks below three times the file's size (vgg19: 1.5 GB).
    """
    source = _load_source(_entry(name))
    graph, shapes = strip_weights(source.graph, name)
    model = helper.make_model(
        graph,
        opset_imports=source.opset_import,
        ir_version=_IR_VERSION,
        producer_name=PRODUCER,
    )
    helper.set_model_props(model, {NAME_KEY: name, SEED_KEY: str(seed)})
    roles = weight_roles(graph, shapes)
    weights = {value: draw_weight(value, roles[value], shapes[value], seed) for value in roles}
    calibrate(model, weights)
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


def _entry(name: str) -> ZooEntry:
    if name not in ZOO:
        raise ModelError(f"no net {name!r} in the zoo: take one of {', '.join(sorted(ZOO))}")
    return ZOO[name]


def _load_source(entry: ZooEntry) -> onnx.ModelProto:
    path = _LIGHT_MODELS / entry.source_file
    try:
        return onnx.load(path)
    except FileNotFoundError as error:
        raise ModelError(
            f"graph of {entry.name!r}: {path} is missing; install onnx from its wheel, "
            "which has the light models"
        ) from error


def _move_weights(weights: Weights, graph: onnx.GraphProto) -> None:
    """Move the weights into the graph one by one, so that large nets are not held twice."""
    for name in list(weights):
        weight = weights.pop(name)
        tensor = graph.initializer.add()
        tensor.name = name
        tensor.data_type = onnx.TensorProto.FLOAT
        tensor.dims.extend(weight.shape)
        tensor.raw_data = weight.astype("<f4", copy=False).tobytes()
