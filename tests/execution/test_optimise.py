"""Loading: what is no model is refused by name, and weights go away with the graph."""

import gc
import os
import random
import sys
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from cutpoint.exceptions import ModelError, UnknownShapeError, UnsafeModelError
from cutpoint.execution import ModelFile, load_graph, optimise
from cutpoint.execution.weights import weights_folder
from cutpoint.graph import extract, segments_of


def test_a_file_and_its_bytes_are_the_same_graph(six_convs: Path) -> None:
    """Nodes, values, inputs and outputs do not depend on how the model was given."""
    by_path = load_graph(ModelFile.open(six_convs))
    by_bytes = load_graph(ModelFile.open(six_convs.read_bytes(), "six_convs"))
    assert (by_bytes.name, by_bytes.sha256) == (by_path.name, by_path.sha256)
    assert by_bytes.nodes == by_path.nodes
    assert dict(by_bytes.values) == dict(by_path.values)
    assert by_path.inputs == by_bytes.inputs == ("image",)
    assert by_path.outputs == by_bytes.outputs == ("brightest", "classes")


def test_constants_are_folded(model_of) -> None:
    """Nodes that need no input are computed once, when the model is loaded."""
    model = model_of(
        """(float[2] x) => (float[2] y) {
            one = Constant <value = float[2] {1.0, 1.0}> ()
            two = Add (one, one)
            y = Mul (x, two)
        }"""
    )
    graph = load_graph(ModelFile.open(model.SerializeToString()))
    assert [node.op_type for node in graph.nodes] == ["Mul"]


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00" * 64, b"not a model at all", b"PK\x03\x04" + b"z" * 100, b"\x08\x08"],
    ids=["empty", "zeros", "text", "zip", "version only"],
)
def test_what_is_not_a_model_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    """Junk is an error that names the file, or says that bytes were given."""
    path = tmp_path / "junk.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"junk\.onnx"):
        load_graph(ModelFile.open(path))
    with pytest.raises(ModelError, match="given as bytes"):
        load_graph(ModelFile.open(content))


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999])
def test_a_file_cut_short_is_refused_by_name(six_convs: Path, tmp_path: Path, share: float) -> None:
    """However much of a download is there, the error names the file."""
    content = six_convs.read_bytes()
    path = tmp_path / "short.onnx"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelError, match=r"short\.onnx"):
        load_graph(ModelFile.open(path))


@pytest.mark.parametrize("num_seeds", [50, pytest.param(1000, marks=pytest.mark.soak)])
def test_damage_is_refused_or_harmless(six_convs: Path, num_seeds: int) -> None:
    """Flipped bytes give an error of ours, or another model that loads; nothing else."""
    content = six_convs.read_bytes()
    refused = 0
    for seed in range(num_seeds):
        draw = random.Random(seed)
        damaged = bytearray(content)
        for _ in range(draw.choice((1, 2, 8))):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        try:
            graph = load_graph(ModelFile.open(bytes(damaged)))
        except ModelError:
            refused += 1
        else:
            assert graph.nodes
    assert 0 < refused < num_seeds


def test_a_file_that_vanished_is_refused_by_name(tmp_path: Path, six_convs: Path) -> None:
    """A model file removed after it was opened is an error of ours."""
    path = tmp_path / "gone.onnx"
    path.write_bytes(six_convs.read_bytes())
    file = ModelFile.open(path)
    path.unlink()
    with pytest.raises(ModelError, match=r"gone\.onnx"):
        load_graph(file)


def test_weights_are_held_in_one_folder_that_goes_with_the_graph(six_convs: Path) -> None:
    """The optimised weights lie in a temporary folder as long as the graph is used."""
    graph = load_graph(ModelFile.open(six_convs))
    folder = weights_folder(graph)
    assert folder is not None
    assert sorted(path.name for path in Path(folder).iterdir()) == [
        "optimised.onnx",
        "weights.data",
    ]
    gone = weakref.ref(graph)
    del graph
    gc.collect()
    assert gone() is None
    assert not Path(folder).exists()


@pytest.mark.parametrize("is_extracted", [False, True])
def test_the_folder_goes_at_once(six_convs: Path, *, is_extracted: bool) -> None:
    """Nothing refers to the model in a circle: its weights wait for no garbage collector."""
    gc.disable()
    try:
        graph = load_graph(ModelFile.open(six_convs))
        folder = weights_folder(graph)
        assert folder is not None
        if is_extracted:
            assert extract(graph, segments_of(graph, ())[0])
        assert Path(folder).exists()
        del graph
        assert not Path(folder).exists()
    finally:
        gc.enable()


def test_a_model_that_cannot_be_used_leaves_no_folder(
    model_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether ONNX Runtime or the graph refuses it, nothing stays on the disk."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    unbound = model_of("(float[N] x) => (float[N] y) { y = Relu (x) }")
    with pytest.raises(UnknownShapeError, match="'x': dimension 0"):
        load_graph(ModelFile.open(unbound.SerializeToString()))
    foreign = model_of("(float[2] x) => (float[2] y) { y = NoSuchOperator (x) }")
    with pytest.raises(ModelError, match="ONNX Runtime cannot load"):
        load_graph(ModelFile.open(foreign.SerializeToString()))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["profile.json", "model.textproto", "model.onnx"])
def test_what_is_no_model_is_refused_whatever_its_name(tmp_path: Path, name: str) -> None:
    """A profile where the model belongs is an error in a line, not another parser's."""
    path = tmp_path / name
    path.write_text('{"format_version": 1, "samples": []}')
    with pytest.raises(ModelError, match="is not an ONNX model"):
        load_graph(ModelFile.open(path))


INVALID = """<ir_version: 7, opset_import: ["" : 13]> m (float[3,3,3,1] x) => (float[3,3,3,1] y)
{ a = Relu(x) y = MeanVarianceNormalization(a) }"""
"""Onnx's own shape inference fails of this operator's function; ONNX Runtime runs it."""


def test_what_the_checker_refuses_is_tried_out(
    model_of: Callable[..., onnx.ModelProto], caplog: pytest.LogCaptureFixture
) -> None:
    """ONNX Runtime has the last word, in a worker first; the checker's words are logged."""
    file = ModelFile.open(model_of(INVALID).SerializeToString())
    assert load_graph(file).nodes[0].op_type == "Relu"
    assert "ONNX Runtime ran it all the same" in caplog.text


@pytest.mark.parametrize("what", ["the model", "its data file"])
def test_a_trusted_file_that_changes_is_not_loaded(
    what: str,
    model_of: Callable[..., onnx.ModelProto],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What ONNX Runtime read is what was hashed, or an error says to load it again."""
    path = with_data(model_of, tmp_path)
    changed = path if what == "the model" else tmp_path / "w.bin"
    content, real = changed.read_bytes(), optimise._write_optimised

    def exchanged(*arguments: Any) -> None:
        changed.unlink()
        changed.write_bytes(content)
        os.utime(changed, ns=(0, 0))
        real(*arguments)

    file = ModelFile.open(path)
    assert load_graph(file).nodes
    monkeypatch.setattr(optimise, "_write_optimised", exchanged)
    with pytest.raises(UnsafeModelError, match=rf"{changed.name} changed .*load it again"):
        load_graph(file)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_trusted_model_may_be_made_of_links(
    model_of: Callable[..., onnx.ModelProto], tmp_path: Path
) -> None:
    """Caches of model hubs link to where they keep the files; untrusted, that is refused."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    blobs.mkdir()
    snapshot.mkdir()
    path = with_data(model_of, blobs)
    for each in (path.name, "w.bin"):
        (snapshot / each).symlink_to(Path("..") / "blobs" / each)
    linked = ModelFile.open(snapshot / path.name)
    assert load_graph(linked).sha256 == load_graph(ModelFile.open(path)).sha256
    with pytest.raises(UnsafeModelError, match="symbolic link"):
        load_graph(linked, trusted=False)
    with (blobs / "w.bin").open("rb+") as data:
        data.truncate(100)
    with pytest.raises(ModelError, match="are not those"):
        load_graph(linked)


def with_data(model_of: Callable[..., onnx.ModelProto], folder: Path) -> Path:
    """Write a model whose weights lie in ``w.bin`` beside it."""
    model = model_of("(float[1,64] x) => (float[1,64] y) { y = MatMul (x, w) }")
    weight = np.ones((64, 64), dtype=np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(weight, "w"))
    path = folder / "model.onnx"
    onnx.save_model(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_linked_model_that_the_checker_refuses_is_tried_out(
    model_of: Callable[..., onnx.ModelProto], tmp_path: Path
) -> None:
    """The trial of a trusted file reads over links too."""
    model = model_of(INVALID)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(3, np.float32), "w"))
    path = tmp_path / "model.onnx"
    onnx.save_model(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    (tmp_path / "w.bin").rename(tmp_path / "blob")
    (tmp_path / "w.bin").symlink_to("blob")
    assert load_graph(ModelFile.open(path)).nodes[0].op_type == "Relu"


def test_what_neither_takes_is_refused_in_the_checkers_words(
    model_of: Callable[..., onnx.ModelProto],
) -> None:
    """The trial in the worker adds nothing to the reason."""
    model = model_of("(float[1,4] x) => (float[1,4] y) { a = Relu(x) y = MatMul(a, a) }")
    with pytest.raises(ModelError, match="types or shapes disagree"):
        load_graph(ModelFile.open(model.SerializeToString()))
