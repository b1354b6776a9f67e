"""How much memory a model takes, held one way or another: each in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import numpy as np

from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.runtime import keep_freed_memory, onnxruntime_module, quiet_options
from cutpoint.graph import sample_feed
from cutpoint.planning import cuts_to_hold

Held = Literal["session", "segments", "whole"]
"""ONNX Runtime's session, our segments, or the whole model beside our segments."""

_RUNS = 5
_TIMEOUT_S = 300.0
_PROVIDERS = ("CPUExecutionProvider",)


def held_memory_bytes(model: Path, held: Held) -> int:
    """
    Give the resident memory of a process that holds a model and has run it a few times.

    Parameters
    ----------
    model
        A file whose inputs are float32 and of fixed sizes, as the zoo writes them.
    held
        In which way.

    Raises
    ------
    subprocess.CalledProcessError
        If the process fails.
    """
    command = [sys.executable, "-m", "cutpoint.lab.held_memory", str(model), held]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, timeout=_TIMEOUT_S
    )
    return int(done.stdout)


def _hold(model: str, held: str) -> object:
    """Give what holds the model, run a few times; whoever calls keeps it alive."""
    keep_freed_memory()
    if held == "session":
        session = onnxruntime_module().InferenceSession(model, quiet_options(1), _PROVIDERS)
        image = {each.name: np.ones(each.shape, np.float32) for each in session.get_inputs()}
        for _ in range(_RUNS):
            session.run(None, image)
        return session
    graph = load_graph(ModelFile.open(model))
    feed = sample_feed(graph)
    cut_sets = [cuts_to_hold(graph)] + ([()] if held == "whole" else [])
    kept = [
        Segments(graph, cuts, options=quiet_options(1), providers=_PROVIDERS) for cuts in cut_sets
    ]
    for segments in kept:
        for _ in range(_RUNS):
            segments.run(segments.segments, feed)
    return kept


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    kept_alive = _hold(sys.argv[1], sys.argv[2])
    sys.stdout.write(f"{_resident_bytes()}\n")
