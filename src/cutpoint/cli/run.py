"""``cutpoint run``: run a model on this device with a server's help, and show what happens."""

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
import numpy as np
import typer
from rich.live import Live
from rich.text import Text

from cutpoint.cli.chosen_model import ChosenModel, chosen_model
from cutpoint.cli.codec_options import (
    CODECS,
    CodecsOption,
    ToleranceOption,
    codec_names,
    tolerance_text,
)
from cutpoint.cli.energy_lines import tell_counted, tell_measured
from cutpoint.cli.first_run import first_run
from cutpoint.cli.model_options import CustomOpsOption, InputsOption, SizesOption, UntrustedOption
from cutpoint.cli.output import err, out, table
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
from cutpoint.client.codec_choice import CHECK_RATE
from cutpoint.client.session import InferenceSession
from cutpoint.exceptions import CutpointError, UnknownShapeError
from cutpoint.graph import Arrays, sample_feed
from cutpoint.policies import PUBLISHED, checked_hedge
from cutpoint.profiling.energy_meter import EnergyMeter
from cutpoint.profiling.energy_sensor import energy_sensor
from cutpoint.records import RAW, InferenceRecord, Withdrawal
from cutpoint.units import format_bandwidth, format_duration


def run(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    server: Annotated[
        list[str],
        typer.Option(
            help="HOST:PORT of the server; several, joined by commas or each with its own "
            "--server, are used in order of preference."
        ),
    ],
    count: Annotated[int, typer.Option("--count", "-n", min=0, help="0 runs until Ctrl-C.")] = 100,
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
    policy: Annotated[
        str,
        typer.Option(
            help="cutpoint, device, server, or values to cut at, joined by commas (the last two "
            f"may have @CODEC behind them); or a published scheme: {', '.join(PUBLISHED)}."
        ),
    ] = "cutpoint",
    profile: Annotated[
        list[Path] | None,
        typer.Option(
            help="Profile of this device (default: time it now); may be repeated, one for each "
            "of several sizes of the inputs."
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(help="Decide among the cuts of this table (see `cutpoint plan --table`)."),
    ] = None,
    codec: CodecsOption = None,
    tolerance: ToleranceOption = None,
    calibrate: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="See at the start what codecs do to the model on the inputs in this folder "
            "(.npz, .npy, pictures).",
            rich_help_panel=CODECS,
            show_default=False,
        ),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Take what `cutpoint calibrate` wrote, in place of --calibrate.",
            rich_help_panel=CODECS,
            show_default=False,
        ),
    ] = None,
    check_rate: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Share of the inferences with a lossy codec that the device computes again.",
            rich_help_panel=CODECS,
        ),
    ] = CHECK_RATE,
    pause: Annotated[float, typer.Option(min=0.0, help="Seconds between inferences.")] = 0.0,
    deadline: Annotated[float | None, typer.Option(help="Wanted latency in seconds.")] = None,
    objective: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What is to be small: latency, energy (of this device), or weighted:SHARE (both, "
            "with so much weight on the energy; without :SHARE half of it); the last two need "
            "--power.",
        ),
    ] = "latency",
    power: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="What this device draws (see `cutpoint plan --help`): records count joules.",
            show_default=False,
        ),
    ] = None,
    hedge: Annotated[
        str,
        typer.Option(
            help="Compute on after sending, and take the first answer: off, always, or auto, "
            "where the risk that the server is late is worth the joules."
        ),
    ] = "off",
    slowdown: Annotated[
        float, typer.Option(min=1.0, help="Emulate a device this many times slower.")
    ] = 1.0,
    records: Annotated[
        Path | None, typer.Option(help="Write the record of every inference here (JSONL).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print a record per line.")] = False,
) -> None:
    """
    Run a model, each time wherever it answers soonest.

    The line that changes shows where the last inference ran, at which cut, what it
    took, and what is believed of the link. The server need not be there: the device
    computes alone until it is.
    """
    security = client_security(
        tls, tls_ca, tls_cert, tls_key, tls_name, token_file, insecure=insecure
    )
    chosen = chosen_model(model, size, inputs, custom_ops, is_untrusted=untrusted)
    chosen.check_bound()
    with first_run(chosen.feed):
        session = InferenceSession(
            chosen.file.source,
            chosen.options(),
            server=server,
            security=security,
            policy=policy,
            profile=profile or None,
            sizes=chosen.sizes,
            example=chosen.feed,
            deadline_s=deadline,
            hedge=checked_hedge(hedge),
            objective=objective,
            power=power,
            slowdown=slowdown,
            table=table,
            codecs=codec_names(codec),
            tolerance=tolerance_text(tolerance),
            calibrate=calibrate,
            calibration=calibration,
            check_rate=check_rate,
            on_withdrawn=_tell_withdrawn,
        )
    with session:
        feed = _feed(session, chosen)
        _wait_for_server(session)
        with EnergyMeter(energy_sensor()) as meter:
            kept = _run_all(session, feed, count, pause, records, json)
    if not json:
        _summarise(kept)
        tell_counted(kept, power)
        tell_measured(meter)


def _feed(session: InferenceSession, chosen: ChosenModel) -> Arrays:
    graph = session.graph
    if graph is None:
        raise UnknownShapeError(
            f"an input of {chosen.file.name!r} may have any number of dimensions: give --input "
            "FILE.npz, or --size INPUT:POSITION=N for each"
        )
    return sample_feed(graph) if chosen.feed is None else chosen.feed


def _wait_for_server(session: InferenceSession) -> None:
    try:
        session.wait_until_ready(timeout_s=3.0)
    except CutpointError as error:
        end = "" if str(error).endswith((".", "?")) else "."
        err.print(f"note: {error}{end} The device computes alone until then.", markup=False)


def _run_all(
    session: InferenceSession,
    feed: Arrays,
    count: int,
    pause_s: float,
    path: Path | None,
    json: bool,
) -> list[InferenceRecord]:
    kept: list[InferenceRecord] = []
    numbers: Iterator[int] = iter(range(count)) if count else itertools.count()
    file: BinaryIO | None = path.open("wb") if path is not None else None
    line = Live(console=err, refresh_per_second=10, transient=True)
    try:
        with line:
            for _ in numbers:
                session.run(None, feed)
                record = session.last_record
                if record is None:
                    continue
                kept.append(record)
                _tell(record, file, line, json)
                time.sleep(pause_s)
    except KeyboardInterrupt:
        pass
    finally:
        if file is not None:
            file.close()
    return kept


def _tell(record: InferenceRecord, file: BinaryIO | None, line: Live, json: bool) -> None:
    if file is not None:
        file.write(msgspec.json.encode(record) + b"\n")
    if json:
        out.print(msgspec.json.encode(record).decode(), markup=False, soft_wrap=True)
    else:
        line.update(Text(status_line(record)))


def status_line(record: InferenceRecord) -> str:
    """Give the one line that tells how the last inference went."""
    where: str = record.placement
    if record.crossing and record.placement == "split":
        where = f"split at {', '.join(record.crossing)}"
    codecs = dict.fromkeys(codec for codec in record.codecs if codec != RAW)
    if codecs and record.placement != "device":
        where = f"{where} as {', '.join(codecs)}"
    parts = [f"#{record.request}", where, format_duration(record.latency_s)]
    if record.race is not None:
        parts.append("first in a race" if record.race.is_won else "raced")
    link = record.conditions.link
    if link is not None:
        parts.append(
            f"link {format_bandwidth(link.bandwidth_up_bytes_per_s)}, "
            f"{format_duration(link.round_trip_s)}"
        )
    if record.fallback_reason is not None:
        parts.append(f"alone: {record.fallback_reason}")
    return "  ·  ".join(parts)


def _tell_withdrawn(withdrawal: Withdrawal) -> None:
    err.print(
        f"note: {withdrawal.codec} at {', '.join(withdrawal.crossing)} is used no more: its error "
        f"has become {withdrawal.error:.3g}, the tolerance is {withdrawal.tolerance}",
        markup=False,
    )


def _summarise(kept: list[InferenceRecord]) -> None:
    rows = []
    for where in ("device", "split", "server"):
        latencies = [record.latency_s for record in kept if record.placement == where]
        if latencies:
            p50, p95 = np.percentile(latencies, [50, 95])
            rows.append([where, str(len(latencies)), format_duration(p50), format_duration(p95)])
    out.print(table("where it ran", ("", "inferences", "p50", "p95"), rows))
    races = [record.race for record in kept if record.race is not None]
    if races:
        num_won = sum(race.is_won for race in races)
        out.print(f"{len(races)} raced; the device was first in {num_won}", markup=False)
    alone = sum(record.fallback_reason is not None for record in kept)
    if alone:
        reasons = Counter(record.fallback_reason for record in kept if record.fallback_reason)
        (reason, _), *_ = reasons.most_common(1)
        out.print(f"{alone} times the device finished alone, mostly: {reason}", markup=False)
