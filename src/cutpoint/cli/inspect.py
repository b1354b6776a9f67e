"""``cutpoint inspect``: what a model is, and where it can be cut."""

from pathlib import Path
from typing import Annotated

import typer

from cutpoint.cli.chosen_model import chosen_model
from cutpoint.cli.inspection import inspection, inspection_document
from cutpoint.cli.inspection_report import print_inspection
from cutpoint.cli.looked_at import look_at
from cutpoint.cli.model_options import CustomOpsOption, InputsOption, SizesOption, UntrustedOption
from cutpoint.cli.output import print_json


def inspect(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    size: SizesOption = None,
    inputs: InputsOption = None,
    custom_ops: CustomOpsOption = None,
    untrusted: UntrustedOption = False,
    list_all: Annotated[
        bool,
        typer.Option(
            "--all", help="List every candidate cut, and why no other value is one, one by one."
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """
    Say what a model is and where it can be cut, and why nowhere else.

    A cut point is a value behind which the rest of the model may run on a server.
    KEPT cuts are those that can ever be the best: the model is held in pieces that
    end there. What is open in the model may stay open: then no sizes are known.
    """
    chosen = chosen_model(model, size, inputs, custom_ops, is_untrusted=untrusted)
    found = inspection(chosen.file, look_at(chosen))
    if json:
        print_json(inspection_document(found))
        return
    print_inspection(found, list_all=list_all)
