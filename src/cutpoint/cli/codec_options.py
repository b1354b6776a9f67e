"""Options of the commands that say how values may travel, and what that may cost."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cutpoint.cost.tolerance import MEASURES

CODECS = "Codecs"

CodecsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--codec",
        metavar="NAME[,NAME...]",
        help="Codecs that values may travel by, beside raw; `raw` allows no other. Default: those "
        "that lose nothing, and with --tolerance every one that keeps it.",
        rich_help_panel=CODECS,
        show_default=False,
    ),
]

MeasuredCodecsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--codec",
        metavar="NAME[,NAME...]",
        help="Codecs to measure, beside raw. Default: every one that is installed.",
        rich_help_panel=CODECS,
        show_default=False,
    ),
]

ToleranceOption = Annotated[
    str | None,
    typer.Option(
        metavar="top1:X|l2:X|MODULE:FUNCTION",
        help="How far outputs may be from the exact ones: the same class in at least X of the "
        "predictions, a relative L2 of at most X, or a function of yours. Default: not at all.",
        rich_help_panel=CODECS,
        show_default=False,
    ),
]


def tolerance_text(text: str | None) -> str | None:
    """Give the text of a tolerance, and let a function be found beside the caller."""
    here = str(Path.cwd())
    is_function = text is not None and text.partition(":")[0] not in MEASURES
    if is_function and here not in sys.path:
        # An installed program looks for modules beside itself, `python -m` beside the caller.
        sys.path.insert(0, here)
    return text


def codec_names(given: list[str] | None) -> str | None:
    """Give codecs, several in one option or in several, joined by commas."""
    return None if given is None else ",".join(given)
