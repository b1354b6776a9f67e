"""``cutpoint embed``: a model that takes 8-bit pictures, its preprocessing in the graph."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, cast

import typer

from cutpoint.cli.chosen_model import chosen_model
from cutpoint.cli.model_options import MODEL, SizesOption, UntrustedOption
from cutpoint.cli.output import err, out, print_json
from cutpoint.cli.sizes import parse_sizes
from cutpoint.exceptions import ConfigurationError
from cutpoint.execution.embed import EmbeddedModel
from cutpoint.execution.embed import embed as embed_model
from cutpoint.execution.preprocessing import (
    LAYOUTS,
    MEANS,
    ORDERS,
    STDS,
    Layout,
    Order,
    Preprocessing,
)
from cutpoint.execution.resampling import FILTERS, ResizeMode
from cutpoint.units import format_size

_PRESETS = ", ".join(MEANS)
_SIZE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")
_MODES = "; ".join(f"{name} is {each.equals}" for name, each in FILTERS.items())


def embed(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    mean: Annotated[
        str,
        typer.Option(
            metavar="M[,M,M]",
            help=f"Means of scaled pixels per channel, one for all, or one of {_PRESETS}.",
        ),
    ],
    std: Annotated[
        str,
        typer.Option(metavar="S[,S,S]", help="Standard deviations, written in the same ways."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")],
    scale: Annotated[
        str, typer.Option(help="What pixels are multiplied by first: a number or a fraction.")
    ] = "1/255",
    layout: Annotated[
        str | None,
        typer.Option(
            help=f"Of the pictures: {', '.join(LAYOUTS)}. By default nhwc, or hwc where the model "
            "takes no batch."
        ),
    ] = None,
    channels: Annotated[
        str, typer.Option(help=f"Order of the pictures' colours: {' or '.join(ORDERS)}.")
    ] = "rgb",
    resize: Annotated[
        str,
        typer.Option(metavar="WxH|none", help="Take frames of any size and resize them to this."),
    ] = "none",
    resize_mode: Annotated[str, typer.Option(help=f"How: {_MODES}.")] = "linear-antialias",
    input_name: Annotated[
        str | None,
        typer.Option("--input", metavar="NAME", help="Which input, if several may be pictures."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Of the new input; by default the old one's and _uint8.")
    ] = None,
    model_layout: Annotated[
        str | None,
        typer.Option(
            help="Of the model's input, where its shape does not say.", show_default=False
        ),
    ] = None,
    model_channels: Annotated[
        str, typer.Option(help="Order in which the model takes colours.")
    ] = "rgb",
    size: SizesOption = None,
    feed: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz",
            help="An array per input of the new model: run instead of made-up pictures.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    untrusted: UntrustedOption = False,
    verify: Annotated[
        bool, typer.Option(help="Run both models on pictures, and compare their answers.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """
    Write the usual preprocessing into a model, so that it is fed pictures as bytes.

    The new model multiplies pixels by the scale, subtracts the mean and divides by the standard
    deviation itself, and changes layout, order of colours and size before. A picture then
    crosses to a server in a quarter of the bytes. Everything else of the model stays as it is.
    """
    preprocessing = Preprocessing(
        mean=_numbers("mean", mean, MEANS),
        std=_numbers("std", std, STDS),
        scale=_fraction(scale),
        layout=cast("Layout | None", layout),
        channels=cast("Order", channels),
        model_layout=cast("Layout | None", model_layout),
        model_channels=cast("Order", model_channels),
        size=_size(resize),
        resize_mode=cast("ResizeMode", resize_mode),
    )
    chosen = chosen_model(model, None, feed, is_untrusted=untrusted)
    made = embed_model(
        chosen.file,
        preprocessing,
        output,
        input_name=input_name,
        picture_name=name,
        sizes=parse_sizes(size or ()),  # of the new model: the old one may not have them
        feed=chosen.feed,
        overwrite=force,
        verify=verify,
    )
    if json:
        print_json(_document(made))
        return
    _print(made)


def _numbers(what: str, text: str, presets: Mapping[str, tuple[float, ...]]) -> tuple[float, ...]:
    if text in presets:
        return presets[text]
    try:
        return tuple(float(each) for each in text.split(","))
    except ValueError as error:
        raise ConfigurationError(
            f"{what} {text!r}: write a number per channel, as 0.5,0.5,0.5, one for all, or one "
            f"of {', '.join(presets)}"
        ) from error


def _fraction(text: str) -> float:
    over, _, under = text.partition("/")
    try:
        found = float(over) / float(under or 1)
    except (ValueError, ZeroDivisionError):
        found = math.nan
    if not math.isfinite(found):
        raise ConfigurationError(f"scale {text!r}: write a number or a fraction, as 1/255")
    return found


def _size(text: str) -> tuple[int, int] | None:
    if text == "none":
        return None
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ConfigurationError(f"resize {text!r}: write WxH in pixels, as 224x224, or none")
    return int(found[1]), int(found[2])


def _document(made: EmbeddedModel) -> dict[str, object]:
    check = made.check
    return {
        "path": str(made.file.path),
        "data": None if made.file.data is None else str(made.file.data),
        "size_bytes": made.file.size_bytes,
        "nodes": made.file.num_nodes,
        "inputs": made.file.inputs,
        "outputs": made.file.outputs,
        "picture": made.picture,
        "layout": made.layout,
        "made": made.made,
        "opset": made.opset,
        "opset_before": made.opset_before,
        "largest_difference": None if check is None else check.largest_difference,
        "largest_levels": None if check is None else check.largest_levels,
        "pictures_compared": None if check is None else check.pictures,
        "compared_at": None if check is None else dict(check.sizes),
        "not_compared_because": None if check is None else check.why_not or None,
    }


def _print(made: EmbeddedModel) -> None:
    data = "" if made.file.data is None else f" with {made.file.data.name}"
    raised = "" if made.opset == made.opset_before else f" (raised from {made.opset_before})"
    for line in (
        f"wrote {made.file.path}{data}: {made.file.num_nodes} nodes, "
        f"{format_size(made.file.size_bytes)}, opset {made.opset}{raised}",
        f"{made.picture} ({made.layout}, uint8) takes the place of {made.made}",
    ):
        out.print(line, markup=False, soft_wrap=True)
    check = made.check
    if check is None:
        return
    if check.why_not:
        err.print(
            f"note: not compared with the original: {' '.join(check.why_not.split())}",
            markup=False,
            soft_wrap=True,
        )
        return
    shapes = ", ".join("x".join(map(str, shape)) for shape in check.pictures)
    out.print(
        f"pictures of {shapes}, beside the original with preprocessing in NumPy: largest "
        f"difference {check.largest_difference:.3g} of the largest element (at the model's input "
        f"{check.largest_levels:.2g} of 255 levels)",
        markup=False,
        soft_wrap=True,
    )
