"""What a model file is made of, told without loading it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx

from cutpoint.execution.light_model import data_range, external_tensors, light_model
from cutpoint.execution.model_file import ModelFile
from cutpoint.execution.scopes import called_key, function_key, scopes_of

_STANDARD = frozenset({"", "ai.onnx"})
_CONTROL_FLOW = frozenset({"If", "Loop", "Scan", "SequenceMap"})
_QUANTISED = frozenset(
    {
        "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv",
        "QLinearMatMul", "ConvInteger", "MatMulInteger",
    }
)  # fmt: skip


@dataclass(frozen=True)
class ModelFacts:
    """
    What is in a model file, in functions and sub-graphs too.

    Parameters
    ----------
    opset
        Version of the standard operators; ``None`` if none is imported.
    producer
        Program that wrote the file.
    domains
        Nodes of other domains than the standard one, by domain; calls of the file's own
        functions are not among them.
    control_flow
        Nodes that hold sub-graphs, by operator.
    num_functions
        Functions that the file defines.
    quantised
        Nodes that quantise, dequantise or compute in integers, by operator.
    data_bytes
        Of the data files beside the model file.
    """

    opset: int | None
    producer: str
    domains: Mapping[str, int]
    control_flow: Mapping[str, int]
    num_functions: int
    quantised: Mapping[str, int]
    data_bytes: int


def model_facts(file: ModelFile) -> ModelFacts:
    """
    Read what a model file is made of.

    Raises
    ------
    ModelError
        If it is not an ONNX model, or a data file is missing.
    """
    model = light_model(file, reads_small=False)
    own = {function_key(function) for function in model.functions}
    domains, control_flow, quantised = Counter[str](), Counter[str](), Counter[str]()
    for scope in scopes_of(model):
        for node in scope.body.node:
            if called_key(node) in own:
                continue
            if node.domain not in _STANDARD:
                domains[node.domain] += 1
            elif node.op_type in _CONTROL_FLOW:
                control_flow[node.op_type] += 1
            if node.op_type in _QUANTISED or node.op_type.startswith("QLinear"):
                quantised[node.op_type] += 1
    versions = [each.version for each in model.opset_import if each.domain in _STANDARD]
    return ModelFacts(
        opset=max(versions, default=None),
        producer=" ".join(filter(None, (model.producer_name, model.producer_version))),
        domains=dict(domains),
        control_flow=dict(control_flow),
        num_functions=len(model.functions),
        quantised=dict(quantised),
        data_bytes=_data_bytes(model, file),
    )


def _data_bytes(model: onnx.ModelProto, file: ModelFile) -> int:
    if isinstance(file.source, bytes):
        return 0
    source = Path(file.source)
    paths = {data_range(t, source.parent, where).path for where, t in external_tensors(model)}
    return sum(path.stat().st_size for path in paths if path != source)
