"""Exports of real architectures by both of PyTorch's exporters are cut right, everywhere."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from tests.exporters.architecture import Architecture
from tests.exporters.computed import assert_only_computed, listed_inputs, weight_nodes
from tests.exporters.cutting import (
    TOLERANCE,
    Case,
    Whole,
    difference,
    joined,
    largest_difference,
    prefix_cuts,
)
from tests.exporters.quantising import quantise

from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.graph import Cut, Graph, candidate_cuts, device_only, server_only
from cutpoint.planning import graph_cuts

NAMES = sorted(path.stem for path in (Path(__file__).parent / "nets").glob("*.py"))

EXPORTS = ("dynamo", "torchscript")

TORCH_TOLERANCE = 1e-4
"""Between PyTorch and ONNX Runtime, relative to the largest number of an output."""

LEAST_VARIATION = 1e-3
"""How much answers to different inputs must differ: else every cut would look right."""

MOST_PREFIXES = 40

FIXED = frozenset({("lstm_tagger", "dynamo")})
"""Exports that answer at the traced length alone, whatever their inputs say (torch 2.13)."""

_log = logging.getLogger(__name__)

pytestmark = [
    pytest.mark.soak,
    # Of PyTorch and transformers, about themselves.
    pytest.mark.filterwarnings("ignore"),
]


class Campaign:
    """What all tests of this file found together."""

    def __init__(self) -> None:
        self.num_exports = 0
        self.num_candidates = 0
        self.num_cuts = 0
        self.largest = 0.0

    def add(self, graph: Graph, num_candidates: int, num_cuts: int, largest: float) -> None:
        """Count one export's cuts, and say so."""
        self.num_exports += 1
        self.num_candidates += num_candidates
        self.num_cuts += num_cuts
        self.largest = max(self.largest, largest)
        _log.info(
            "%s: %d nodes, %d candidates, %d cuts run, largest difference %.1e",
            graph.name, len(graph.nodes), num_candidates, num_cuts, largest,
        )  # fmt: skip


@pytest.fixture(autouse=True)
def _quiet_exporters(caplog: pytest.LogCaptureFixture) -> None:
    """Say nothing of what the exporters tell at each step."""
    for name in ("onnx_ir", "onnxscript", "torch"):
        caplog.set_level(logging.WARNING, name)


@pytest.fixture(scope="module")
def campaign() -> Iterator[Campaign]:
    """Give what counts; says the sums at the end."""
    campaign = Campaign()
    yield campaign
    _log.info(
        "%d exports, %d candidates, %d cuts run, largest difference %.1e",
        campaign.num_exports, campaign.num_candidates, campaign.num_cuts, campaign.largest,
    )  # fmt: skip


def exported(
    name: str, exporter: str, folder: Path, **options: object
) -> tuple[Architecture, Path]:
    """Build a net and export it; PyTorch is needed from here on, and missed where it is not."""
    import torch

    exporters = import_module("tests.exporters.exporters")
    torch.manual_seed(7)
    net = import_module(f"tests.exporters.nets.{name}").build()
    if (name, exporter) in FIXED:
        net = replace(net, others=())
    path = folder / f"{name}_{exporter}.onnx"
    getattr(exporters, exporter)(net, path, **options)
    return net, path


def cases_of(net: Architecture, path: Path) -> list[Case]:
    """Give two inputs of the exported sizes and one of each other; the file's own answers."""
    answer = import_module("tests.exporters.exporters").answer
    whole, cases = Whole(path), []
    for seed, sizes in enumerate((net.sizes, net.sizes, *net.others)):
        feed = net.sample(seed, sizes)
        cases.append(whole.case(feed))
        off = difference(cases[-1].expected, answer(net, feed))
        assert off <= TORCH_TOLERANCE, f"ONNX Runtime is {off:.1e} off PyTorch at {dict(sizes)}"
    for name, array in cases[0].expected.items():
        assert difference({name: cases[1].expected[name]}, {name: array}) >= LEAST_VARIATION
    return cases


def assert_sizes(graph: Graph, cuts: tuple[Cut, ...], case: Case) -> None:
    """Assert that each cut says how many bytes cross, and what the ends send."""
    sent = sum(array.nbytes for array in case.feed.values())
    assert graph.size_bytes(server_only(graph).crossing) == sent
    assert device_only(graph).crossing == ()
    assert server_only(graph).returned == graph.outputs
    segments = Segments(graph, cuts)
    for cut in cuts:
        head = segments.run(segments.head_of(cut), case.feed).values
        assert graph.size_bytes(cut.crossing) == sum(head[name].nbytes for name in cut.crossing)
        assert difference(joined(segments, cut, case.feed), case.expected) <= TOLERANCE


def assert_cut_right(net: Architecture, path: Path, campaign: Campaign) -> Graph:
    """Assert all of it for one export."""
    cases = cases_of(net, path)
    graph = load_graph(ModelFile.open(path), sizes=net.named_sizes)
    candidates = candidate_cuts(graph)
    assert candidates
    cuts = {cut.id: cut for cut in (*candidates, *prefix_cuts(graph, MOST_PREFIXES))}
    cuts.update((cut.id, cut) for cut in graph_cuts(graph))
    every = tuple(cuts.values())
    assert_only_computed(every, path)
    assert_sizes(graph, candidates, cases[0])
    largest = largest_difference(graph, every, cases)
    campaign.add(graph, len(candidates), len(every), largest)
    assert largest <= TOLERANCE
    return graph


@pytest.mark.parametrize("exporter", EXPORTS)
@pytest.mark.parametrize("name", NAMES)
def test_every_cut_gives_the_whole_answer(
    name: str, exporter: str, tmp_path: Path, campaign: Campaign
) -> None:
    """Head and tail of each cut answer as the file does, at the bound sizes and at others."""
    assert_cut_right(*exported(name, exporter, tmp_path), campaign)


@pytest.mark.parametrize("name", ["gpt2", "unet"])
def test_weights_in_a_file_of_their_own(name: str, tmp_path: Path, campaign: Campaign) -> None:
    """What the newer exporter writes with its weights beside it is cut right as well."""
    net, path = exported(name, "dynamo", tmp_path, external_data=True)
    assert path.with_suffix(".onnx.data").stat().st_size > path.stat().st_size / 10
    assert_cut_right(net, path, campaign)


@pytest.mark.parametrize("name", ["convnext", "tied", "swin"])
def test_weights_passed_on_are_no_cuts(name: str, tmp_path: Path, campaign: Campaign) -> None:
    """Nodes that hand on weights, as the older exporter writes them for equal ones, are no cuts."""
    net, path = exported(name, "torchscript", tmp_path, do_constant_folding=False)
    assert {node.op_type for node in weight_nodes(path)} >= {"Identity"}
    assert_cut_right(net, path, campaign)


@pytest.mark.parametrize("name", ["convnext", "tied", "resnet"])
def test_weights_among_the_inputs_cross_nowhere(
    name: str, tmp_path: Path, campaign: Campaign
) -> None:
    """Weights that a file lists as inputs, with a value, are weights: nobody feeds them."""
    net, path = exported(name, "torchscript", tmp_path, keep_initializers_as_inputs=True)
    graph = assert_cut_right(net, path, campaign)
    assert set(graph.inputs) == set(net.sample(0))
    assert len(listed_inputs(path)) > len(graph.inputs)


@pytest.mark.parametrize("exporter", EXPORTS)
@pytest.mark.parametrize("name", ["resnet", "unet", "mobilenet_v2"])
def test_quantised_exports_are_cut_at_whole_numbers(
    name: str, exporter: str, tmp_path: Path, campaign: Campaign
) -> None:
    """A quantised net is cut between quantising and dequantising, nowhere beside it."""
    net, path = exported(name, exporter, tmp_path)
    quantised = tmp_path / f"{name}_{exporter}_qdq.onnx"
    quantise(path, quantised, [net.sample(seed) for seed in range(3)])
    graph = load_graph(ModelFile.open(quantised), sizes=net.named_sizes)
    candidates = candidate_cuts(graph)
    assert candidates
    for cut in candidates:
        (value,) = (graph.values[name] for name in cut.crossing)
        assert value.dtype == "int8"
        assert graph.nodes[value.producer].op_type == "QuantizeLinear"
    cases = [Whole(quantised).case(net.sample(seed)) for seed in range(2)]
    every = {cut.id: cut for cut in (*candidates, *graph_cuts(graph))}
    largest = largest_difference(graph, every.values(), cases)
    campaign.add(graph, len(candidates), len(every), largest)
    assert largest <= TOLERANCE
