"""Options that several commands take, with the same words and the same meaning."""

from pathlib import Path
from typing import Annotated

import typer

HOSTS = "Hosts"
LINKS = "Link and load"
CHOICE = "What is best"
LIMITS = "What no plan may do"
FILES = "Files and output"

ModelArgument = Annotated[Path | None, typer.Argument(help="The ONNX file.", show_default=False)]

DeviceOption = Annotated[
    Path | None,
    typer.Option(
        "--device",
        metavar="FILE",
        help="Profile or predictor of the device (default: time the model here, now).",
        rich_help_panel=HOSTS,
        show_default=False,
    ),
]

WaitOption = Annotated[
    str, typer.Option("--wait", help="Time in the server's queue.", rich_help_panel=LINKS)
]

ObjectiveOption = Annotated[
    str,
    typer.Option(
        "--objective",
        metavar="NAME",
        help="latency; throughput (longest stage); energy (of the device); weighted:SHARE (both, "
        "with so much weight on the energy; without :SHARE half of it); p95 (latency with "
        "bandwidth and load both at their 95th percentile of badness); deadline=SECONDS (least "
        "energy that keeps it).",
        rich_help_panel=CHOICE,
    ),
]

PowerOption = Annotated[
    str,
    typer.Option(
        "--power",
        metavar="NAME|FILE",
        help="What the device draws: raspberry-pi-4b, jetson-nano or jetson-orin-nx, each with "
        "-wifi, -lte or -3g behind it, or a JSON file.",
        rich_help_panel=CHOICE,
    ),
]

SpreadOption = Annotated[
    float,
    typer.Option(
        "--spread",
        help="For p95: standard deviation of the logarithm of bandwidth and load.",
        rich_help_panel=CHOICE,
    ),
]

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document.", rich_help_panel=FILES)
]

PlotOption = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="FILE",
        help="Draw it: .png, .svg or .pdf.",
        rich_help_panel=FILES,
        show_default=False,
    ),
]

PLOT_SUFFIXES = (".png", ".svg", ".pdf")


def check_plot(path: Path | None) -> None:
    """
    Refuse a plot nobody could draw, before anything is measured.

    Raises
    ------
    typer.BadParameter
        If the suffix is not one of those that are drawn.
    """
    if path is not None and path.suffix.lower() not in PLOT_SUFFIXES:
        raise typer.BadParameter(
            f"plot {path}: its suffix tells the format; end its name in {', '.join(PLOT_SUFFIXES)}"
        )
