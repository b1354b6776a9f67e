"""Files of both of PyTorch's exporters, kept beside the tests, are cut right."""

import json
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.exporters.computed import assert_only_computed, weight_nodes
from tests.exporters.cutting import (
    TOLERANCE,
    Case,
    Whole,
    difference,
    largest_difference,
    prefix_cuts,
)
from tests.graph.every_candidate import every_candidate

from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import Graph, candidate_cuts, device_only, server_only

FOLDER = Path(__file__).parent / "fixtures"

MADE = json.loads((FOLDER / "made.json").read_text(encoding="utf-8"))

NAMES = sorted(path.stem for path in FOLDER.glob("*.onnx"))

NUM_CANDIDATES = {
    "bert_torchscript": 12, "branching_dynamo": 1, "branching_torchscript": 1,
    "lstm_tagger_torchscript": 7, "siamese_dynamo": 3, "tied_dynamo": 8, "tied_torchscript": 8,
}  # fmt: skip

TORCH_TOLERANCE = 1e-4
"""Between PyTorch and ONNX Runtime, relative to the largest number of an output."""

MOST_PREFIXES = 10


@cache
def graph_at(name: str) -> Graph:
    """Load a fixture, bound at the sizes it was exported at."""
    return load_graph(ModelFile.open(FOLDER / f"{name}.onnx"), sizes=MADE[name]["sizes"])


@cache
def kept_cases(name: str) -> list[Case]:
    """Read inputs and PyTorch's answers."""
    with np.load(FOLDER / f"{name}.npz") as kept:
        cases: dict[str, Case] = {}
        for key in kept.files:
            number, side, of = key.split("/")
            case = cases.setdefault(number, Case({}, {}))
            (case.feed if side == "in" else case.expected)[of] = kept[key]
    return list(cases.values())


def operators(name: str) -> Counter[str]:
    """Count a fixture's nodes by operator."""
    model = onnx.load(FOLDER / f"{name}.onnx", load_external_data=False)
    return Counter(node.op_type for node in model.graph.node)


def test_fixtures_hold_what_exporters_differ_in() -> None:
    """Among them: handed-on weights, control flow, recurrence, open sizes, weights outside."""
    assert set(NAMES) == set(NUM_CANDIDATES)
    handed_on = weight_nodes(FOLDER / "tied_torchscript.onnx")
    assert sum(node.op_type == "Identity" for node in handed_on) >= 5
    assert operators("branching_dynamo")["If"] == operators("branching_torchscript")["If"] == 1
    assert {"LSTM", "GRU"} <= set(operators("lstm_tagger_torchscript"))
    assert (FOLDER / "siamese_dynamo.onnx.data").is_file()
    assert [d.name for d in graph_at("bert_torchscript").dimensions] == ["batch", "sequence"] * 2


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_file_answers_as_pytorch_did(name: str) -> None:
    """ONNX Runtime gives PyTorch's answers, which differ from input to input."""
    whole, cases = Whole(FOLDER / f"{name}.onnx"), kept_cases(name)
    for case in cases:
        assert difference(whole.case(case.feed).expected, case.expected) <= TORCH_TOLERANCE
    assert difference(cases[0].expected, cases[1].expected) > 10 * TORCH_TOLERANCE


@pytest.mark.parametrize("name", NAMES)
def test_every_cut_of_a_fixture_gives_the_whole_answer(name: str) -> None:
    """Head and tail of each cut answer as the file does, at every size that is kept."""
    graph, whole = graph_at(name), Whole(FOLDER / f"{name}.onnx")
    cases = [whole.case(case.feed) for case in kept_cases(name)]
    cuts = (*candidate_cuts(graph), *prefix_cuts(graph, MOST_PREFIXES))
    assert largest_difference(graph, cuts, cases) <= TOLERANCE


@pytest.mark.parametrize("name", NAMES)
def test_no_cut_of_a_fixture_crosses_a_weight(name: str) -> None:
    """What crosses is computed of the inputs; the candidates are the known ones."""
    graph = graph_at(name)
    cuts = candidate_cuts(graph)
    assert len(cuts) == NUM_CANDIDATES[name]
    path = FOLDER / f"{name}.onnx"
    assert_only_computed((*cuts, *prefix_cuts(graph, MOST_PREFIXES)), path)


@pytest.mark.parametrize("name", NAMES)
def test_candidates_of_a_fixture_are_those_of_the_definition(name: str) -> None:
    """One walk finds the same cuts as trying every value."""
    graph = graph_at(name)
    assert candidate_cuts(graph) == every_candidate(graph)


@pytest.mark.parametrize("name", NAMES)
def test_the_ends_of_a_fixture_say_what_they_send(name: str) -> None:
    """Server-only sends the inputs, at the sizes the graph is bound at; device-only nothing."""
    graph, feed = graph_at(name), kept_cases(name)[0].feed
    sent = sum(array.nbytes for array in feed.values())
    assert graph.size_bytes(server_only(graph).crossing) == sent
    assert graph.size_bytes(device_only(graph).crossing) == 0
