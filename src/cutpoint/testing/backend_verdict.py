"""One test of ONNX's suite at its cuts: what was run, what was skipped and why."""

import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import onnx

from cutpoint.graph import cut_at_head
from cutpoint.testing.backend import CutpointBackend, PreparedModel
from cutpoint.testing.backend_suite import BackendTest
from cutpoint.testing.likeness import FLOAT16_RTOL, assert_alike
from cutpoint.testing.uncut import readable, run_uncut

Form = Literal["as written", "optimised"]

FORMS: tuple[Form, ...] = ("as written", "optimised")

Choose = Callable[[Sequence[int]], Sequence[int]]
"""Picks some of the heads."""

_PLACE_IN_SOURCE = re.compile(r"/onnxruntime_src\S+ .*?\) (?=[A-Z])|/onnxruntime_src\S+ ?")
_LONGEST_REASON = 240


class Stuck(NamedTuple):
    """A prefix that is no cut, because a value that cannot travel would cross."""

    form: Form
    num_nodes: int
    names: tuple[str, ...]


class Wrong(NamedTuple):
    """A cut that failed, or whose outputs are not the expected ones."""

    form: Form
    num_nodes: int
    reason: str


class FormVerdict(NamedTuple):
    """
    One graph of a test.

    Parameters
    ----------
    form
        Which graph.
    num_nodes
        Of the graph.
    num_prefixes
        Topological prefixes that leave something to the tail, the empty one among them.
    num_run
        Of these, how many were run.
    num_rounded
        Of these, how many needed two units of float16: what crosses is rounded to its type,
        where ONNX Runtime by itself goes on with float32.
    """

    form: Form
    num_nodes: int
    num_prefixes: int
    num_run: int
    num_rounded: int = 0


class Verdict(NamedTuple):
    """
    What became of a test.

    Parameters
    ----------
    name, kind
        Of the test.
    num_nodes
        Of its graph as written, skipped or not.
    skipped
        Why ONNX Runtime by itself does not pass it; empty if it does.
    forms
        What was run, per graph.
    stuck
        Prefixes that are no cuts.
    wrong
        Failures; none, or cutpoint has a bug.
    """

    name: str
    kind: str
    num_nodes: int
    skipped: str = ""
    forms: tuple[FormVerdict, ...] = ()
    stuck: tuple[Stuck, ...] = ()
    wrong: tuple[Wrong, ...] = ()


def judge(test: BackendTest, choose: Choose = tuple) -> Verdict:
    """
    Run a test uncut, then whole and cut through cutpoint, on both of its graphs.

    Parameters
    ----------
    test
        Of the suite.
    choose
        Picks the heads to run; all by default.
    """
    model = readable(test.model)
    skipped = _why_not_uncut(model, test)
    if skipped:
        return Verdict(test.name, test.kind, _num_nodes(model), skipped)
    stuck: list[Stuck] = []
    wrong: list[Wrong] = []
    forms = tuple(_judge_form(model, test, form, choose, stuck, wrong) for form in FORMS)
    as_written = forms[0].num_nodes
    return Verdict(test.name, test.kind, as_written, "", forms, tuple(stuck), tuple(wrong))


def _num_nodes(model: onnx.ModelProto) -> int:
    return len(CutpointBackend.prepare(model, is_optimised=False).graph.nodes)


def _why_not_uncut(model: onnx.ModelProto, test: BackendTest) -> str:
    for inputs, expected in test.answers:
        try:
            made = run_uncut(model, inputs)
        except Exception as error:  # a class per status, none of them public
            return f"ONNX Runtime does not run it: {_line(error)}"
        try:
            assert_alike(expected, made, test.case.rtol, test.case.atol)
        except AssertionError as error:
            return f"ONNX Runtime answers differently: {_line(error)}"
    return ""


def _judge_form(
    model: onnx.ModelProto,
    test: BackendTest,
    form: Form,
    choose: Choose,
    stuck: list[Stuck],
    wrong: list[Wrong],
) -> FormVerdict:
    try:
        prepared = CutpointBackend.prepare(model, is_optimised=form == "optimised")
    except Exception as error:  # every failure is a finding
        wrong.append(Wrong(form, 0, _line(error)))
        return FormVerdict(form, 0, 0, 0)
    num_nodes = len(prepared.graph.nodes)
    heads = choose((0, *prepared.heads)) if num_nodes else ()
    num_run = num_rounded = 0
    for head in (prepared.graph.all_nodes, *heads):
        names = prepared.stuck_at(head)
        if names:
            stuck.append(Stuck(form, head.bit_count(), names))
            continue
        num_run += 1
        reason = _why_wrong(prepared, head, test, test.case.rtol)
        if reason and _sends_float16(prepared, head):
            reason = _why_wrong(prepared, head, test, max(test.case.rtol, FLOAT16_RTOL))
            num_rounded += not reason
        if reason:
            wrong.append(Wrong(form, head.bit_count(), reason))
    return FormVerdict(form, num_nodes, num_nodes, num_run - 1, num_rounded)


def _why_wrong(prepared: PreparedModel, head: int, test: BackendTest, rtol: float) -> str:
    is_whole = head == prepared.graph.all_nodes
    try:
        for inputs, expected in test.answers:
            made = prepared.run(inputs) if is_whole else prepared.run_at(head, inputs)
            assert_alike(expected, made, rtol, test.case.atol)
    except Exception as error:  # every failure is a finding
        return f"{type(error).__name__}: {_line(error)}"
    return ""


def _sends_float16(prepared: PreparedModel, head: int) -> bool:
    graph = prepared.graph
    return any(graph.values[n].dtype == "float16" for n in cut_at_head(graph, head).crossing)


def _line(error: Exception) -> str:
    """Give an error's message in one line, without the place in ONNX Runtime's source."""
    text = _PLACE_IN_SOURCE.sub("", " ".join(str(error).split()))
    if len(text) <= _LONGEST_REASON:
        return text
    return f"{text[:_LONGEST_REASON].rpartition(' ')[0]} ..."
