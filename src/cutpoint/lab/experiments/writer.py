"""An experiment on paper: every number, a page to read and one to look at, and the pictures."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile

import msgspec

from cutpoint.lab.experiments.experiment import Outcome
from cutpoint.lab.experiments.form import Claim, Figure, Report
from cutpoint.lab.experiments.page import page_of, require_page
from cutpoint.lab.plotting import pyplot


def require_writer(folder: Path) -> None:
    """
    See that a report can be written, before hours are spent on it.

    Parameters
    ----------
    folder
        Made if it is not there.

    Raises
    ------
    MissingDependencyError
        If matplotlib, Jinja2 or markdown-it-py is not installed.
    OSError
        If the folder cannot be written.
    """
    pyplot()
    require_page()
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=folder):
        pass


def write_outcome(outcome: Outcome, folder: Path) -> Path:
    """
    Write ``NAME.json``, ``NAME.md``, ``NAME.html`` and a picture per figure into a folder.

    Parameters
    ----------
    outcome
        Of an experiment.
    folder
        Made if it is not there.

    Returns
    -------
    Path
        Of the page: it needs none of the other files.

    Raises
    ------
    MissingDependencyError
        If matplotlib, Jinja2 or markdown-it-py is not installed.
    OSError
        If the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = outcome.report.experiment
    (folder / f"{name}.json").write_bytes(report_json(outcome.report))
    (folder / f"{name}.md").write_text(report_text(outcome), encoding="utf-8")
    pictures = [_drawn(figure, folder) for figure in outcome.figures]
    page = folder / f"{name}.html"
    page.write_text(page_of(outcome, pictures, made_by(outcome.report)), encoding="utf-8")
    return page


def report_json(report: Report) -> bytes:
    """Give the report as indented JSON; what is no number is written as ``null``."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def report_text(outcome: Outcome) -> str:
    """Give the report as Markdown that shows its pictures."""
    return "\n".join(_lines(outcome)) + "\n"


def made_by(report: Report) -> str:
    """Say in one line by what command, where and when long a report was made."""
    environment = report.environment
    host = environment.host
    quick = " --quick" if environment.is_quick else ""
    told = [
        f"`cutpoint bench {report.experiment}{quick} --seed {report.seed}` (cutpoint "
        f"{environment.version}), {_duration(environment.elapsed_s)} on {host.cpu} with "
        f"{host.num_cores} cores, ONNX Runtime {host.runtime}."
    ]
    if environment.traces:
        told.append(f"Link traces: {', '.join(environment.traces)}.")
    return " ".join((*told, *environment.notes))


def claims_table(claims: Sequence[Claim]) -> list[str]:
    """Give the claims as lines of a Markdown table."""
    lines = ["| claim | found | bound | holds |", "|---|---|---|---|"]
    for claim in claims:
        holds = "yes" if claim.holds else "**no**"
        name = claim.name.replace("|", "\\|")
        lines.append(f"| {name} | {claim.value:.4g} | {claim.bound:.4g} | {holds} |")
    return lines


def _lines(outcome: Outcome) -> Iterator[str]:
    report = outcome.report
    yield f"# {report.experiment}"
    yield ""
    yield outcome.text.strip()
    yield ""
    if report.claims:
        yield from ("## Claims", "", *claims_table(report.claims), "")
    for figure in outcome.figures:
        yield from (f"![{figure.title}]({figure.name}.png)", "", figure.caption, "")
    yield f"Made by {made_by(report)}"


def _drawn(figure: Figure, folder: Path) -> bytes:
    path = folder / f"{figure.name}.png"
    figure.draw(path)
    return path.read_bytes()


def _duration(duration_s: float) -> str:
    return f"{duration_s:.0f} s" if duration_s < 120 else f"{duration_s / 60:.1f} minutes"
