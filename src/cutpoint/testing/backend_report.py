"""What a campaign over ONNX's backend suite counted, for people and for programs."""

import json
import platform
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import onnx

from cutpoint.execution.runtime import runtime_version
from cutpoint.testing.backend_verdict import FORMS, Form, FormVerdict, Verdict

_KINDS = {
    "node": "node tests",
    "light": "light models",
    "simple": "simple models",
    "pytorch-converted": "converted from PyTorch",
    "pytorch-operator": "operators of PyTorch",
}
_HEADINGS = (
    "", "tests", "run", "skipped", "graph", "with interior cuts", "prefix cuts", "interior",
    "cuts run", "no cut", "rounded", "wrong",
)  # fmt: skip

_METHOD = """\
Every model is cut twice: its nodes as they are written in the file, and those that ONNX Runtime's
basic level leaves. A prefix cut is a topological prefix of the nodes on the device and at least one
node on the server; the empty prefix sends the inputs. The head runs, what crosses goes through its
form on the wire, the tail runs, and every output is held against the suite's expected one at the
suite's own tolerance. So that ONNX Runtime loads the suite's newest tests, operator sets that are
not released yet are allowed, and an operator set or IR version that it does not read is lowered to
the newest it does; what such a test answers then is still held against the suite.
"""

_WORDS = """\
*No cut*: a sequence, an optional or another value that is no tensor would cross. *Rounded*: within
two units of float16, as the suite allows for bfloat16, because the float16 that crosses is rounded
where ONNX Runtime by itself goes on with float32.
"""

_STATUS = re.compile(r"\[ONNXRuntimeError\] : \d+ : (\w+)")


def count_line(verdicts: Sequence[Verdict]) -> str:
    """Give the counts of a campaign in one line."""
    skipped = sum(bool(verdict.skipped) for verdict in verdicts)
    cut = sum(any(each.num_nodes > 1 for each in verdict.forms) for verdict in verdicts)
    run = sum(each.num_run for verdict in verdicts for each in verdict.forms)
    stuck = sum(len(verdict.stuck) for verdict in verdicts)
    wrong = sum(len(verdict.wrong) for verdict in verdicts)
    return (
        f"{len(verdicts)} tests, {skipped} skipped, {cut} with interior cuts, {run} cuts run, "
        f"{stuck} prefixes across which no tensor goes, {wrong} wrong"
    )


def write_report(verdicts: Sequence[Verdict], folder: Path) -> None:
    """Write ``README.md`` and ``backend.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(_page(verdicts), encoding="utf-8")
    (folder / "backend.json").write_text(_lines(_content(verdicts)), encoding="utf-8")


def _lines(content: dict[str, object]) -> str:
    """Write JSON with one line per test: a change of one is a line of a difference."""
    parts = []
    for key, value in content.items():
        if isinstance(value, dict):
            entries = (f"{json.dumps(name)}: {json.dumps(each)}" for name, each in value.items())
            parts.append(f"{json.dumps(key)}: {{\n" + ",\n".join(entries) + "\n}")
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def reason_of(verdict: Verdict) -> str:
    """Give the kind of a skip's reason: two tests that are skipped alike have the same."""
    status = _STATUS.search(verdict.skipped)
    kind = verdict.skipped.partition(":")[0]
    return f"{kind} ({status[1]})" if status else kind


def _page(verdicts: Sequence[Verdict]) -> str:
    sections = (
        [
            "# ONNX's backend suite, through cutpoint, at every cut",
            "",
            f"onnx {onnx.__version__}, ONNX Runtime {runtime_version()}, Python "
            f"{platform.python_version()}. `python docs/make_backend.py` makes this page.",
            "",
            _METHOD,
            _table(verdicts),
            "",
            _WORDS,
            _whole_suite(verdicts),
            "",
        ],
        _skips([verdict for verdict in verdicts if verdict.skipped]),
        _stuck(verdicts),
        _wrongs(verdicts),
    )
    return "\n".join(line for section in sections for line in section)


def _skips(skipped: Sequence[Verdict]) -> list[str]:
    reasons = Counter(reason_of(verdict) for verdict in skipped)
    return [
        "## Skipped",
        "",
        "Every skip is ONNX Runtime's own, on the whole model without cutpoint; none is due to a",
        "cut.",
        "",
        *(f"- {reason}: {count}" for reason, count in reasons.most_common()),
        "",
        "| test | why |",
        "|---|---|",
        *(f"| {_cell(v.name)} | {_cell(v.skipped)} |" for v in skipped),
        "",
    ]


def _stuck(verdicts: Iterable[Verdict]) -> list[str]:
    return [
        "## Prefixes that are no cuts",
        "",
        "| test | graph | nodes before | would cross |",
        "|---|---|---|---|",
        *(
            f"| {_cell(v.name)} | {each.form} | {each.num_nodes} | {_cell(', '.join(each.names))} |"
            for v in verdicts
            for each in v.stuck
        ),
        "",
    ]


def _wrongs(verdicts: Iterable[Verdict]) -> list[str]:
    found = [
        f"| {_cell(v.name)} | {each.form} | {each.num_nodes} | {_cell(each.reason)} |"
        for v in verdicts
        for each in v.wrong
    ]
    heading = ["## Wrong", "", "| test | graph | nodes before | what |", "|---|---|---|---|"]
    return [*heading, *found, ""] if found else []


def _whole_suite(verdicts: Sequence[Verdict]) -> str:
    """Tell how many cuts the suite's files have, those of skipped tests among them."""
    sizes = [verdict.num_nodes for verdict in verdicts if verdict.kind == "node"]
    cut = [size for size in sizes if size > 1]
    return (
        f"Of all {len(sizes)} node tests, run or skipped, {len(cut)} have interior cuts as "
        f"written: {sum(cut)} topological prefixes, {sum(cut) - len(cut)} of them interior."
    )


def _table(verdicts: Sequence[Verdict]) -> str:
    rows = ["| " + " | ".join(_HEADINGS) + " |", "|" + "---|" * len(_HEADINGS)]
    for kind, title in _KINDS.items():
        of_kind = [verdict for verdict in verdicts if verdict.kind == kind]
        if of_kind:
            rows += [_row(title, of_kind, form) for form in FORMS]
    return "\n".join(rows)


def _row(title: str, verdicts: Sequence[Verdict], form: Form) -> str:
    run = [verdict for verdict in verdicts if not verdict.skipped]
    forms = [each for verdict in run for each in verdict.forms if each.form == form]
    cells = (
        title, len(verdicts), len(run), len(verdicts) - len(run), form,
        sum(each.num_nodes > 1 for each in forms), sum(each.num_prefixes for each in forms),
        sum(_num_interior(each) for each in forms), sum(each.num_run for each in forms),
        sum(each.form == form for verdict in run for each in verdict.stuck),
        sum(each.num_rounded for each in forms),
        sum(each.form == form for verdict in run for each in verdict.wrong),
    )  # fmt: skip
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _num_interior(form: FormVerdict) -> int:
    return max(form.num_prefixes - 1, 0)


def _content(verdicts: Sequence[Verdict]) -> dict[str, object]:
    skips = {f"{v.kind}/{v.name}": v.skipped for v in verdicts if v.skipped}
    return {
        "onnx": onnx.__version__,
        "onnxruntime": runtime_version(),
        "counts": count_line(verdicts),
        "nodes_as_written": {f"{v.kind}/{v.name}": v.num_nodes for v in verdicts},
        "skipped": skips,
        "no_cut": {
            f"{v.kind}/{v.name}": [each._asdict() for each in v.stuck] for v in verdicts if v.stuck
        },
        "wrong": {
            f"{v.kind}/{v.name}": [each._asdict() for each in v.wrong] for v in verdicts if v.wrong
        },
        "graphs": {
            f"{v.kind}/{v.name}": [each._asdict() for each in v.forms] for v in verdicts if v.forms
        },
    }


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
