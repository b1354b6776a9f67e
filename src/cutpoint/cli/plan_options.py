"""Options that only ``cutpoint plan`` takes."""

from pathlib import Path
from typing import Annotated

import typer

from cutpoint.cli.codec_options import CODECS
from cutpoint.cli.options import CHOICE, FILES, HOSTS, LIMITS, LINKS

ServersOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE|HOST:PORT|8x",
        help="Profile or predictor of the server, a server that runs, or how many times "
        "faster than the device it is taken to be (default: 8x). A second one is the server "
        "behind it.",
        rich_help_panel=HOSTS,
        show_default=False,
    ),
]

LinksOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="RATE,RTT[,DOWN]",
        help="Bandwidth and round trip, such as 5.85Mbit/s,20ms; may be repeated (default: "
        "1 Mbit/s to 1 Gbit/s at 10 ms). DOWN is the bandwidth back, if it differs.",
        rich_help_panel=LINKS,
        show_default=False,
    ),
]

LinkBehindOption = Annotated[
    str,
    typer.Option(
        metavar="RATE,RTT",
        help="Between the server and the one behind it.",
        rich_help_panel=LINKS,
    ),
]

LoadOption = Annotated[
    float,
    typer.Option(help="Server's execution time / idle time.", rich_help_panel=LINKS),
]

PlannersOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME|all|MODULE:CLASS",
        help="Show these planners side by side, per link; may be repeated (default: "
        "cutpoint's own choice alone).",
        rich_help_panel=CHOICE,
        show_default=False,
    ),
]

PlanCodecsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--codec",
        metavar="NAME[,NAME...]",
        help="Choose among these codecs too, whatever they do to the outputs unless --tolerance "
        "says what they may. Default: of --calibration those that lose nothing, and with "
        "--tolerance every one that keeps it.",
        rich_help_panel=CODECS,
        show_default=False,
    ),
]

CalibrationOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="What codecs make of this model's values, as `cutpoint calibrate` writes it "
        "(default: encode those of one run, here).",
        rich_help_panel=CODECS,
        show_default=False,
    ),
]

InputAsOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="float32|uint8|jpeg:SIZE",
        help="How the input may come to a server that does everything; may be repeated "
        "(default: uint8, and for pictures a JPEG).",
        rich_help_panel=LINKS,
        show_default=False,
    ),
]

JobsOption = Annotated[
    int,
    typer.Option(
        min=1,
        max=100_000,
        metavar="NUM",
        help="Inferences at once, for planners of many.",
        rich_help_panel=CHOICE,
    ),
]

NeverSendOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="VALUE",
        help="A value that must not leave the device; may be repeated.",
        rich_help_panel=LIMITS,
        show_default=False,
    ),
]

MinDepthOption = Annotated[
    int,
    typer.Option(
        help="Blocks between any input and what is sent: 1 keeps the input itself here.",
        rich_help_panel=LIMITS,
    ),
]

DeviceMemoryOption = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="Weights the device can hold, such as 200MB.",
        rich_help_panel=LIMITS,
        show_default=False,
    ),
]

ServerMemoryOption = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="Weights the servers can hold, such as 4GiB.",
        rich_help_panel=LIMITS,
        show_default=False,
    ),
]

CostsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Times per layer, .json or .csv, instead of profiles; needs no MODEL.",
        rich_help_panel=FILES,
        show_default=False,
    ),
]

SaveCostsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write the times per layer: .json; .csv if they came from one.",
        rich_help_panel=FILES,
        show_default=False,
    ),
]

TableOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write the compiled table, for `cutpoint serve --table` and InferenceSession.",
        rich_help_panel=FILES,
        show_default=False,
    ),
]
