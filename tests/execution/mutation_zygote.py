"""A program that forks once per mutated model: vet it, then compare cutpoint with ONNX Runtime.

Reads lines ``PATH SEED`` and answers each with a line of JSON. A child that dies takes nothing
with it; the parent has imported everything and run nothing.
"""

import json
import os
import resource
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import numpy as np
from tests.execution.mutations import mutated

from cutpoint.exceptions import CutpointError, ModelError
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.load_limits import LoadLimits
from cutpoint.execution.parse import parse_model
from cutpoint.execution.quarantined import examine
from cutpoint.execution.runtime import onnxruntime_module, quiet_options
from cutpoint.graph import candidate_cuts, sample_feed

_MEMORY_BYTES = 1 << 30
_TIME_S = 10
_PROVIDERS = ["CPUExecutionProvider"]


def outcome(path: Path, seed: int) -> dict[str, str]:
    """Vet one mutated copy in a child; give what came of it."""
    folder = Path(tempfile.mkdtemp(prefix="mutated-"))
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        signal.alarm(_TIME_S)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))
        tempfile.tempdir = str(folder)
        try:
            said = _vetted_and_compared(write_mutated(path, seed, folder))
        except BaseException as error:  # the report is all that leaves a child
            said = {"result": "untyped", "why": f"{type(error).__name__}: {error}"}
        os.write(writing, json.dumps(said).encode()[:4096])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        report = pipe.read()
    _, status = os.waitpid(child, 0)
    shutil.rmtree(folder)
    if report and status == 0:
        said = json.loads(report)
        assert isinstance(said, dict)
        return said
    return {"result": "died", "why": str(os.waitstatus_to_exitcode(status))}


def write_mutated(path: Path, seed: int, folder: Path) -> Path:
    """Write the copy damaged with this seed, beside its data file if it has one."""
    for beside in path.parent.iterdir():
        shutil.copyfile(beside, folder / beside.name)
    damaged = folder / path.name
    damaged.write_bytes(mutated(path.read_bytes(), seed))
    return damaged


def _vetted_and_compared(path: Path) -> dict[str, str]:
    file = ModelFile.open(path)
    try:
        parse_model(file)
    except CutpointError as error:
        return {"result": "refused by parse", "why": f"{type(error).__name__}: {error}"}
    try:
        examine(file, LoadLimits(), {})
    except (CutpointError, MemoryError) as error:
        return {"result": "refused by worker", "why": f"{type(error).__name__}: {error}"}
    except Exception as error:  # vet makes an UnsafeModelError of it
        return {"result": "refused as a bug", "why": f"{type(error).__name__}: {error}"}
    return _compared(file)


def _compared(file: ModelFile) -> dict[str, str]:
    """Cut the model in the middle and compare its answers with those of the whole."""
    try:
        graph = load_graph(file)
        cuts = candidate_cuts(graph)
        segments = Segments(
            graph, cuts[len(cuts) // 2 :][:1], options=quiet_options(1), providers=_PROVIDERS
        )
        feed = sample_feed(graph)
        made = segments.outputs_of(segments.run(segments.segments, feed).values)
    except ModelError as error:  # an open dimension counts as 1 for the vetting alone
        return {"result": "refused by load", "why": f"{type(error).__name__}: {error}"}
    whole = onnxruntime_module().InferenceSession(
        file.source, quiet_options(1), providers=_PROVIDERS
    )
    for name, wanted in zip(graph.outputs, whole.run(list(graph.outputs), feed), strict=True):
        if not np.array_equal(np.asarray(made[name]), np.asarray(wanted), equal_nan=True):
            return {"result": "wrong", "why": f"output {name!r} differs"}
    return {"result": "right", "why": f"{len(cuts)} cuts"}


def main() -> None:
    """Answer line by line until the input ends."""
    for line in sys.stdin:
        path, _, seed = line.rpartition(" ")
        sys.stdout.write(json.dumps(outcome(Path(path), int(seed))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
