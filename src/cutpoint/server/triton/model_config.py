"""Configurations of models and of ensembles, as Triton's schema has them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from google.protobuf import text_format

from cutpoint.server.triton.tensor import TritonTensor
from cutpoint.wire.protocol import model_config

Backend = Literal["onnxruntime", "python"]
BACKENDS: tuple[Backend, ...] = ("onnxruntime", "python")

MODEL_FILE = "model.onnx"
"""By this name the ONNX Runtime backend looks for the model; ours in Python is told it."""

FILE_PARAMETER, THREADS_PARAMETER = "onnx", "intra_op_thread_count"
"""The second is the ONNX Runtime backend's own word; ours in Python takes the same."""

_LATEST = -1


class Step(NamedTuple):
    """
    One model of an ensemble; its tensors are the ensemble's of the same names.

    Parameters
    ----------
    model
        Name of the model.
    inputs, outputs
        Tensors that it takes, and those of its own that anybody needs.
    """

    model: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def part_config(
    name: str,
    backend: Backend,
    inputs: Iterable[TritonTensor],
    outputs: Iterable[TritonTensor],
    *,
    max_batch: int,
    num_instances: int,
    num_threads: int | None,
    warm_up: Mapping[str, tuple[int, ...]],
) -> Any:
    """
    Configure a model that is run.

    Parameters
    ----------
    max_batch
        Requests that may run as one; below 2 each runs by itself, its first dimension included.
    num_instances
        Copies that run at the same time.
    num_threads
        Threads inside one operator; ``None`` leaves that to the backend.
    warm_up
        Sizes of zeros, by input, that each copy runs once before it is ready.
    """
    config = model_config.ModelConfig(name=name, backend=backend)
    if backend == "onnxruntime":
        config.platform = "onnxruntime_onnx"
        config.default_model_filename = MODEL_FILE
    else:
        config.parameters[FILE_PARAMETER].string_value = MODEL_FILE
    is_batching = max_batch > 1
    if is_batching:
        config.max_batch_size = max_batch
        config.dynamic_batching.SetInParent()  # no delay: whoever waits in the queue joins
        inputs = [each.without_batch() for each in inputs]
        outputs = [each.without_batch() for each in outputs]
    inputs = tuple(inputs)
    _add_tensors(config, inputs, outputs)
    _add_warm_up(config, inputs, warm_up, is_batching=is_batching)
    config.instance_group.add(count=num_instances)
    if num_threads is not None:
        config.parameters[THREADS_PARAMETER].string_value = str(num_threads)
    return config


def ensemble_config(
    name: str,
    inputs: Iterable[TritonTensor],
    outputs: Iterable[TritonTensor],
    steps: Sequence[Step],
) -> Any:
    """Configure an ensemble: its tensors are whole, the batch in them, whatever its models do."""
    config = model_config.ModelConfig(name=name, platform="ensemble")
    _add_tensors(config, inputs, outputs)
    for step in steps:
        written = config.ensemble_scheduling.step.add(model_name=step.model, model_version=_LATEST)
        _map(written.input_map, step.inputs)
        _map(written.output_map, step.outputs)
    return config


def config_text(config: Any) -> str:
    """Write a configuration as ``config.pbtxt``."""
    return str(text_format.MessageToString(config))


def _add_tensors(
    config: Any, inputs: Iterable[TritonTensor], outputs: Iterable[TritonTensor]
) -> None:
    for given, target in ((inputs, config.input), (outputs, config.output)):
        for each in given:
            target.add(
                name=each.name, data_type=model_config.DataType.Value(each.kind), dims=each.dims
            )


def _add_warm_up(
    config: Any,
    inputs: Iterable[TritonTensor],
    sizes: Mapping[str, tuple[int, ...]],
    *,
    is_batching: bool,
) -> None:
    """Let each copy run once: the first run is slow, and the load would be judged by it."""
    if any(each.name not in sizes for each in inputs):
        return
    warm_up = config.model_warmup.add(name="zeros", batch_size=1)
    for each in inputs:
        dims = sizes[each.name][1:] if is_batching else sizes[each.name]
        given = warm_up.inputs[each.name]
        given.data_type = model_config.DataType.Value(each.kind)
        given.dims.extend(dims)
        given.zero_data = True


def _map(target: Mapping[str, str], names: Iterable[str]) -> None:
    for name in names:
        target[name] = name  # type: ignore[index]
