"""``cutpoint inspect`` and ``cutpoint zoo``: what there is to cut."""

import json
from pathlib import Path

import onnx

from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import candidate_cuts
from cutpoint.lab.zoo import ZOO
from cutpoint.planning import shortlist


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
