"""Runs one big model in a process of its own, and prints what memory that took, as JSON."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

SIDE = 4096
MODEL, WEIGHTS, ANSWER = "big.onnx", "big.data", "answer.npy"


def write(folder: Path, size_bytes: int) -> int:
    """Write a chain of matrix products with external weights; give the bytes of the weights."""
    num_layers = size_bytes // (SIDE * SIDE * 4) + 1
    base = np.random.default_rng(0).standard_normal((SIDE, SIDE), dtype=np.float32)
    base /= np.float32(SIDE**0.5)
    nodes, weights, x = [], [], "x"
    with (folder / WEIGHTS).open("wb") as file:
        for layer in range(num_layers):
            place = {"location": WEIGHTS, "offset": file.tell(), "length": base.nbytes}
            file.write(np.roll(base, 7 * layer, axis=0).tobytes())
            tensor = TensorProto(
                name=f"w{layer}",
                data_type=TensorProto.FLOAT,
                dims=base.shape,
                data_location=TensorProto.EXTERNAL,
            )
            for key, value in place.items():
                tensor.external_data.add(key=key, value=str(value))
            weights.append(tensor)
            nodes.append(helper.make_node("MatMul", [x, f"w{layer}"], [f"m{layer}"]))
            nodes.append(helper.make_node("Tanh", [f"m{layer}"], [f"t{layer}"]))
            x = f"t{layer}"
    make = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "big",
        [make("x", TensorProto.FLOAT, [1, SIDE])],
        [make(x, TensorProto.FLOAT, [1, SIDE])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / MODEL)
    return num_layers * base.nbytes


def feed() -> dict[str, np.ndarray]:
    """Give an input."""
    return {"x": np.random.default_rng(1).standard_normal((1, SIDE), dtype=np.float32)}


def run_uncut(folder: Path) -> dict[str, float]:
    """Run it by ONNX Runtime alone, and keep the answer."""
    import onnxruntime

    session = onnxruntime.InferenceSession(folder / MODEL, providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, feed())
    np.save(folder / ANSWER, answer)
    return {"peak_bytes": peak_bytes()}


def run_cut(folder: Path) -> dict[str, float]:
    """Load, cut in four and run it, and compare the answer."""
    from cutpoint.execution import ModelFile, Segments, load_graph
    from cutpoint.graph import cut_at

    graph = load_graph(ModelFile.open(folder / MODEL))
    loaded_bytes = peak_bytes()
    depth = len(graph.nodes) // 2
    cuts = [cut_at(graph, [f"t{depth * i // 4}"]) for i in (1, 2, 3)]
    segments = Segments(graph, cuts)
    values = segments.run(segments.segments, feed()).values
    difference = np.max(np.abs(values[graph.outputs[0]] - np.load(folder / ANSWER)))
    return {
        "peak_bytes": peak_bytes(),
        "loaded_bytes": loaded_bytes,
        "segments": len(segments.segments),
        "difference": float(difference),
    }


def peak_bytes() -> int:
    """Give the most memory this process has had, mapped files included."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    what, where = sys.argv[1:]
    told = {"uncut": run_uncut, "cut": run_cut}[what](Path(where))
    sys.stdout.write(json.dumps(told) + "\n")
