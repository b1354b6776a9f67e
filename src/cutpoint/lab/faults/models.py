"""Models made for faults: any part can be made long, and every wrong answer shows."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SIZE = 256
"""Columns, and rows unless told otherwise: 256 KiB as float32."""

MIDDLE = "middle"
"""The value between head and tail."""

_OPSET = 17
_FLOAT = TensorProto.FLOAT


def write_two_loops(
    path: Path,
    head_rounds: int,
    tail_rounds: int,
    *,
    rows: int = SIZE,
    kept_rows: int = SIZE // 2,
    copies: int = 1,
    seed: int = 0,
) -> Path:
    """
    Write a model whose head and tail take as long as is wished.

    ``x`` is multiplied by one orthogonal matrix as often as `head_rounds` says and shortened,
    which gives `MIDDLE`, and that by another as often as `tail_rounds` says. Orthogonal
    matrices keep every difference as large as it was: another input, another round or other
    weights give another answer, however many rounds there are.

    Parameters
    ----------
    path
        Of the file; its name without the suffix is the model's.
    head_rounds, tail_rounds
        Multiplications of so many rows by a matrix: 2 us or so per row.
    rows, kept_rows
        Of the input and of what crosses in the middle: 1 KiB each.
    copies
        How often the result is in the output; 0 gives the mean of its rows.
    seed
        Of the weights: another seed is another model.
    """
    rng = np.random.default_rng(seed)
    weights = {
        "go": np.array(True),
        "shortening": _orthogonal(rng, rows)[:kept_rows],
        "copies": np.array([copies, 1], np.int64),
        "head_rounds": np.array([head_rounds], np.int64),
        "head_weight": _orthogonal(rng),
        "tail_rounds": np.array([tail_rounds], np.int64),
        "tail_weight": _orthogonal(rng),
    }
    nodes = [
        _loop("head", "x", "turned", rows),
        helper.make_node("MatMul", ["shortening", "turned"], [MIDDLE]),
        _loop("tail", MIDDLE, "result", kept_rows),
        helper.make_node("Tile", ["result", "copies"], ["y"])
        if copies
        else helper.make_node("ReduceMean", ["result"], ["y"], axes=[0]),
    ]
    if not copies:
        del weights["copies"]
    return _write(
        path,
        nodes,
        inputs=[helper.make_tensor_value_info("x", _FLOAT, [rows, SIZE])],
        output=helper.make_tensor_value_info("y", _FLOAT, [copies * kept_rows or 1, SIZE]),
        weights=weights,
    )


def write_blocker(path: Path) -> Path:
    """Write a model that multiplies ``x`` as often as its input ``rounds`` says."""
    rng = np.random.default_rng(1)
    return _write(
        path,
        [_loop("tail", "x", "y", SIZE, rounds="rounds")],
        inputs=[
            helper.make_tensor_value_info("x", _FLOAT, [SIZE, SIZE]),
            helper.make_tensor_value_info("rounds", TensorProto.INT64, [1]),
        ],
        output=helper.make_tensor_value_info("y", _FLOAT, [SIZE, SIZE]),
        weights={"go": np.array(True), "tail_weight": _orthogonal(rng)},
    )


def feeds(count: int, rows: int = SIZE) -> list[dict[str, NDArray[np.float32]]]:
    """Give inputs of such a model, all different."""
    rng = np.random.default_rng(0)
    return [{"x": rng.standard_normal((rows, SIZE), dtype=np.float32)} for _ in range(count)]


def _loop(name: str, given: str, result: str, rows: int, rounds: str = "") -> onnx.NodeProto:
    """Give the loop that multiplies by the weight of its name."""
    shape = [rows, SIZE]
    body = helper.make_graph(
        [
            helper.make_node("Identity", [f"{name}_going"], [f"{name}_on"]),
            helper.make_node("MatMul", [f"{name}_before", f"{name}_weight"], [f"{name}_after"]),
        ],
        f"{name}_step",
        [
            helper.make_tensor_value_info(f"{name}_turn", TensorProto.INT64, []),
            helper.make_tensor_value_info(f"{name}_going", TensorProto.BOOL, []),
            helper.make_tensor_value_info(f"{name}_before", _FLOAT, shape),
        ],
        [
            helper.make_tensor_value_info(f"{name}_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info(f"{name}_after", _FLOAT, shape),
        ],
    )
    given_names = [rounds or f"{name}_rounds", "go", given]
    return helper.make_node("Loop", given_names, [result], body=body)


def _write(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    *,
    inputs: Sequence[onnx.ValueInfoProto],
    output: onnx.ValueInfoProto,
    weights: dict[str, NDArray[np.generic]],
) -> Path:
    tensors = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, path.stem, inputs, [output], tensors)
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def _orthogonal(rng: np.random.Generator, size: int = SIZE) -> NDArray[np.float32]:
    q, _ = np.linalg.qr(rng.standard_normal((size, size)))
    return np.asarray(q, np.float32)
