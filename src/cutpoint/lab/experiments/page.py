"""A report as one page: pictures inside, tables that sort, and nothing from anywhere else."""

import base64
import importlib
from collections.abc import Sequence
from importlib import resources
from typing import Any

from cutpoint.exceptions import MissingDependencyError
from cutpoint.lab.experiments.experiment import Outcome
from cutpoint.lab.experiments.row_cells import Column, columns_of

_TEMPLATE = "report.html"


def require_page() -> None:
    """
    See that pages can be made.

    Raises
    ------
    MissingDependencyError
        If Jinja2 or markdown-it-py is not installed.
    """
    _library("jinja2")
    _library("markdown_it")


def page_of(outcome: Outcome, pictures: Sequence[bytes], made_by: str) -> str:
    """
    Give the page.

    Names in a report may come from a user's files, so whatever it says is text on the page, never
    a part of it: Jinja2 escapes, and Markdown is rendered without HTML and pictures of its own.

    Parameters
    ----------
    outcome
        Of an experiment.
    pictures
        Its figures as PNG, in their order.
    made_by
        Markdown line: where the report comes from.

    Raises
    ------
    MissingDependencyError
        If Jinja2 or markdown-it-py is not installed.
    """
    jinja2, markdown = _library("jinja2"), _markdown()
    markup = _library("markupsafe").Markup  # Jinja2's own, for what is HTML already
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(
        resources.files(__package__).joinpath(_TEMPLATE).read_text(encoding="utf-8")
    )
    rendered: str = template.render(
        report=outcome.report,
        made_by=markup(markdown.renderInline(made_by)),
        text=markup(markdown.render(outcome.text)),
        figures=list(zip(outcome.figures, map(_inlined, pictures), strict=True)),
        columns=columns_of(outcome.report.rows),
        lines=_row_lines(outcome),
    )
    return rendered


def _row_lines(outcome: Outcome) -> list[list[tuple[Column, Any]]]:
    columns = columns_of(outcome.report.rows)
    return [[(column, column.of(row)) for column in columns] for row in outcome.report.rows]


def _inlined(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


def _markdown() -> Any:
    made = _library("markdown_it").MarkdownIt("commonmark", {"html": False})
    return made.enable("table").disable("image")


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingDependencyError(
            f"report pages need {name}: pip install 'cutpoint[lab]'"
        ) from error
