"""Eight clients at three cuts: batches across cuts, per-tail queues and no batches, in turns."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from cutpoint.client.handshake import fetch_holdings
from cutpoint.cost import CutTable, write_cut_table
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.runtime import keep_freed_memory, quiet_options
from cutpoint.graph import Arrays, Cut, Graph, device_only, sample_feed, server_only
from cutpoint.lab.closed_loop import ClosedLoop, Question, Told
from cutpoint.lab.server_process import ServerProcess
from cutpoint.lab.zoo.models import write
from cutpoint.lab.zoo.text_encoder import text_encoder
from cutpoint.planning import graph_cuts
from cutpoint.profiling import read_environment
from cutpoint.records import Environment
from cutpoint.wire.channel import open_channel
from cutpoint.wire.names import TailName
from cutpoint.wire.protocol import services

MODES = ("segments", "tails", "off")
"""Batches across cuts, queues per tail, and every request by itself."""

TEXT = "text_encoder"
MODELS = (TEXT, "alexnet_towers", "mobilenet_v2")
"""Batching saves much of short texts and of large matrices, and next to nothing of a small CNN."""

_NUM_CLIENTS = 8
_NUM_INPUTS = 4
"""Different inputs of each client."""

_MAX_WAITING = 16
_TOKENS = 8
_TEXT_LAYERS = 6
_TEXT_FEATURES = 512

Listener = Callable[[str], None]


@dataclass(frozen=True)
class ModeRow:
    """
    One way to batch, over all rounds.

    Parameters
    ----------
    mode
        As `cutpoint serve --batching` has it.
    rounds
        What came of each.
    cpu_s
        CPU time of the server's process in each, the clients' warm-up included; 0 where the
        system does not tell.
    """

    mode: str
    rounds: tuple[Told, ...]
    cpu_s: tuple[float, ...]

    @property
    def throughput_per_s(self) -> float:
        """Answers per second, median of the rounds."""
        return float(np.median([told.throughput_per_s for told in self.rounds]))

    @property
    def latency_s(self) -> float:
        """Median of the rounds' medians."""
        return float(np.median([told.latency_s for told in self.rounds]))

    @property
    def batch(self) -> float:
        """Requests that ran together, mean over all that were answered."""
        weights = [told.num_answered for told in self.rounds]
        return float(np.average([told.batch for told in self.rounds], weights=weights))

    @property
    def cpu_per_answer_s(self) -> float:
        """CPU time of the server for each answer: what else runs here matters less to it."""
        return sum(self.cpu_s) / sum(told.num_asked for told in self.rounds)

    @property
    def num_wrong(self) -> int:
        """Answers that differ from the uncut model's."""
        return sum(told.num_wrong for told in self.rounds)


@dataclass(frozen=True)
class Ratio:
    """
    Throughput of batches across cuts over another way's, round by round.

    Parameters
    ----------
    median, lower, upper
        Of the rounds' ratios: the middle, and a 95 % interval of the median by resampling.
    """

    median: float
    lower: float
    upper: float


@dataclass(frozen=True)
class ModelRow:
    """
    One model.

    Parameters
    ----------
    model
        Its name.
    cuts
        The cuts the clients enter at.
    tails_s
        What their tails take on the idle server, and as batches, by size: ``{1: ..., 8: ...}``.
    modes
        One row for each way to batch.
    """

    model: str
    cuts: tuple[str, ...]
    tails_s: tuple[dict[int, float], ...]
    modes: tuple[ModeRow, ...]

    def mode(self, name: str) -> ModeRow:
        """Give one way to batch."""
        return next(row for row in self.modes if row.mode == name)

    def ratio_to(self, mode: str) -> Ratio:
        """Compare batches across cuts with another way, in each round."""
        ours, other = self.mode("segments").rounds, self.mode(mode).rounds
        ratios = np.array(
            [a.throughput_per_s / b.throughput_per_s for a, b in zip(ours, other, strict=True)]
        )
        return _ratio(ratios)


@dataclass(frozen=True)
class BatchingBench:
    """
    Everything that was measured.

    Parameters
    ----------
    environment
        Of the machine.
    num_clients, duration_s
        Of each round.
    models
        One row for each.
    """

    environment: Environment
    num_clients: int
    duration_s: float
    models: tuple[ModelRow, ...]


def run_batching_bench(
    folder: Path,
    models: Sequence[str] = MODELS,
    *,
    num_rounds: int = 7,
    duration_s: float = 4.0,
    listener: Listener = lambda text: None,
) -> BatchingBench:
    """
    Let eight clients enter each model at three cuts, at three servers in turns.

    Parameters
    ----------
    folder
        Where the models go.
    models
        ``text_encoder``, or nets of the zoo.
    num_rounds, duration_s
        Rounds, and how long each server is asked in one.
    listener
        Told what happens, line by line.
    """
    rows = tuple(_model_row(folder, name, num_rounds, duration_s, listener) for name in models)
    environment = read_environment(
        providers=("CPUExecutionProvider",),
        num_threads=1,
        malloc_kept=keep_freed_memory(),
        emulated_slowdown=1.0,
    )
    return BatchingBench(environment, _NUM_CLIENTS, duration_s, rows)


def questions_at(
    graph: Graph, cuts: Sequence[Cut], num_clients: int, num_inputs: int
) -> list[tuple[Question, ...]]:
    """Give what each client asks: other inputs each, at its own of the cuts."""
    held = Segments(graph, cuts[1:], options=quiet_options(1))
    whole = Segments(graph, (), options=quiet_options(1))
    asked = []
    for client in range(num_clients):
        cut = cuts[client % len(cuts)]
        asked.append(
            tuple(
                _question(graph, held, whole, cut, _feed(graph, client * num_inputs + number))
                for number in range(num_inputs)
            )
        )
    return asked


def _model_row(
    folder: Path, name: str, num_rounds: int, duration_s: float, listener: Listener
) -> ModelRow:
    path, sizes = _written(folder, name)
    graph = load_graph(ModelFile.open(path), sizes=sizes)
    cuts = _entered_at(graph)
    table = _write_table(folder / f"{name}.table.json", graph, cuts)
    arguments = [f"--size={size}={value}" for size, value in sizes.items()]
    arguments += ["--table", str(table)]
    arguments += ["--max-waiting", str(_MAX_WAITING)]
    rounds: dict[str, list[Told]] = {mode: [] for mode in MODES}
    cpu_s: dict[str, list[float]] = {mode: [] for mode in MODES}
    with ExitStack() as stack:
        servers = {
            mode: stack.enter_context(
                ServerProcess([str(path)], arguments=(*arguments, "--batching", mode))
            )
            for mode in MODES
        }
        tails_s = _tails_s(servers["segments"].address, graph, cuts)
        questions = questions_at(graph, cuts, _NUM_CLIENTS, _NUM_INPUTS)
        clients = stack.enter_context(ClosedLoop(folder, questions))
        for number in range(num_rounds):
            shift = number % len(MODES)
            for mode in (*MODES[shift:], *MODES[:shift]):
                before_s = _cpu_s(servers[mode].pid)
                rounds[mode].append(clients.run(servers[mode].address, duration_s))
                cpu_s[mode].append(_cpu_s(servers[mode].pid) - before_s)
            told = ", ".join(f"{m} {rounds[m][-1].throughput_per_s:.0f}/s" for m in MODES)
            listener(f"{name} {number + 1}/{num_rounds}: {told}")
    rows = tuple(ModeRow(mode, tuple(rounds[mode]), tuple(cpu_s[mode])) for mode in MODES)
    return ModelRow(name, tuple(cut.id for cut in cuts), tails_s, rows)


def _written(folder: Path, name: str) -> tuple[Path, dict[str, int]]:
    path = folder / f"{name}.onnx"
    if name != TEXT:
        return write(name, path), {}
    onnx.save(text_encoder(num_layers=_TEXT_LAYERS, features=_TEXT_FEATURES, heads=8), path)
    return path, {"batch": 1, "length": _TOKENS}


def _entered_at(graph: Graph) -> list[Cut]:
    """Give the whole, and the candidate cuts nearest to a third and two thirds of its work."""
    work = graph.flops(graph.all_nodes)
    inner = [cut for cut in graph_cuts(graph) if cut.head and cut.placement == "split"]
    chosen = [server_only(graph)]
    for share in (1 / 3, 2 / 3):
        left = [cut for cut in inner if cut not in chosen]
        chosen.append(min(left, key=lambda cut: abs(graph.flops(cut.head) / work - share)))
    return chosen


def _write_table(path: Path, graph: Graph, cuts: Sequence[Cut]) -> Path:
    """Write a table of these cuts, so that a server holds the model at them."""
    held = (device_only(graph), *cuts)
    column = np.ones(len(held))
    table = CutTable(held, column, column, column, column, column, column, sha256=graph.sha256)
    write_cut_table(table, graph.name, path)
    return path


def _tails_s(address: str, graph: Graph, cuts: Sequence[Cut]) -> tuple[dict[int, float], ...]:
    """Ask a server what tails take, by the size of the batch."""
    with open_channel(address) as channel:
        stub = services.GRPCInferenceServiceStub(channel)
        holdings = fetch_holdings(stub, address, graph.name)
    assert holdings is not None
    times_s: dict[str, dict[int, float]] = {cut.id: {} for cut in cuts}
    for sample in holdings.profile.samples:
        if sample.kind == "tail" and sample.subject in times_s:
            times_s[sample.subject][sample.batch] = sample.duration_s
    return tuple(times_s[cut.id] for cut in cuts)


def _question(graph: Graph, held: Segments, whole: Segments, cut: Cut, feed: Arrays) -> Question:
    values = held.run(held.head_of(cut), feed).values
    expected = whole.outputs_of(whole.run(whole.segments, feed).values)
    if not cut.head:
        return Question(graph.name, feed, expected)
    name = str(TailName(graph.name, graph.sha256, cut.id))
    crossing = {value: values[value] for value in cut.crossing}
    return Question(name, crossing, {value: expected[value] for value in cut.returned})


def _feed(graph: Graph, seed: int) -> Arrays:
    feed = sample_feed(graph, seed)
    if "mask" in feed:
        feed["mask"] = np.ones_like(feed["mask"])
    return feed


def _cpu_s(pid: int) -> float:
    """Give the CPU time a process has used; 0 where there is no such file."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _ratio(ratios: NDArray[np.float64], resamples: int = 2000) -> Ratio:
    rng = np.random.default_rng(0)
    drawn = np.median(rng.choice(ratios, (resamples, len(ratios))), axis=1)
    lower, upper = np.quantile(drawn, (0.025, 0.975))
    return Ratio(float(np.median(ratios)), float(lower), float(upper))
