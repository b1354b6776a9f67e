"""Seconds per node of the optimised graph, by ONNX Runtime's own profiler."""

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir

from cutpoint.exceptions import ModelError
from cutpoint.execution.runtime import for_tracing, onnxruntime_module, quiet_options
from cutpoint.execution.weights import weights_folder
from cutpoint.graph import Arrays, Graph

_QUIET_SHARE = 0.2
"""Quantile over the runs: low, because other work on the cores only ever adds time."""

_SECONDS_PER_TICK = 1e-6
"""The profiler counts whole microseconds."""

_NAME_ENDING = "_kernel_time"


def node_times_s(
    graph: Graph, feed: Arrays, options: Any = None, repeats: int = 5
) -> dict[str, float]:
    """
    Time every node of the optimised graph in one session on the processor.

    Nothing is fused, so that each node stands for itself: good for proportions,
    which scaled to a measured whole are off by about 2 %, not for the sum. On the
    processor also where an accelerator computes, because its kernels are only
    launched, not finished, when the profiler takes the time.

    Parameters
    ----------
    feed
        The model's inputs, by name.
    options
        Session options of ONNX Runtime; quiet ones by default.
    repeats
        Timed runs, at least 1; one more is run before them.

    Returns
    -------
    dict
        Seconds by name of a node of `graph`: the 20th percentile of its runs, in
        whole microseconds. 0 for a node that ONNX Runtime did not report.

    Raises
    ------
    ModelError
        If ONNX Runtime cannot load the graph.
    """
    runs_s: dict[str, list[float]] = {node.name: [] for node in graph.nodes}
    for event in _events(graph, feed, options, repeats + 1):
        name = str(event.get("name", ""))
        if event.get("cat") == "Node" and name.endswith(_NAME_ENDING):
            times_s = runs_s.get(name.removesuffix(_NAME_ENDING))
            if times_s is not None:
                times_s.append(float(event["dur"]) * _SECONDS_PER_TICK)
    return {name: _quiet_s(times_s) for name, times_s in runs_s.items()}


def _quiet_s(times_s: list[float]) -> float:
    timed_s = times_s[1:]  # the first run also allocates
    return float(np.quantile(timed_s, _QUIET_SHARE)) if timed_s else 0.0


def _events(graph: Graph, feed: Arrays, options: Any, num_runs: int) -> Iterable[Mapping[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="cutpoint-") as folder:
        session = _session(graph, options, Path(folder) / "nodes")
        names = [name for name in graph.outputs if name in graph.values]
        for _ in range(num_runs):
            session.run(names, feed)
        trace = Path(session.end_profiling()).read_bytes()
    events: list[Mapping[str, Any]] = json.loads(trace)
    return events


def _session(graph: Graph, options: Any, trace_prefix: Path) -> Any:
    runtime = onnxruntime_module()
    model = ir.to_proto(graph.source).SerializeToString()
    options = quiet_options() if options is None else options
    try:
        with for_tracing(options, weights_folder(graph), trace_prefix) as lent:
            return runtime.InferenceSession(model, lent, providers=["CPUExecutionProvider"])
    except Exception as error:  # a class per status, none of them public
        raise ModelError(
            f"ONNX Runtime cannot load the optimised {graph.name!r} to time its nodes: {error}"
        ) from error
