"""Repositories as they lie on disk: after Triton's own schema, and right when put together."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from cutpoint.exceptions import ModelError
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.graph import Arrays, Graph, cut_at, server_only
from cutpoint.server.triton import ExportSettings, TritonRepository, export_repository
from cutpoint.wire.names import TailName

BRANCHING = """<ir_version: 8, opset_import: ["" : 17]>
branching (float[N, 8, 16] x, int64[N, 4] rows) => (float[N, 8, 16] y, float[N, 1, 1] top) {
    left = Tanh (x)
    right = Abs (x)
    twice = Add (rows, rows)
    joined = Mul (left, right)
    wide = Sigmoid (joined)
    deep = Exp (joined)
    count = Cast <to = 1> (twice)
    scale = ReduceMean <axes = [1], keepdims = 1> (count)
    most = Unsqueeze (scale, axis)
    raised = Add (deep, most)
    y = Add (wide, raised)
    top = ReduceMax <axes = [1, 2]> (deep)
}"""


def branching(folder: Path) -> Path:
    """Write a model of two branches and two inputs, its batch open."""
    model = onnx.parser.parse_model(BRANCHING)
    axis = onnx.numpy_helper.from_array(np.array([2], np.int64), "axis")
    model.graph.initializer.append(axis)
    onnx.save(model, folder / "branching.onnx")
    return folder / "branching.onnx"


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """Give such a model, loaded."""
    path = branching(tmp_path_factory.mktemp("models"))
    return load_graph(ModelFile.open(path), sizes={"N": 1})


@pytest.fixture(scope="module")
def convs(six_convs: Path) -> Graph:
    """Give a chain of convolutions, its batch fixed at 1."""
    return load_graph(ModelFile.open(six_convs))


def write(
    graph: Graph, folder: Path, crossings: list[tuple[str, ...]], **settings: Any
) -> TritonRepository:
    """Export a model, cut at these values."""
    cuts = [cut_at(graph, names) for names in crossings]
    return export_repository(graph, folder, cuts, ExportSettings(**settings))


def config_of(folder: Path, name: str) -> Any:
    """Read a configuration as Triton does: a word that its schema lacks raises."""
    text = (folder / name / "config.pbtxt").read_text()
    config = text_format.Parse(text, model_config_pb2.ModelConfig())
    assert config.name == name
    return config


def run(folder: Path, name: str, given: Mapping[str, Any]) -> Arrays:
    """Run a model of a repository as Triton would: an ensemble step by step."""
    config = config_of(folder, name)
    values = {tensor.name: given[tensor.name] for tensor in config.input}
    if config.platform != "ensemble":
        file = folder / name / "1" / "model.onnx"
        session = onnxruntime.InferenceSession(file)
        names = [tensor.name for tensor in config.output]
        assert {each.name for each in session.get_inputs()} == set(values)
        return dict(zip(names, session.run(names, values), strict=True))
    for step in config.ensemble_scheduling.step:
        fed = {mine: values[theirs] for mine, theirs in step.input_map.items()}
        made = run(folder, step.model_name, fed)
        values.update((step.output_map[mine], made[mine]) for mine in step.output_map)
    return {tensor.name: values[tensor.name] for tensor in config.output}


def values_of(graph: Graph, cuts: Any) -> Arrays:
    """Give all values at cuts, and the outputs, of seeded inputs."""
    rng = np.random.default_rng(2)
    feed = {}
    for name in graph.inputs:
        value = graph.values[name]
        made = rng.uniform(-3, 3, value.shape)
        feed[name] = made.astype(value.dtype)
    segments = Segments(graph, cuts)
    return segments.run(segments.segments, feed).values


@pytest.mark.parametrize("backend", ["onnxruntime", "python"])
@pytest.mark.parametrize("layout", ["segments", "tails"])
@pytest.mark.parametrize(
    ("model", "crossings"),
    [
        ("graph", [("joined", "rows"), ("deep", "rows", "wide")]),
        ("convs", [("pool0",), ("pool1",), ("pool4",)]),
    ],
)
def test_every_tail_put_together_is_right(
    request, tmp_path, model, crossings, layout, backend
) -> None:
    """By the names that devices ask for, and with the outputs that they expect, no others."""
    graph = request.getfixturevalue(model)
    found = write(graph, tmp_path, crossings, layout=layout, backend=backend)
    assert not found.left_out
    values = values_of(graph, tuple(found.tails))
    served = {server_only(graph): graph.name, **found.tails}
    assert len(served) == len(crossings) + 1
    for cut, name in served.items():
        if cut.placement == "split":
            assert name == str(TailName(graph.name, graph.sha256, cut.id))
        made = run(tmp_path, name, values)
        assert set(made) == set(cut.returned)
        for output, array in made.items():
            np.testing.assert_allclose(array, values[output], rtol=1e-5, atol=1e-6)
    assert {path.name for path in tmp_path.iterdir()} == set(found.models)


def small(tmp_path: Path, text: str) -> Graph:
    """Load a model from its text."""
    path = tmp_path / "small.onnx"
    onnx.save(onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]>{text}'), path)
    return load_graph(ModelFile.open(path))


@pytest.mark.parametrize("layout", ["segments", "tails"])
def test_an_output_that_weights_alone_make_is_given_by_the_whole(tmp_path, layout) -> None:
    """No node is left for it; a tail does not give it, as devices have it themselves."""
    graph = small(
        tmp_path,
        "small (float[1, 8] x) => (float[1, 8] y, float[1] c) <float[1] w = {3.0}>"
        "{ a = Tanh (x) y = Exp (a) c = Neg (w) }",
    )
    assert graph.constants == ("c",)
    found = write(graph, tmp_path / "models", [("a",)], layout=layout)
    values = values_of(graph, tuple(found.tails))
    made = run(tmp_path / "models", found.whole, values)
    assert made["c"].tolist() == [-3.0]
    np.testing.assert_allclose(made["y"], values["y"], rtol=1e-5)
    (tail,) = found.tails.values()
    assert run(tmp_path / "models", tail, values).keys() == {"y"}


def test_an_output_that_is_an_input_needs_whole_tails(tmp_path) -> None:
    """An ensemble of Triton gives nothing that none of its models makes."""
    graph = small(
        tmp_path,
        "small (float[1, 8] x, float[1, 8] z) => (float[1, 8] y, float[1, 8] z)"
        "{ a = Tanh (x) y = Add (a, z) }",
    )
    with pytest.raises(ModelError, match=r"'z'.*layout of tails"):
        write(graph, tmp_path / "segments", [])
    assert not (tmp_path / "segments").exists()
    found = write(graph, tmp_path / "tails", [], layout="tails")
    values = values_of(graph, ())
    made = run(tmp_path / "tails", found.whole, values)
    np.testing.assert_array_equal(made["z"], values["z"])


def test_segments_hold_every_weight_once(convs, tmp_path) -> None:
    """So a repository of segments is as large as the model, one of tails larger."""
    crossings = [("pool0",), ("pool2",), ("pool4",)]
    segments = write(convs, tmp_path / "segments", crossings)
    tails = write(convs, tmp_path / "tails", crossings, layout="tails")
    held: list[str] = []
    for file in (tmp_path / "segments").glob("*/1/model.onnx"):
        held += [weight.name for weight in onnx.load(file).graph.initializer]
    assert len(held) == len(set(held)) > 0
    assert segments.size_bytes < tails.size_bytes


def test_models_that_batch_say_so_and_the_others_do_not(convs, graph, tmp_path) -> None:
    """A batch of requests joins along the first dimension, which Triton adds by itself."""
    write(convs, tmp_path / "convs", [("pool1",)], max_batch=4)
    parts = [path.name for path in (tmp_path / "convs").iterdir() if "segment" in path.name]
    for name in parts:
        config = config_of(tmp_path / "convs", name)
        assert config.max_batch_size == 4
        assert config.HasField("dynamic_batching")
        assert all(len(tensor.dims) <= 3 for tensor in config.input)
        file = onnx.load(tmp_path / "convs" / name / "1" / "model.onnx")
        assert all(not each.type.tensor_type.shape.dim[0].dim_value for each in file.graph.input)
    write(convs, tmp_path / "single", [("pool1",)], max_batch=1)
    for path in (tmp_path / "single").iterdir():
        config = config_of(tmp_path / "single", path.name)
        assert config.max_batch_size == 0
        assert not config.HasField("dynamic_batching")
        assert all(tensor.dims[0] == 1 for tensor in config.input)


def test_each_backend_finds_what_it_needs(convs, tmp_path) -> None:
    """The ONNX Runtime backend its platform, the Python backend its program and the file's name."""
    asked = {"num_instances": 3, "num_threads": 2}
    for backend in ("onnxruntime", "python"):
        folder = tmp_path / backend
        found = write(convs, folder, [("pool1",)], backend=backend, **asked)
        for name in found.models:
            config = config_of(folder, name)
            if config.platform == "ensemble":
                continue
            assert config.backend == backend
            assert [each.count for each in config.instance_group] == [3]
            assert config.parameters["intra_op_thread_count"].string_value == "2"
            program = folder / name / "1" / "model.py"
            assert program.exists() == (backend == "python")
            if backend == "python":
                assert config.parameters["onnx"].string_value == "model.onnx"
                assert (
                    "cutpoint." not in program.read_text().partition('"""')[2].partition('"""')[2]
                )
            else:
                assert config.platform == "onnxruntime_onnx"


def test_a_cut_that_triton_cannot_pass_on_is_left_out(tmp_path) -> None:
    """A value without dimensions has none of Triton's words; the other tails are there."""
    text = """<ir_version: 8, opset_import: ["" : 17]>
    scalar (float[1, 8] x) => (float[1, 8] y) {
        a = Tanh (x)
        top = ReduceMax <keepdims = 0> (a)
        up = Exp (top)
        y = Add (x, up)
    }"""
    path = tmp_path / "scalar.onnx"
    onnx.save(onnx.parser.parse_model(text), path)
    graph = load_graph(ModelFile.open(path))
    found = write(graph, tmp_path / "models", [("top", "x"), ("a", "x")])
    assert [cut.crossing for cut in found.tails] == [("a", "x")]
    assert [why for why in found.left_out.values() if "'top'" in why]


def test_a_model_that_triton_cannot_serve_at_all_is_refused(tmp_path) -> None:
    """Naming the input, and what is wrong with it."""
    text = """<ir_version: 8, opset_import: ["" : 17]>
    scalar (float x) => (float y) { y = Tanh (x) }"""
    path = tmp_path / "scalar.onnx"
    onnx.save(onnx.parser.parse_model(text), path)
    with pytest.raises(ModelError, match="'x' is of shape"):
        write(load_graph(ModelFile.open(path)), tmp_path / "models", [])
    assert not (tmp_path / "models").exists()


def test_what_is_there_is_not_replaced_unless_that_is_asked_for(convs, tmp_path) -> None:
    """Others' models stay, half a model is never seen."""
    (tmp_path / "theirs").mkdir()
    write(convs, tmp_path, [("pool1",)])
    with pytest.raises(FileExistsError, match="six_convs"):
        write(convs, tmp_path, [("pool1",)])
    cuts = [cut_at(convs, ("pool1",))]
    found = export_repository(convs, tmp_path, cuts, ExportSettings(), overwrite=True)
    assert {path.name for path in tmp_path.iterdir()} == {"theirs", *found.models}


def test_a_model_that_is_replaced_is_never_seen_in_part(convs, tmp_path, monkeypatch) -> None:
    """Whenever anything is deleted below the repository, each model there is whole or is not."""
    write(convs, tmp_path, [("pool1",)])
    seen: list[bool] = []
    real = shutil.rmtree

    def rmtree(path: Any, *given: Any, **named: Any) -> None:
        names = [each for each in tmp_path.iterdir() if not each.name.startswith(".")]
        seen.append(Path(path).parent != tmp_path or Path(path).name.startswith("."))
        seen.append(all((each / "config.pbtxt").exists() for each in names))
        real(path, *given, **named)

    monkeypatch.setattr(shutil, "rmtree", rmtree)
    cuts = [cut_at(convs, ("pool1",))]
    export_repository(convs, tmp_path, cuts, ExportSettings(), overwrite=True)
    assert seen
    assert all(seen)
