"""``cutpoint profile``: measure a model here, or get what a server measured."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cutpoint.cli.chosen_model import ChosenModel, chosen_model
from cutpoint.cli.energy_lines import tell_measured
from cutpoint.cli.first_run import first_run
from cutpoint.cli.model_options import CustomOpsOption, InputsOption, SizesOption, UntrustedOption
from cutpoint.cli.output import err, out, print_json, progress_bar, table
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
from cutpoint.client.server_profile import server_profile
from cutpoint.cost import fold
from cutpoint.execution.quantiser import runtime_quantiser
from cutpoint.execution.runtime import keep_freed_memory, quiet_options
from cutpoint.graph import Cut, Graph, cut_at
from cutpoint.planning import mean_regret
from cutpoint.profiling import measure, save_profile, spread
from cutpoint.profiling.codec_times import time_codecs
from cutpoint.profiling.energy_meter import EnergyMeter
from cutpoint.profiling.energy_sensor import energy_sensor
from cutpoint.profiling.kept_codec_times import values_to_time
from cutpoint.profiling.made_up_values import made_up_values
from cutpoint.records import RAW, Profile
from cutpoint.units import format_duration, format_size
from cutpoint.wire.codecs import available_codecs, codec_named

_DISTURBED = 1.1
"""Wall time / CPU time above which other work disturbed the measurement."""


def profile(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the profile goes.")],
    server: Annotated[
        str | None,
        typer.Option(help="HOST:PORT: get what this server takes, instead of measuring here."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=2, help="Timed runs.")] = 10,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads inside one operator (default: all).")
    ] = None,
    slowdown: Annotated[
        float, typer.Option(min=1.0, help="Emulate a device this many times slower.")
    ] = 1.0,
    size: SizesOption = None,
    inputs: InputsOption = None,
    custom_ops: CustomOpsOption = None,
    untrusted: UntrustedOption = False,
    tls: TlsOption = False,
    tls_ca: TlsCaOption = None,
    tls_cert: TlsCertOption = None,
    tls_key: TlsKeyOption = None,
    tls_name: TlsNameOption = None,
    token_file: TokenFileOption = None,
    insecure: InsecureOption = False,
    json: Annotated[bool, typer.Option("--json", help="Print the profile as JSON.")] = False,
) -> None:
    """
    Measure what a model takes on this machine, and write it to a file.

    Times the whole model and the pieces between the cuts that matter, as they run, and codecs.
    With --server: fetches what a cutpoint server measured of itself, or times any
    other server over the wire, minus the link. One profile is of one size of the inputs:
    for a model whose sizes vary, write several and give all of them to `cutpoint run`.
    """
    security = client_security(
        tls, tls_ca, tls_cert, tls_key, tls_name, token_file, insecure=insecure
    )
    chosen = chosen_model(model, size, inputs, custom_ops, is_untrusted=untrusted)
    graph = chosen.load()
    with EnergyMeter(None if server is not None else energy_sensor()) as meter:
        if server is None:
            result = _measured(graph, chosen, repeats, threads, slowdown)
        else:
            result, _ = server_profile(server, graph, security)
    save_profile(result, output)
    if json:
        print_json(result)
        return
    tell_measured(meter)
    _print(graph, result, output)


def _measured(
    graph: Graph, chosen: ChosenModel, repeats: int, threads: int | None, slowdown: float
) -> Profile:
    with first_run(chosen.feed), progress_bar(f"profiling {graph.name}") as listener:
        measured = measure(
            graph,
            feed=chosen.feed,
            repeats=repeats,
            options=quiet_options(threads, chosen.custom_ops),
            slowdown=slowdown,
            progress=listener,
            malloc_kept=keep_freed_memory(),
        )
    names = (name for name in available_codecs() if name != RAW)
    codecs = [codec_named(name, runtime_quantiser()) for name in names]
    times = time_codecs(codecs, values_to_time(made_up_values()), slowdown=slowdown)
    return replace(measured, samples=(*measured.samples, *times))


def _tell_dropped(graph: Graph, profile: Profile, kept: tuple[Cut, ...]) -> None:
    """Say which cuts were given up to keep the chain cheap, and what that costs."""
    if not profile.dropped_cuts:
        return
    dropped = tuple(cut_at(graph, crossing) for crossing in profile.dropped_cuts)
    names = "; ".join(", ".join(cut.crossing) for cut in dropped)
    regret = mean_regret(graph, kept, (*kept, *dropped))
    err.print(
        f"note: not cut at {names}: the pieces would have made the whole over 5 % slower; "
        f"choosing among the others costs {regret:.2%} on average",
        markup=False,
    )


def _print(graph: Graph, profile: Profile, path: Path) -> None:
    whole = spread(sample for sample in profile.samples if sample.kind == "whole")
    environment = profile.environment
    out.print(
        f"[bold]{profile.model_name}[/bold] on {profile.host}: whole model "
        f"{format_duration(whole.median_s)} "
        f"({format_duration(whole.p25_s)} - {format_duration(whole.p75_s)}, {whole.num} runs)"
    )
    out.print(
        f"ONNX Runtime {environment.runtime}, {', '.join(environment.providers)}, "
        f"{environment.cpu}, {environment.num_cores} cores",
        markup=False,
    )
    cuts = tuple(cut_at(graph, crossing) for crossing in profile.cuts)
    costs = fold(graph, profile, cuts)
    rows = [
        [
            ", ".join(cut.crossing),
            format_duration(costs.head_s[cut.id]),
            format_duration(costs.tail_s[cut.id]),
            format_size(graph.size_bytes(cut.crossing)),
        ]
        for cut in cuts
    ]
    out.print(table("as it runs", ("cut at", "before it", "behind it", "sends"), rows))
    _tell_dropped(graph, profile, cuts)
    if profile.contention > _DISTURBED:
        err.print(
            f"[yellow]warning:[/yellow] wall time was {profile.contention:.2f} x CPU time: other "
            "work disturbed the measurement; stop it and measure again"
        )
    out.print(f"wrote {path}", markup=False)
