"""ONNX's own backend suite, as tests with their models, inputs and expected outputs."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from onnx.backend.test.case.test_case import TestCase
from onnx.backend.test.loader import load_model_tests
from onnx.backend.test.runner import Runner

Kind = Literal["node", "light", "simple", "pytorch-converted", "pytorch-operator"]

KINDS: tuple[Kind, ...] = ("node", "light", "simple", "pytorch-converted", "pytorch-operator")

Answers = tuple[tuple[Sequence[Any], Sequence[Any]], ...]
"""Inputs and expected outputs, in the model's order, per data set."""


@dataclass(frozen=True)
class BackendTest:
    """
    One test of the suite; its model and data are read when asked for.

    Parameters
    ----------
    kind
        Its part of the suite.
    case
        As the suite keeps it.
    """

    __test__ = False

    kind: Kind
    case: TestCase

    @property
    def name(self) -> str:
        """As the suite names it; unique in its kind."""
        return self.case.name

    @cached_property
    def model(self) -> onnx.ModelProto:
        """Its model."""
        if self.case.model is not None:
            return self.case.model
        return onnx.load_model(str(self._model_path))

    @cached_property
    def answers(self) -> Answers:
        """Its inputs and expected outputs."""
        if self.case.data_sets is not None:
            return tuple(
                ([_array(each) for each in inputs], [_array(each) for each in outputs])
                for inputs, outputs in self.case.data_sets
            )
        if self.kind == "light":
            return (self._light_answer(),)
        folders = sorted(self._model_path.parent.glob("test_data_set_*"))
        return tuple(self._stored_answer(folder) for folder in folders)

    @property
    def _model_path(self) -> Path:
        if self.case.model_dir is not None:
            return Path(self.case.model_dir) / "model.onnx"
        assert self.case.url is not None
        return Path(onnx.__file__).parent.parent / self.case.url

    def _light_answer(self) -> tuple[Sequence[Any], Sequence[Any]]:
        graph = self.model.graph
        weights = {each.name for each in graph.initializer}
        inputs = [
            Runner.generate_dummy_data(value, seed=0, name=self.name)
            for value in graph.input
            if value.name not in weights
        ]
        path = self._model_path
        stored = [path.with_name(f"{path.stem}_output_{i}.pb") for i in range(len(graph.output))]
        outputs = [
            _read(file, value.type) for file, value in zip(stored, graph.output, strict=True)
        ]
        return inputs, outputs

    def _stored_answer(self, folder: Path) -> tuple[Sequence[Any], Sequence[Any]]:
        graph = self.model.graph
        return (
            [_read(folder / f"input_{i}.pb", v.type) for i, v in enumerate(graph.input)
             if (folder / f"input_{i}.pb").exists()],
            [_read(folder / f"output_{i}.pb", v.type) for i, v in enumerate(graph.output)],
        )  # fmt: skip


def backend_tests(*kinds: Kind) -> Iterator[BackendTest]:
    """List the tests of some kinds, in the suite's order."""
    for kind in kinds:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # Making the suite's expected outputs overflows on purpose.
            warnings.simplefilter("ignore")
            cases = load_model_tests(kind="real" if kind == "light" else kind)
        yield from (BackendTest(kind, case) for case in sorted(cases, key=lambda each: each.name))


def _array(item: Any) -> Any:
    if isinstance(item, onnx.TensorProto):
        return onnx.numpy_helper.to_array(item)
    return np.asarray(item) if isinstance(item, np.generic) else item


def _read(path: Path, kind: onnx.TypeProto) -> Any:
    written = path.read_bytes()
    if kind.HasField("sequence_type"):
        return onnx.numpy_helper.to_list(onnx.SequenceProto.FromString(written))
    if kind.HasField("optional_type"):
        return onnx.numpy_helper.to_optional(onnx.OptionalProto.FromString(written))
    return onnx.numpy_helper.to_array(onnx.TensorProto.FromString(written))
