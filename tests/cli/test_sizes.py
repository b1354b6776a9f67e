"""``--size``, ``--input`` and ``--untrusted``: the same words in every command."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.custom_operators import library_path

from cutpoint.cli.sizes import parse_sizes
from cutpoint.exceptions import UnitError
from cutpoint.lab.zoo.text_encoder import text_encoder
from cutpoint.profiling import load_profile

NOWHERE = ("--server", "127.0.0.1:1")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a text encoder with open batch and length."""
    path = tmp_path_factory.mktemp("models") / "encoder.onnx"
    onnx.save(text_encoder(num_layers=1, features=32), path)
    return path


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of two sentences of six tokens."""
    path = tmp_path_factory.mktemp("inputs") / "tokens.npz"
    np.savez(path, tokens=np.full((2, 6), 1999), mask=np.ones((2, 6), np.int64))
    return path


def test_sizes_are_read_by_name() -> None:
    """Names may hold anything, an equals sign too; the same size twice is no contradiction."""
    texts = ["batch=1", "past + 1=17", "a=b=3", " n = 0 ", "batch=1", "x:0=5"]
    assert parse_sizes(texts) == {"batch": 1, "past + 1": 17, "a=b": 3, "n": 0, "x:0": 5}
    assert parse_sizes([]) == {}


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["batch"], "'batch' has no name"), (["=3"], "'=3' has no name"),
        (["batch="], "'' is not a whole number"), (["batch=-1"], "'-1' is not a whole number"),
        (["batch=1.5"], "'1.5' is not"), (["batch=8,64"], "'8,64' is not a whole number"),
        (["batch=²"], "'²' is not a whole number"),
        (["n=1", "n=2"], "dimension 'n' is given as 1 and as 2"),
    ],
)  # fmt: skip
def test_what_is_no_size_is_named(texts: list[str], words: str) -> None:
    """The error says what was wrong with which one."""
    with pytest.raises(UnitError, match=r"size|dimension") as refused:
        parse_sizes(texts)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "command",
    [("profile", "-o", "x.json"), ("plan",), ("advise",), ("run", *NOWHERE), ("serve",)],
)
def test_what_nothing_binds_is_named_with_the_option(
    cutpoint, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple
) -> None:
    """Input, dimension and option; and a size of no dimension names those there are."""
    monkeypatch.chdir(tmp_path)
    verb, *rest = command
    port = ("--port", "0") if verb == "serve" else ()
    told = cutpoint(verb, encoder, *rest, *port, "--size", "batch=1")
    assert (told.code, told.out) == (1, "")
    last = told.err.strip().splitlines()[-1]
    assert last.startswith(
        "error: UnknownShapeError: input 'tokens': dimension 1 (length) is not bound: give --size "
        "length=N"
    )
    sizes = ("--size", "batch=1", "--size", "length=4", "--size", "depth=4")
    wrong = cutpoint(verb, encoder, *rest, *port, *sizes)
    assert wrong.code == 1
    assert "open dimension" in wrong.err.strip().splitlines()[-1]
    assert "depth" in wrong.err.strip().splitlines()[-1]


def test_a_profile_is_of_the_sizes_that_were_given(
    cutpoint, encoder: Path, tokens: Path, tmp_path: Path
) -> None:
    """By the option, or by inputs, which are what is timed."""
    asked = ("profile", encoder, "--repeats", 2, "-o")
    sizes = ("--size", "batch=1", "--size", "length=4")
    assert cutpoint(*asked, tmp_path / "s.json", *sizes).code == 0
    assert load_profile(tmp_path / "s.json").sizes == {"batch": 1, "length": 4}
    assert cutpoint(*asked, tmp_path / "i.json", "--input", tokens).code == 0
    assert load_profile(tmp_path / "i.json").sizes == {"batch": 2, "length": 6}


def test_a_plan_is_for_the_sizes_of_the_profile(cutpoint, encoder: Path, tmp_path: Path) -> None:
    """They need not be told again; others are refused, as no time is known for them."""
    sizes = ("--size", "batch=1", "--size", "length=4")
    path = tmp_path / "p.json"
    assert cutpoint("profile", encoder, "--repeats", 2, "-o", path, *sizes).code == 0
    link = ("--link", "1Mbit/s,10ms", "--json")
    told = cutpoint("plan", encoder, "--device", path, *link)
    assert told.code == 0
    again = cutpoint("plan", encoder, "--device", path, *link, *sizes)
    assert json.loads(again.out)["links"] == json.loads(told.out)["links"]
    other = ("--size", "batch=1", "--size", "length=5")
    refused = cutpoint("plan", encoder, "--device", path, *link, *other)
    assert refused.code == 1
    assert "ProfileMismatchError" in refused.err
    assert "batch=1, length=4" in refused.err
    assert cutpoint("advise", encoder, "--device", path, "--json").code == 0


def test_a_plan_times_the_inputs_that_are_given(cutpoint, tmp_path: Path, model_of) -> None:
    """A model that made-up numbers break is timed on real ones."""
    model = model_of(
        "(float[n, 4] x, int64[2] shape) => (float[p, q] y) "
        "{ a = Neg (x)  b = Reshape (a, shape)  y = Abs (b) }"
    )
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    np.savez(tmp_path / "in.npz", x=np.ones((3, 4), np.float32), shape=np.array([2, 6]))
    for command in (
        ("plan",),
        ("advise",),
        ("profile", "-o", tmp_path / "p.json"),
        ("run", *NOWHERE),
    ):
        verb, *rest = command
        told = cutpoint(verb, path, *rest, "--size", "n=3")
        assert told.code == 1
        last = told.err.strip().splitlines()[-1]
        assert last.startswith(
            "error: FeedError: the model does not run on made-up inputs: give --i"
        )
    given = ("--input", tmp_path / "in.npz", "--json")
    assert cutpoint("plan", path, "--link", "1Mbit/s,10ms", *given).code == 0
    assert cutpoint("profile", path, "-o", tmp_path / "p.json", "--repeats", 2, *given).code == 0
    ran = cutpoint("run", path, *NOWHERE, "-n", 2, *given)
    assert (ran.code, len(ran.out.splitlines())) == (0, 2)
    np.savez(tmp_path / "in.npz", x=np.ones((3, 4), np.float32), shape=np.array([5, 5]))
    for verb, *rest in (("plan",), ("run", *NOWHERE)):
        told = cutpoint(verb, path, *rest, *given)
        assert told.code == 1
        assert "FeedError: the model does not run on the inputs given" in told.err


def test_an_input_of_any_rank_is_bound_by_position_or_by_an_array(
    cutpoint, tmp_path: Path, model_of
) -> None:
    """Nothing else tells how many dimensions it has; without either that is said."""
    model = model_of("(float x) => (float y) { a = Exp (x)  b = Sin (a)  y = Cos (b) }")
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.ClearField("shape")
    path = tmp_path / "any.onnx"
    onnx.save(model, path)
    np.savez(tmp_path / "in.npz", x=np.ones((3, 4), np.float32))
    asked = ("run", path, *NOWHERE, "-n", 1, "--json")
    for bound in (("--input", tmp_path / "in.npz"), ("--size", "x:0=3", "--size", "x:1=4")):
        assert cutpoint(*asked, *bound).code == 0
        document = json.loads(cutpoint("inspect", path, *bound, "--json").out)
        assert document["inputs"][0]["shape"] == [3, 4]
    unbound = cutpoint(*asked)
    assert unbound.code == 1
    assert "may have any number of dimensions: give --input" in unbound.err
    assert "input x: float32 of any rank, ?" in cutpoint("inspect", path).out


def test_a_predictor_is_fitted_on_models_with_open_dimensions(
    cutpoint, encoder: Path, six_convs: Path, tmp_path: Path
) -> None:
    """Each is bound as its profile was."""
    sizes = ("--size", "batch=1", "--size", "length=4")
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    assert cutpoint("profile", encoder, "--repeats", 2, "-o", one, *sizes).code == 0
    assert cutpoint("profile", six_convs, "--repeats", 2, "-o", two).code == 0
    told = cutpoint("fit", encoder, one, six_convs, two, "-o", tmp_path / "fitted.json")
    assert told.code == 0
    assert (tmp_path / "fitted.json").exists()


def test_a_run_takes_sizes_or_inputs_and_several_profiles(
    cutpoint, encoder: Path, tokens: Path, tmp_path: Path
) -> None:
    """Every inference is answered, at the sizes that were asked for."""
    profiles = []
    for length in (4, 16):
        sizes = ("--size", "batch=1", "--size", f"length={length}")
        path = tmp_path / f"{length}.json"
        assert cutpoint("profile", encoder, "--repeats", 2, "-o", path, *sizes).code == 0
        profiles += ["--profile", path]
    asked = ("run", encoder, *NOWHERE, "-n", 2, "--json", *profiles)
    for bound in (("--input", tokens), ("--size", "batch=1", "--size", "length=4")):
        told = cutpoint(*asked, *bound)
        assert told.code == 0
        assert len(told.out.splitlines()) == 2


def test_an_untrusted_model_is_vetted_by_every_command(
    cutpoint, six_convs: Path, tmp_path: Path
) -> None:
    """A file that reaches outside its folder is refused before anything is loaded."""
    model = onnx.load(six_convs)
    model.graph.initializer[5].ClearField("raw_data")
    model.graph.initializer[5].data_location = onnx.TensorProto.EXTERNAL
    model.graph.initializer[5].external_data.add(key="location", value="../elsewhere")
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(model.SerializeToString())
    profile = tmp_path / "p.json"
    assert cutpoint("profile", six_convs, "--repeats", 2, "-o", profile).code == 0
    for command in (
        ("inspect", bad), ("profile", bad, "-o", tmp_path / "x"), ("plan", bad), ("advise", bad),
        ("run", bad, *NOWHERE), ("serve", bad, "--port", "0"),
        ("fit", bad, profile, six_convs, profile, "-o", tmp_path / "x"),
    ):  # fmt: skip
        told = cutpoint(*command, "--untrusted")
        assert (told.code, told.out) == (1, "")
        assert told.err.strip().splitlines()[-1].startswith("error: UnsafeModelError: ")
    assert cutpoint("inspect", six_convs, "--untrusted").code == 0


def test_a_server_takes_sizes_of_each_of_its_models(
    cutpoint, encoder: Path, six_convs: Path
) -> None:
    """Sizes of one model's dimensions do not disturb the other; of none's they are an error."""
    sizes = ("--size", "batch=1", "--size", "length=4")
    wrong = cutpoint("serve", encoder, six_convs, "--port", 0, *sizes, "--size", "depth=2")
    assert wrong.code == 1
    assert wrong.err == (
        "error: UnknownShapeError: --size: no model served has an open dimension ['depth']\n"
    )
    command = [sys.executable, "-m", "cutpoint.cli.main", "serve", str(encoder), str(six_convs)]
    command += ["--port", "0", "--json", "--untrusted", *sizes]
    events = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while not events or events[-1]["event"] != "ready":
            line = process.stdout.readline()
            assert line, "the server ended before it was ready"
            events.append(json.loads(line))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert [event.get("name") for event in events] == [None, "encoder", "six_convs", None]


def test_custom_operators_are_registered_from_the_command_line(cutpoint, tmp_path: Path) -> None:
    """Every command that loads the model takes the library; without it the operator is named."""
    domain = "ai.onnx.contrib"
    make = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("StringUpper", ["x"], ["u"], domain=domain),
            onnx.helper.make_node("StringLength", ["u"], ["n"], domain=domain),
        ],
        "texts",
        [make("x", onnx.TensorProto.STRING, ["k"])],
        [make("n", onnx.TensorProto.INT64, ["k"])],
    )
    opsets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid(domain, 1)]
    path = tmp_path / "texts.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    given = ("--size", "k=3", "--custom-ops", library_path())
    assert "StringUpper" in cutpoint("inspect", path, "--size", "k=3").err
    assert cutpoint("inspect", path, *given).code == 0
    assert cutpoint("profile", path, "-o", tmp_path / "p.json", "--repeats", 2, *given).code == 0
    assert cutpoint("run", path, *NOWHERE, "-n", 2, *given).code == 0


def test_a_server_warms_up_on_the_inputs_that_are_given(
    cutpoint, fork_server, tmp_path: Path, model_of
) -> None:
    """Where made-up numbers do not suit a model: refused in one line, and served with real ones."""
    model = model_of(
        "(float[n, 4] x, int64[2] shape) => (float[p, q] y) "
        "{ a = Neg (x)  b = Reshape (a, shape)  y = Abs (b) }"
    )
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    np.savez(tmp_path / "in.npz", x=np.ones((3, 4), np.float32), shape=np.array([2, 6]))
    told = cutpoint("serve", path, "--port", 0, "--size", "n=3")
    assert told.code == 1
    assert "FeedError: 'model' does not run on the inputs" in told.err
    assert "Traceback" not in told.err
    with fork_server.server([str(path)], ["--input", str(tmp_path / "in.npz")]) as server:
        ran = cutpoint(
            "run", path, "--server", server.address, "-n", 2, "--policy", "server", "--json",
            "--input", tmp_path / "in.npz",
        )  # fmt: skip
    assert [json.loads(line)["placement"] for line in ran.out.splitlines()] == ["server"] * 2


def test_a_size_that_fits_nowhere_is_named(cutpoint, encoder: Path) -> None:
    """A slip of the pen is told before what is missing because of it."""
    told = cutpoint("inspect", encoder, "--size", "batch=1", "--size", "span=2")
    assert "'span'" in told.err


def test_a_size_without_room_is_one_line(cutpoint, encoder: Path, tmp_path: Path) -> None:
    """Inputs of exabytes cannot be made up, and nothing worse happens."""
    sizes = ("--size", "batch=100000000000", "--size", "length=100000000")
    told = cutpoint("profile", encoder, "-o", tmp_path / "p.json", *sizes)
    assert told.code == 1
    assert "FeedError: input 'tokens' of shape (100000000000, 100000000) cannot be" in told.err
