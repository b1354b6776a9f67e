"""``cutpoint inspect`` and ``cutpoint zoo``: what there is to cut."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import candidate_cuts
from cutpoint.lab.zoo import ZOO
from cutpoint.lab.zoo.text_encoder import text_encoder
from cutpoint.planning import graph_cuts, shortlist


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a text encoder with open batch and length."""
    path = tmp_path_factory.mktemp("models") / "encoder.onnx"
    onnx.save(text_encoder(num_layers=4, features=32), path)
    return path


def test_the_document_lists_every_candidate(cutpoint, six_convs: Path) -> None:
    """Each candidate cut is there by id, values and bytes; those that are kept are marked."""
    told = cutpoint("inspect", six_convs, "--json")
    assert (told.code, told.err) == (0, "")
    document = json.loads(told.out)
    graph = load_graph(ModelFile.open(six_convs))
    cuts = candidate_cuts(graph)
    assert (document["model"], document["sha256"]) == ("six_convs", graph.sha256)
    assert document["nodes"] == len(graph.nodes)
    assert [(row["cut"], tuple(row["values"])) for row in document["candidates"]] == [
        (cut.id, cut.crossing) for cut in cuts
    ]
    kept = [row["cut"] for row in document["candidates"] if row["is_kept"]]
    assert kept == [cut.id for cut in shortlist(graph, cuts)]
    assert [row["size_bytes"] for row in document["candidates"]][:2] == [131_072, 32_768]
    assert document["inputs"] == [
        {"name": "image", "dtype": "float32", "shape": [1, 3, 64, 64], "size_bytes": 49_152}
    ]
    assert [output["name"] for output in document["outputs"]] == ["brightest", "classes"]
    shares = [row["share_of_operations"] for row in document["candidates"]]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] <= 1


def test_people_see_the_cuts_that_matter(cutpoint, six_convs: Path) -> None:
    """The table has the kept cuts; with --all every candidate, and why it is not kept."""
    told = cutpoint("inspect", six_convs)
    assert told.code == 0
    assert "12 candidate cuts, 5 kept" in told.out
    assert "pool3" in told.out
    assert "relu3" not in told.out
    assert "input image: float32[1, 3, 64, 64], 49 KB" in told.out
    every = cutpoint("inspect", six_convs, "--all").out
    assert all(f"{kind}{i}" in every for kind in ("relu", "pool") for i in range(6))
    assert "another cut computes no more here and sends no more" in every


def test_a_model_without_a_cut_worth_it_says_so(cutpoint, counting: Path) -> None:
    """Where no cut sends less than the input, only the two ends are worth it."""
    told = cutpoint("inspect", counting)
    assert told.code == 0
    assert "0 candidate cuts, 0 kept" in told.out
    assert "No cut sends less than the input (262 KB)" in told.out


def test_a_model_with_open_dimensions_is_told_as_far_as_it_goes(cutpoint, encoder: Path) -> None:
    """Which inputs it takes, what is to be bound and where it can be cut; sizes are not known."""
    told = cutpoint("inspect", encoder)
    assert (told.code, told.err) == (0, "")
    assert "input tokens: int64[batch, length], ?" in told.out
    assert "Not bound: batch, length." in told.out
    assert "--size batch=N --size length=N, or --input FILE.npz" in told.out
    assert "embedding.norm, mask_bias" in told.out
    assert len(told.out.splitlines()) < 40
    document = json.loads(cutpoint("inspect", encoder, "--json").out)
    assert document["is_bound"] is False
    assert document["flops"] is None
    assert document["dimensions"] == [
        {"input": name, "position": position, "name": dimension, "size": None}
        for name in ("tokens", "mask")
        for position, dimension in enumerate(("batch", "length"))
    ]
    assert document["inputs"][0] == {
        "name": "tokens", "dtype": "int64", "shape": ["batch", "length"], "size_bytes": None,
    }  # fmt: skip
    assert document["candidates"]
    for row in document["candidates"]:
        assert row["share_of_operations"] is row["size_bytes"] is None
        assert not row["is_kept"]


@pytest.mark.parametrize("how", ["sizes", "inputs"])
def test_sizes_bind_it(cutpoint, encoder: Path, tmp_path: Path, how: str) -> None:
    """By the option or by arrays: what is told then is told of that binding."""
    tokens = np.zeros((2, 8), np.int64)
    np.savez(tmp_path / "in.npz", tokens=tokens, mask=tokens)
    bound = {
        "sizes": ("--size", "batch=2", "--size", "length=8"),
        "inputs": ("--input", tmp_path / "in.npz"),
    }[how]
    document = json.loads(cutpoint("inspect", encoder, *bound, "--json").out)
    graph = load_graph(ModelFile.open(encoder), sizes={"batch": 2, "length": 8})
    assert document["is_bound"] is True
    assert document["flops"] == graph.flops(graph.all_nodes)
    assert {row["name"]: row["size"] for row in document["dimensions"]} == graph.sizes
    assert document["inputs"][0]["shape"] == [2, 8]
    assert [row["cut"] for row in document["candidates"]] == [c.id for c in graph_cuts(graph)]


def test_every_value_is_cut_at_or_has_a_reason(cutpoint, encoder: Path, six_convs: Path) -> None:
    """The document says why of each; people see how many of each kind, or each with --all."""
    for arguments in ((encoder, "--size", "batch=1", "--size", "length=8"), (six_convs,)):
        document = json.loads(cutpoint("inspect", *arguments, "--json").out)
        reasons = {row["value"]: row["reason"] for row in document["no_cuts"]}
        alone = {r["values"][0] for r in document["candidates"] if len(r["values"]) == 1}
        assert alone.isdisjoint(reasons)
        assert all(reasons.values())
        every = cutpoint("inspect", *arguments, "--all").out
        assert all(name in every for name in reasons)
    assert reasons["conv0"] == "ONNX Runtime fuses Conv with the Relu behind it"
    short = cutpoint("inspect", six_convs).out
    assert "     6  inside groups that ONNX Runtime fuses" in short
    assert "     7  another cut computes no more here and sends no more" in short
    assert "conv0" not in short


def test_what_is_in_the_file_is_told(cutpoint, tmp_path: Path) -> None:
    """Opset, functions, control flow, other domains, quantised nodes and data files."""
    model = onnx.parser.parse_model("""
    <ir_version: 8, producer_name: "exporter", producer_version: "2.1",
     opset_import: ["" : 17, "own" : 1, "com.microsoft" : 1]>
    model (float[4] x, bool on) => (float[4] y)
    <float s = {0.1}, int8 z = {0}, float[4] w = {1, 2, 3, 4}> {
        a = own.twice (x)
        g = com.microsoft.FastGelu (a)
        q = QuantizeLinear (g, s, z)
        d = DequantizeLinear (q, s, z)
        y = If (on) <then_branch = yes () => (float[4] t) { t = Add (d, w) },
                     else_branch = no () => (float[4] e) { e = Neg (d) }>
    }
    <domain: "own", opset_import: ["" : 17]> twice (v) => (r) { r = Add (v, v) }
    """)
    weight = model.graph.initializer[2]
    weight.raw_data = np.arange(4, dtype=np.float32).tobytes()
    weight.ClearField("float_data")
    path = tmp_path / "model.onnx"
    onnx.save(model, path, save_as_external_data=True, location="w.bin", size_threshold=8)
    document = json.loads(cutpoint("inspect", path, "--json").out)
    assert document["file"] == {
        "opset": 17,
        "producer": "exporter 2.1",
        "domains": {"com.microsoft": 1},
        "control_flow": {"If": 1},
        "num_functions": 1,
        "quantised": {"QuantizeLinear": 1, "DequantizeLinear": 1},
        "data_bytes": 16,
    }
    told = cutpoint("inspect", path)
    assert told.code == 0
    assert (
        "opset 17, written by exporter 2.1, 1 function, 1 If, 1 node of com.microsoft, "
        "quantised (QDQ, 2 nodes), 16 B in data files"
    ) in told.out


def test_a_model_that_cannot_be_shared_is_told_too(cutpoint, tmp_path: Path, model_of) -> None:
    """One that takes a sequence runs on no two hosts: why, and what is in it."""
    model = model_of(
        "(seq(float[2]) parts) => (float[m] y) "
        "{ a = ConcatFromSequence <axis = 0> (parts)  b = Exp (a)  y = Sin (b) }"
    )
    onnx.save(model, tmp_path / "parts.onnx")
    told = cutpoint("inspect", tmp_path / "parts.onnx")
    assert told.code == 0
    assert "input parts: sequence" in told.out
    assert "not to be shared by two hosts: input 'parts' is a sequence" in told.out
    assert "no tensors: cannot travel" in told.out
    document = json.loads(cutpoint("inspect", tmp_path / "parts.onnx", "--json").out)
    assert "is a sequence" in document["obstacle"]
    assert document["candidates"] == []


def test_the_zoo_is_listed(cutpoint) -> None:
    """Every model by name with a line on it, for programs and for people."""
    listed = json.loads(cutpoint("zoo", "--json").out)
    assert [entry["name"] for entry in listed] == list(ZOO)
    assert all(entry["summary"] for entry in listed)
    told = cutpoint("zoo")
    assert all(name in told.out for name in ZOO)


def test_a_model_of_the_zoo_is_written(cutpoint, tmp_path: Path) -> None:
    """The file lies in the folder that was asked for, made if need be, and is a model."""
    folder = tmp_path / "new" / "models"
    told = cutpoint("zoo", "squeezenet", "-o", folder, "--seed", 3, "--json")
    assert told.code == 0
    path = folder / "squeezenet.onnx"
    assert json.loads(told.out) == {"written": [str(path)]}
    assert [entry.name for entry in folder.iterdir()] == ["squeezenet.onnx"]
    properties = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert properties["cutpoint.zoo.seed"] == "3"
