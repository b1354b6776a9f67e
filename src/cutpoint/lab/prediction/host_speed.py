"""What a whole model takes on this machine, undisturbed."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cutpoint.execution.runtime import onnxruntime_module, quiet_options

_RUNS = 3


def whole_cpu_s(path: Path, feed: Mapping[str, Any]) -> float:
    """
    Give the CPU seconds of one run on one thread, the least of a few.

    Parameters
    ----------
    path
        Of the model.
    feed
        Its inputs.
    """
    session = onnxruntime_module().InferenceSession(
        str(path), quiet_options(1), ("CPUExecutionProvider",)
    )
    session.run(None, dict(feed))
    taken = []
    for _ in range(_RUNS):
        began_s = time.thread_time()
        session.run(None, dict(feed))
        taken.append(time.thread_time() - began_s)
    return min(taken)
