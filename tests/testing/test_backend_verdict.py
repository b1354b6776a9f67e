import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.backend.test.case.test_case import TestCase

from cutpoint.testing import backend
from cutpoint.testing.backend_report import count_line, write_report
from cutpoint.testing.backend_suite import BackendTest
from cutpoint.testing.backend_verdict import FORMS, judge

ModelOf = Callable[..., onnx.ModelProto]

X = np.array([1, 2], np.float32)
CHAIN = "(float[2] x) => (float[2] y) { a = Neg(x) b = Exp(a) y = Neg(b) }"


def written(model: onnx.ModelProto, inputs: list[Any], outputs: list[Any]) -> BackendTest:
    """Give a test of one data set."""
    data = [(inputs, outputs)]
    return BackendTest(
        "node", TestCase("test", "test", None, None, model, data, "node", 1e-3, 1e-7)
    )


def test_a_test_that_passes_everywhere(model_of: ModelOf) -> None:
    """Both graphs are run whole and at every prefix, the empty one among them."""
    verdict = judge(written(model_of(CHAIN), [X], [-np.exp(-X)]))
    assert (verdict.skipped, verdict.stuck, verdict.wrong) == ("", (), ())
    assert [each.form for each in verdict.forms] == list(FORMS)
    assert [each.num_run for each in verdict.forms] == [3, 3]


def test_some_heads_are_chosen(model_of: ModelOf) -> None:
    """Only the chosen heads are run."""
    verdict = judge(written(model_of(CHAIN), [X], [-np.exp(-X)]), lambda heads: heads[-1:])
    assert [each.num_run for each in verdict.forms] == [1, 1]


def test_what_the_runtime_answers_differently_is_skipped(model_of: ModelOf) -> None:
    """A test that fails without cutpoint says nothing of cutpoint; the reason is kept."""
    verdict = judge(written(model_of(CHAIN), [X], [X]))
    assert verdict.skipped.startswith("ONNX Runtime answers differently: ")
    assert (verdict.forms, verdict.num_nodes) == ((), 3)


def test_what_the_runtime_cannot_load_is_skipped(model_of: ModelOf) -> None:
    """The reason is ONNX Runtime's own."""
    model = model_of("(float[2] x) => (float[2] y) { y = NoSuchOperator(x) }")
    verdict = judge(written(model, [X], [X]))
    assert verdict.skipped.startswith("ONNX Runtime does not run it: ")
    assert "NoSuchOperator" in verdict.skipped


def test_a_value_that_changes_on_its_way_is_found(
    model_of: ModelOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were a crossing value wrong, every cut would be reported, and nothing else."""
    monkeypatch.setattr(backend, "carried", lambda value, array: array + 1)
    verdict = judge(written(model_of(CHAIN), [X], [-np.exp(-X)]))
    assert verdict.skipped == ""
    assert [(each.form, each.num_nodes) for each in verdict.wrong] == [
        (form, num_nodes) for form in FORMS for num_nodes in range(3)
    ]
    assert all("Not equal to tolerance" in each.reason for each in verdict.wrong)


def test_prefixes_that_are_no_cuts_are_listed(model_of: ModelOf) -> None:
    """Where a sequence would cross nothing is run, and its name is kept."""
    model = model_of(
        "(float[2] x) => (int64 n) { s = SequenceConstruct(x, x) n = SequenceLength(s) }"
    )
    verdict = judge(written(model, [X], [np.array(2)]))
    assert [(each.num_nodes, each.names) for each in verdict.stuck] == [(1, ("s",))] * 2
    assert [each.num_run for each in verdict.forms] == [1, 1]
    assert verdict.wrong == ()


def test_the_report_counts_and_lists(model_of: ModelOf, tmp_path: Path) -> None:
    """Counts, skips with their reasons and wrong cuts are written for people and programs."""
    passed = judge(written(model_of(CHAIN), [X], [-np.exp(-X)]))
    failed = judge(written(model_of(CHAIN), [X], [X]))._replace(name="other|one")
    write_report([passed, failed], tmp_path)
    content = json.loads((tmp_path / "backend.json").read_text())
    page = (tmp_path / "README.md").read_text()
    counts = "2 tests, 1 skipped, 1 with interior cuts, 6 cuts run, 0 prefixes"
    assert count_line([passed, failed]).startswith(counts)
    assert content["counts"] == count_line([passed, failed])
    assert list(content["skipped"]) == ["node/other|one"]
    assert "| node tests | 2 | 1 | 1 | as written | 1 | 3 | 2 | 3 | 0 | 0 | 0 |" in page
    assert "- ONNX Runtime answers differently: 1" in page
    assert "| other\\|one | ONNX Runtime answers differently" in page
    assert "## Wrong" not in page
