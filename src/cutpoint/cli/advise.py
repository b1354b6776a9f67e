"""``cutpoint advise``: does splitting pay at all, where, and how much does the input decide."""

from pathlib import Path
from typing import Annotated

import typer

from cutpoint.cli.advice import Advice, advice, advice_document, print_advice
from cutpoint.cli.chosen_model import chosen_model
from cutpoint.cli.links import usable_bandwidth
from cutpoint.cli.model_options import InputsOption, SizesOption, UntrustedOption
from cutpoint.cli.options import (
    HOSTS,
    LINKS,
    DeviceOption,
    JsonOption,
    ObjectiveOption,
    PlotOption,
    PowerOption,
    SpreadOption,
    WaitOption,
    check_plot,
)
from cutpoint.cli.output import err, print_json
from cutpoint.cli.plan_inputs import plan_inputs
from cutpoint.cli.ranges import parse_grid, parse_load
from cutpoint.cli.security_options import (
    InsecureOption,
    TlsCaOption,
    TlsCertOption,
    TlsKeyOption,
    TlsNameOption,
    TlsOption,
    TokenFileOption,
    client_security,
)
from cutpoint.cost import power_profile
from cutpoint.lab.plan_plots import plot_savings
from cutpoint.planning.objective import objective_named
from cutpoint.records import Conditions, LinkConditions, LoadConditions
from cutpoint.units import format_duration, parse_duration

_NUM_BANDWIDTHS, _NUM_LOADS = 61, 21

_ServerOption = Annotated[
    str,
    typer.Option(
        metavar="FILE|HOST:PORT|8x",
        help="Profile or predictor of the server, a server that runs, or how many times "
        "faster than the device it is taken to be.",
        rich_help_panel=HOSTS,
    ),
]

_BandwidthsOption = Annotated[
    str, typer.Option(metavar="LEAST..LARGEST", help="Of the link.", rich_help_panel=LINKS)
]

_LoadsOption = Annotated[
    str,
    typer.Option(
        metavar="LEAST..LARGEST",
        help="Server's execution time / idle time.",
        rich_help_panel=LINKS,
    ),
]

_RoundTripOption = Annotated[str, typer.Option(help="Round trip.", rich_help_panel=LINKS)]

_InputAsOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="float32|uint8|jpeg:SIZE",
        help="How the input travels to a server that does everything; may be repeated "
        "(default: float32, uint8, and for pictures a JPEG).",
        rich_help_panel=LINKS,
        show_default=False,
    ),
]


def advise(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    size: SizesOption = None,
    input_file: InputsOption = None,
    untrusted: UntrustedOption = False,
    device: DeviceOption = None,
    server: _ServerOption = "8x",
    tls: TlsOption = False,
    tls_ca: TlsCaOption = None,
    tls_cert: TlsCertOption = None,
    tls_key: TlsKeyOption = None,
    tls_name: TlsNameOption = None,
    token_file: TokenFileOption = None,
    insecure: InsecureOption = False,
    bandwidths: _BandwidthsOption = "1Mbit/s..100Mbit/s",
    loads: _LoadsOption = "1..10",
    rtt: _RoundTripOption = "20ms",
    wait: WaitOption = "0ms",
    input_as: _InputAsOption = None,
    objective: ObjectiveOption = "latency",
    power: PowerOption = "raspberry-pi-4b-wifi",
    spread: SpreadOption = 0.3,
    plot: PlotOption = None,
    json: JsonOption = False,
) -> None:
    """
    Say whether splitting a model pays at all, where, and by how much.

    Compares the best split with switching between device-only and server-only,
    over a range of links and loads, for each way in which the input may travel:
    a photo that your server takes as a JPEG makes server-only far better than
    one sent as float32.
    """
    check_plot(plot)
    like = _like(rtt, wait)
    bandwidth_grid = parse_grid(bandwidths, usable_bandwidth, _NUM_BANDWIDTHS)
    load_grid = parse_grid(loads, parse_load, _NUM_LOADS)
    wanted = objective_named(objective, power_profile(power), spread)
    chosen = chosen_model(model, size, input_file, is_untrusted=untrusted)
    security = client_security(
        tls, tls_ca, tls_cert, tls_key, tls_name, token_file, insecure=insecure
    )
    inputs = plan_inputs(chosen, None, device, [server], security=security, quiet=json)
    found = advice(inputs, wanted, like, (bandwidth_grid, load_grid), input_as or (), quiet=json)
    if plot is not None:
        plot_savings(_title(found, rtt), found.savings, plot)
    if json:
        print_json(advice_document(found))
        return
    print_advice(found)
    if plot is not None:
        err.print(f"wrote {plot}", markup=False, soft_wrap=True)


def _like(rtt: str, wait: str) -> Conditions:
    """Give the conditions of every point of the grid, but for bandwidth and load."""
    message_s = parse_duration(rtt) / 2
    link = LinkConditions(1.0, 1.0, message_s, message_s)
    return Conditions(link, LoadConditions(wait_s=parse_duration(wait)))


def _title(found: Advice, rtt: str) -> str:
    rtt = format_duration(parse_duration(rtt))
    return f"{found.inputs.costs.name}: what splitting saves at {rtt} round trip"
