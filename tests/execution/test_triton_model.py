"""The program that Triton's Python backend runs, with what Triton lends it made up."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

from cutpoint.execution import triton_model_path

TEXTS = """<ir_version: 8, opset_import: ["" : 17]>
texts (string[N, 2] x) => (string[N, 2] y) { y = Identity (x) }"""


class Tensor:
    """One of Triton's."""

    def __init__(self, name: str, array: np.ndarray) -> None:
        self.name, self._array = name, array

    def as_numpy(self) -> np.ndarray:
        """Give it."""
        return self._array


def response(tensors: Any = (), error: Any = None) -> SimpleNamespace:
    """Give an answer, or why there is none."""
    return SimpleNamespace(tensors=list(tensors), error=error)


def named(request: list[Tensor], name: str) -> Tensor | None:
    """Give a tensor of a request."""
    return next((each for each in request if each.name == name), None)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the program with a model of texts that batches."""
    lent: Any = ModuleType("triton_python_backend_utils")
    lent.Tensor, lent.InferenceResponse, lent.TritonError = Tensor, response, str
    lent.get_input_tensor_by_name = named
    monkeypatch.setitem(sys.modules, lent.__name__, lent)
    spec = importlib.util.spec_from_file_location("triton_model", triton_model_path())
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    (tmp_path / "1").mkdir()
    onnx.save(onnx.parser.parse_model(TEXTS), tmp_path / "1" / "model.onnx")
    told = {"name": "x", "data_type": "TYPE_STRING", "dims": [2]}
    config = {
        "parameters": {"onnx": {"string_value": "model.onnx"}},
        "input": [told],
        "output": [{**told, "name": "y"}],
        "max_batch_size": 8,
    }
    found = program.TritonPythonModel()
    found.initialize(
        {
            "model_config": json.dumps(config),
            "model_repository": str(tmp_path),
            "model_version": "1",
            "model_instance_kind": "CPU",
        }
    )
    return found


def request(*texts: bytes) -> list[Tensor]:
    """Ask with one row."""
    return [Tensor("x", np.array([texts], dtype=object))]


def test_requests_are_run_as_one_and_answered_each_by_its_own(model: Any) -> None:
    """Bytes in, bytes out."""
    answers = model.execute([request(b"a", b"b"), request(b"c", b"\xc3\xa9")])
    assert [each.error for each in answers] == [None, None]
    given = [each.tensors[0].as_numpy().tolist() for each in answers]
    assert given == [[[b"a", b"b"]], [[b"c", b"\xc3\xa9"]]]


@pytest.mark.parametrize("bad", [request(b"\xff", b"b"), []], ids=["no text", "no input"])
def test_a_request_that_cannot_be_read_fails_alone(model: Any, bad: list[Tensor]) -> None:
    """Those that came with it are answered."""
    first, second, third = model.execute([request(b"a", b"b"), bad, request(b"c", b"d")])
    assert first.error is None
    assert third.tensors[0].as_numpy().tolist() == [[b"c", b"d"]]
    assert second.error
