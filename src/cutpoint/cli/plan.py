"""``cutpoint plan``: for given links, where the model answers soonest, and what each part takes."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from cutpoint.cli.output import err, out, print_json, table
from cutpoint.client.server_profile import server_profile
from cutpoint.cost import CutTable, HostCosts, fold, predict
from cutpoint.exceptions import UnitError
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.runtime import keep_freed_memory
from cutpoint.graph import Cut, Graph, candidate_cuts
from cutpoint.planning import best_row, compile_table, plan_for, shortlist
from cutpoint.profiling import load_profile
from cutpoint.profiling.quick import time_segments
from cutpoint.records import Conditions, LinkConditions, LoadConditions, Plan
from cutpoint.units import (
    format_bandwidth,
    format_duration,
    format_size,
    parse_bandwidth,
    parse_duration,
)

_DEFAULT_BANDWIDTHS = "1Mbit/s,5Mbit/s,20Mbit/s,100Mbit/s,1Gbit/s"
_WORTH_IT = 0.05
"""A split has to save this share over the better end to be called worth it."""


@dataclass(frozen=True)
class PlanRow:
    """The best plan at one bandwidth, and the two ends beside it."""

    bandwidth_bytes_per_s: float
    best: Plan
    latency_s: float
    device_only_s: float
    server_only_s: float

    @property
    def saved_by_split(self) -> float:
        """Share of the better end's latency that a split saves; 0 if an end is best."""
        if self.best.placement != "split":
            return 0.0
        return 1 - self.latency_s / min(self.device_only_s, self.server_only_s)


def plan(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    device_profile: Annotated[
        Path | None,
        typer.Option("--profile", help="Profile of the device (default: time it here, now)."),
    ] = None,
    server_profile_file: Annotated[
        Path | None, typer.Option("--server-profile", help="Profile of the server.")
    ] = None,
    server: Annotated[
        str | None, typer.Option(help="HOST:PORT: ask this server for its profile.")
    ] = None,
    speed: Annotated[
        float,
        typer.Option(
            "--server-speed", min=0.01, help="Without either: assume a server this much faster."
        ),
    ] = 8.0,
    bandwidth: Annotated[
        str, typer.Option(help="Bandwidths, joined by commas, with units.")
    ] = _DEFAULT_BANDWIDTHS,
    round_trip: Annotated[str, typer.Option("--rtt", help="Round trip, with unit.")] = "10ms",
    wait: Annotated[str, typer.Option(help="Time in the server's queue, with unit.")] = "0ms",
    load: Annotated[
        float, typer.Option(min=0.1, help="Server's execution time / idle time.")
    ] = 1.0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """
    Say where a model answers soonest for given links, and whether splitting pays.

    Shows the best cut, its parts, and device-only and server-only beside it. Values
    travel as they are (float32): an input that your server takes as JPEG or uint8
    makes server-only better than shown here.
    """
    graph = load_graph(ModelFile.open(model))
    links = [_bandwidth(text) for text in bandwidth.split(",")]
    round_trip_s, load_now = parse_duration(round_trip), LoadConditions(parse_duration(wait), load)
    cuts = shortlist(graph, candidate_cuts(graph))
    if device_profile is not None:
        dropped = load_profile(device_profile).dropped_cuts
        cuts = tuple(cut for cut in cuts if cut.crossing not in dropped)
    device = _device_costs(graph, cuts, device_profile, quiet=json)
    remote, source = _server_costs(graph, cuts, device, server, server_profile_file, speed)
    table_of_cuts = compile_table(graph, cuts, device, remote)
    rows = [_best(table_of_cuts, link, round_trip_s, load_now) for link in links]
    if json:
        print_json([_document(row) for row in rows])
        return
    _print(graph, rows, device, remote, source, round_trip)


def _bandwidth(text: str) -> float:
    bandwidth_bytes_per_s = parse_bandwidth(text)
    if not bandwidth_bytes_per_s:
        raise UnitError(f"bandwidth {text!r}: nothing comes through; write more than zero")
    return bandwidth_bytes_per_s


def _device_costs(
    graph: Graph, cuts: tuple[Cut, ...], path: Path | None, *, quiet: bool
) -> HostCosts:
    if path is not None:
        return fold(graph, load_profile(path), cuts)
    if not quiet:
        err.print("timing the model here; `cutpoint profile` on the device is more exact ...")
    segments = Segments(graph, cuts)
    return fold(graph, time_segments(segments, malloc_kept=keep_freed_memory()), cuts)


def _server_costs(
    graph: Graph,
    cuts: tuple[Cut, ...],
    device: HostCosts,
    address: str | None,
    path: Path | None,
    speed: float,
) -> tuple[HostCosts, str]:
    if path is not None:
        return fold(graph, load_profile(path), cuts), f"profile {path}"
    if address is not None:
        told, _ = server_profile(address, graph)
        return fold(graph, told, cuts), f"server {address}"
    tail_s = {cut: seconds / speed for cut, seconds in device.tail_s.items()}
    assumed = replace(device, whole_s=device.whole_s / speed, tail_s=tail_s)
    return assumed, f"assumed {speed:g} x as fast as the device"


def _best(cuts: CutTable, bandwidth: float, round_trip_s: float, load: LoadConditions) -> PlanRow:
    link = LinkConditions(bandwidth, bandwidth, round_trip_s / 2, round_trip_s / 2)
    prediction = predict(cuts, Conditions(link=link, load=load))
    row = best_row(prediction)
    latency_s = prediction.latency_s
    return PlanRow(
        bandwidth_bytes_per_s=bandwidth,
        best=plan_for(cuts, row, prediction, "server"),
        latency_s=float(latency_s[row]),
        device_only_s=float(latency_s[0]),
        server_only_s=float(latency_s[1]),
    )


def _document(row: PlanRow) -> dict[str, object]:
    return {
        "bandwidth_bytes_per_s": row.bandwidth_bytes_per_s,
        "placement": row.best.placement,
        "cut": row.best.cut,
        "crossing": row.best.crossing,
        "parts": row.best.predicted,
        "latency_s": row.latency_s,
        "device_only_s": row.device_only_s,
        "server_only_s": row.server_only_s,
        "saved_by_split": row.saved_by_split,
    }


def _print(
    graph: Graph,
    rows: list[PlanRow],
    device: HostCosts,
    remote: HostCosts,
    source: str,
    round_trip: str,
) -> None:
    out.print(
        f"[bold]{graph.name}[/bold]: {format_duration(device.whole_s)} on the device, "
        f"{format_duration(remote.whole_s)} on the server ({source}); round trip {round_trip}"
    )
    cells = [_cells(graph, row) for row in rows]
    columns = ("link", "best", "latency", "head", "up", "tail", "down", "device", "server")
    out.print(table("where it answers soonest", columns, cells))
    out.print(_verdict(rows))


def _cells(graph: Graph, row: PlanRow) -> list[str]:
    parts = row.best.predicted
    where = {"device": "device-only", "server": "server-only"}.get(row.best.placement)
    if where is None:
        size = format_size(graph.size_bytes(row.best.crossing))
        where = f"cut at {', '.join(row.best.crossing)} ({size})"
    times = (row.latency_s, parts.head_s, parts.upload_s, parts.wait_s + parts.tail_s,
             parts.download_s, row.device_only_s, row.server_only_s)  # fmt: skip
    return [format_bandwidth(row.bandwidth_bytes_per_s), where, *map(format_duration, times)]


def _verdict(rows: list[PlanRow]) -> str:
    paying = [row for row in rows if row.saved_by_split >= _WORTH_IT]
    if not paying:
        return (
            "Splitting does not pay at any of these bandwidths: choose between the device and "
            "the server. cutpoint will do that for you, and fall back when the server is gone."
        )
    best = max(paying, key=lambda row: row.saved_by_split)
    where = ", ".join(format_bandwidth(row.bandwidth_bytes_per_s) for row in paying)
    return (
        f"Splitting pays at {where}: it saves up to {best.saved_by_split:.0%} over the better of "
        "device-only and server-only."
    )
