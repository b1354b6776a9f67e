"""Options of every command that takes a model: how its inputs are bound, whether it is trusted."""

from pathlib import Path
from typing import Annotated

import typer

MODEL = "Model"

SizesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--size",
        metavar="NAME=N",
        help="Size of an open dimension of the inputs, such as batch=1; INPUT:POSITION where "
        "the file gives no name; may be repeated.",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]

InputsOption = Annotated[
    Path | None,
    typer.Option(
        "--input",
        metavar="FILE.npz",
        help="An array per input: binds open dimensions, and is run instead of made-up numbers.",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]

CustomOpsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--custom-ops",
        metavar="LIBRARY",
        help="Library of custom operators to register with ONNX Runtime; may be repeated.",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]

UntrustedOption = Annotated[
    bool,
    typer.Option(
        "--untrusted",
        help="First take the file through a run in a process of its own, under limits; nothing "
        "is loaded here before.",
        rich_help_panel=MODEL,
    ),
]
