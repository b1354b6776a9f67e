"""A model of 3 GB with external data, cut and run."""

import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.execution import big_model

_log = logging.getLogger(__name__)

MODEL_BYTES = 3_000_000_000
FREE_BYTES = 8_000_000_000
"""The model, and the optimised copy of its weights."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Give a folder that goes away at once: it holds gigabytes."""
    assert shutil.disk_usage(tmp_path).free > FREE_BYTES, f"needs {FREE_BYTES} free bytes"
    yield tmp_path
    shutil.rmtree(tmp_path)


def run(what: str, folder: Path) -> dict[str, float]:
    """Run it in a process of its own, and read what it tells."""
    command = [sys.executable, big_model.__file__, what, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=900)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.soak
def test_a_model_of_3_gb_takes_its_own_memory_once(folder: Path) -> None:
    """Loaded, cut in four and run: within 1.2 of the weights, and of ONNX Runtime uncut."""
    weights_bytes = big_model.write(folder, MODEL_BYTES)
    uncut, cut = run("uncut", folder), run("cut", folder)
    of_weights, of_uncut = (
        cut["peak_bytes"] / weights_bytes,
        cut["peak_bytes"] / uncut["peak_bytes"],
    )
    _log.info(
        "weights %.2f GB; peak cut %.2f GB (%.2f of the weights, %.2f of uncut), %.2f GB loading",
        weights_bytes / 1e9,
        cut["peak_bytes"] / 1e9,
        of_weights,
        of_uncut,
        cut["loaded_bytes"] / 1e9,
    )
    assert (cut["segments"], cut["difference"]) == (4, 0.0)
    assert of_weights <= 1.2
    assert of_uncut <= 1.2
