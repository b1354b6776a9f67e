"""Costs that plans are made on: of a model and its hosts, or out of a file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from cutpoint.cli.chosen_model import ChosenModel
from cutpoint.cli.codec_planning import CodecPlanning
from cutpoint.cli.hosts import Host, device_host, server_host, sizes_told
from cutpoint.cli.output import err
from cutpoint.cli.plan_codecs import NO_CODECS, NOTHING_ASKED, CodecsAsked, PlanCodecs
from cutpoint.cost import (
    CostTable,
    CutTable,
    HeadRows,
    Limits,
    coded_rows,
    coded_values,
    cost_table_of,
    head_rows,
    read_cost_table,
)
from cutpoint.exceptions import CostError
from cutpoint.graph import Graph, blocks_of
from cutpoint.planning import compile_heads, compiled_table
from cutpoint.records import Profile
from cutpoint.wire.credentials import ClientSecurity


@dataclass(frozen=True)
class PlanInputs:
    """
    Costs, and where they are from.

    Parameters
    ----------
    costs
        What each block takes on each host.
    graph
        Of the model; ``None`` for costs without one.
    sources
        Per host, how its times are known; for people.
    codecs
        To choose among; by default values travel raw.
    """

    costs: CostTable
    graph: Graph | None
    sources: tuple[str, ...]
    codecs: PlanCodecs = NO_CODECS

    @property
    def whole_s(self) -> tuple[float, ...]:
        """Seconds of the whole model on each host."""
        return tuple(float(seconds) for seconds in self.costs.host_s.sum(axis=1))


@dataclass(frozen=True)
class CompiledRows:
    """
    The cuts worth choosing among, device-only first and server-only second.

    Parameters
    ----------
    rows
        Of the cost table's heads under codecs; ends that break the limits are marked.
    cut_table
        The same rows for sessions and servers; ``None`` for costs without a model.
    """

    rows: HeadRows
    cut_table: CutTable | None


def plan_inputs(
    model: ChosenModel | None,
    costs: Path | None,
    device: Path | None,
    servers: Sequence[str],
    *,
    asked: CodecsAsked = NOTHING_ASKED,
    security: ClientSecurity | None = None,
    quiet: bool,
) -> PlanInputs:
    """
    Give the costs a command line asks about.

    Parameters
    ----------
    model
        Where nothing binds its open dimensions, a host's profile does.
    servers
        As written; none stands for one that is eight times as fast as the device.
    asked
        What is said of codecs.
    security
        What is shown to servers that run, and demanded of them.

    Raises
    ------
    typer.BadParameter
        If there is neither a model nor costs, or hosts are named twice.
    CutpointError
        If a file is missing, damaged, or of another model.
    """
    if costs is not None:
        return _of_file(model, costs, device, servers)
    if model is None:
        raise typer.BadParameter("name a MODEL (an ONNX file), or --costs FILE without one")
    if len(servers) > 2:
        raise typer.BadParameter(f"{len(servers)} servers: one, and at most one behind it")
    if not model.sizes and model.feed is None:
        model = replace(model, sizes=sizes_told((device, *map(Path, servers))))
    graph = model.load()
    host = device_host(graph, device, model.feed, quiet=quiet)
    coding = None if asked.is_nothing else CodecPlanning(graph, asked, model.feed)
    if coding is not None:
        host = _told(host, coding.with_times(host.profile), is_here=device is None)
    behind = [server_host(graph, text, host, security) for text in servers or ("8x",)]
    if coding is not None:
        behind[0] = _told(behind[0], coding.with_times(behind[0].profile, ("decode",)))
    table = cost_table_of(graph, host.profile, *(each.profile for each in behind))
    return PlanInputs(
        table,
        graph,
        (host.source, *(each.source for each in behind)),
        NO_CODECS if coding is None else coding.codecs(host.profile, behind[0].profile),
    )


def compiled_rows(inputs: PlanInputs, limits: Limits) -> CompiledRows:
    """
    Give the cuts that are best under some condition.

    Raises
    ------
    CostError
        If the costs are of another model, or limits name what they have not.
    """
    costs, graph = inputs.costs, inputs.graph
    if graph is None:
        compiled = compile_heads(costs, limits)
        return CompiledRows(head_rows(costs, compiled.heads, limits), None)
    codings, is_struck = inputs.codecs.codings, inputs.codecs.is_struck
    table = compiled_table(graph, costs, limits=limits, codecs=codings, is_struck=is_struck)
    by_name = {codec.name: codec for codec in coded_values(costs, codings)}
    rows = [
        (_blocks_in(graph, cut.head), by_name[codec])
        for cut, codec in zip(table.cuts, table.codecs, strict=True)
    ]
    return CompiledRows(coded_rows(costs, rows, limits), table)


def tell_gap(rows: CompiledRows) -> None:
    """Say that better cuts may have been left out, if so."""
    table = rows.cut_table
    if table is not None and table.gap:
        err.print(f"note: too many cuts to keep all; some condition loses up to {table.gap:.1%}")
    elif table is not None and not table.is_complete:
        err.print(
            "note: with memory caps not all of this model's cuts could be looked at; "
            "better ones may be missing"
        )


def _of_file(
    model: ChosenModel | None, path: Path, device: Path | None, servers: Sequence[str]
) -> PlanInputs:
    if device is not None or servers:
        raise typer.BadParameter("--costs has the times of all hosts: leave out --device, --server")
    costs = read_cost_table(path)
    graph = None if model is None else model.load()
    if graph is not None and costs.sha256 != graph.sha256:
        raise CostError(
            f"cost table {path} is of {costs.name!r} ({costs.sha256[:12] or 'no model'}), not of "
            f"{graph.name!r} ({graph.sha256[:12]}): leave MODEL out, or profile this file"
        )
    return PlanInputs(costs, graph, (f"costs {path}",) * costs.num_hosts)


def _told(host: Host, profile: Profile, *, is_here: bool = False) -> Host:
    """Give a host with what was added to its profile, and say that it was not measured there."""
    is_added = profile is not host.profile and not is_here
    return Host(profile, f"{host.source}; codecs timed here" if is_added else host.source)


def _blocks_in(graph: Graph, nodes: int) -> int:
    """Turn a bit mask of nodes into one of blocks."""
    head = 0
    for block in blocks_of(graph):
        if block.nodes & nodes:
            head |= 1 << block.index
    return head
