"""The program: help that names every option, and errors in one line."""

import json
import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from cutpoint.execution import ModelFile, load_graph
from cutpoint.profiling import load_profile, measure, save_profile

OF_MODELS = ("--size", "--input", "--untrusted")

OPTIONS = {
    "inspect": ("--all", "--json", *OF_MODELS),
    "split": ("--at", "--output", "-o", "--no-verify", "--force", "--json", *OF_MODELS),
    "fit": ("--output", "-o", "--untrusted", "--json"),
    "profile": (
        *OF_MODELS, "--output", "-o", "--server", "--repeats", "--threads", "--slowdown", "--json",
    ),
    "serve": (
        "--size", "--untrusted", "--host", "--port", "--workers", "--max-waiting", "--threads",
        "--json",
    ),
    "plan": (
        "--device", "--server", "--link", "--link-behind", "--wait", "--load", "--planner",
        "--jobs", "--objective", "--power", "--spread", "--never-send", "--min-depth",
        "--device-memory", "--server-memory", "--costs", "--save-costs", "--table", "--plot",
        "--json", *OF_MODELS,
    ),
    "advise": (
        *OF_MODELS,
        "--device", "--server", "--bandwidths", "--loads", "--rtt", "--wait", "--input-as",
        "--objective", "--power", "--spread", "--plot", "--json",
    ),
    "run": (
        *OF_MODELS, "--server", "--count", "-n", "--policy", "--profile", "--pause", "--deadline",
        "--slowdown", "--records", "--json",
    ),
    "zoo": ("--output", "-o", "--seed", "--json"),
    "demo": ("--report", "--model", "--slowdown", "--json"),
}  # fmt: skip


@pytest.mark.parametrize("command", OPTIONS)
def test_every_command_explains_itself(cutpoint, command: str) -> None:
    """Its help names every option it has."""
    told = cutpoint(command, "--help")
    assert (told.code, told.err) == (0, "")
    named = set(told.out.replace(",", " ").split())
    assert set(OPTIONS[command]) <= named


@pytest.mark.parametrize("command", OPTIONS)
def test_options_that_are_not_told_are_refused(cutpoint, command: str) -> None:
    """An option no help names is a usage error, not silently passed over."""
    told = cutpoint(command, "--no-such-option")
    assert told.code == 2
    assert "--no-such-option" in told.err


def test_the_program_lists_its_commands(cutpoint) -> None:
    """The help of the program names every command, and so does calling it with nothing."""
    told = cutpoint("--help")
    assert told.code == 0
    assert set(OPTIONS) <= set(told.out.split())
    assert {"--version", "--log-level"} <= set(told.out.split())
    bare = cutpoint()
    assert set(OPTIONS) <= set((bare.out + bare.err).split())


def test_it_tells_its_version(cutpoint) -> None:
    """The version is the installed package's, and nothing beside it."""
    told = cutpoint("--version")
    assert (told.code, told.out, told.err) == (0, f"{version('cutpoint')}\n", "")


def test_the_log_level_is_checked(cutpoint, six_convs: Path) -> None:
    """A level that is none is a usage error; capital letters are no matter."""
    told = cutpoint("--log-level", "loud", "inspect", six_convs)
    assert told.code == 2
    assert "debug, info, warning, error" in told.err
    assert cutpoint("--log-level", "WARNING", "inspect", six_convs).code == 0


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory, six_convs: Path, counting: Path) -> Path:
    """Give a folder of files that are not what they should be."""
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "junk.onnx").write_bytes(b"not a model")
    (folder / "short.onnx").write_bytes(six_convs.read_bytes()[:3000])
    (folder / "junk.json").write_text("{]")
    save_profile(measure(load_graph(ModelFile.open(counting)), repeats=2), folder / "other.json")
    profile = json.loads((folder / "other.json").read_text())
    profile["format_version"] = 99
    (folder / "newer.json").write_text(json.dumps(profile))
    (folder / "short.json").write_text((folder / "other.json").read_text()[:200])
    np.save(folder / "array.npy", np.zeros(3))
    (folder / "junk.npz").write_bytes(b"PK\x03\x04 no zip")
    np.savez(folder / "other.npz", picture=np.zeros(3))
    np.savez(folder / "shape.npz", image=np.zeros((1, 3, 5, 5), np.float32))
    return folder


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("inspect {wrong}/missing.onnx", "ModelError: model file {wrong}/missing.onnx: No such"),
        ("inspect {wrong}", "ModelError: model file {wrong}: Is a directory"),
        ("inspect {wrong}/junk.onnx", "ModelError: {wrong}/junk.onnx is not an ONNX model"),
        ("inspect {wrong}/short.onnx", "ModelError: {wrong}/short.onnx is not an ONNX model"),
        ("profile {wrong}/missing.onnx -o {wrong}/x", "ModelError: model file"),
        ("profile {model} -o {wrong}/none/x --repeats 2", "ProfileError: profile {wrong}/none/x"),
        ("profile {model} -o {wrong}/x --server edge", "ConnectError: server address 'edge'"),
        ("profile {model} -o {wrong}/x --server 127.0.0.1:1", "ConnectError: server 127.0.0.1:1"),
        ("serve {wrong}/missing.onnx --port 0", "ModelError: model file {wrong}/missing.onnx"),
        ("serve {wrong}/junk.onnx --port 0", "ModelError: {wrong}/junk.onnx is not an ONNX"),
        ("serve {model} --host 0.0.0.0", "ConnectError: cannot serve on '0.0.0.0'"),
        ("serve {model} --host example.org", "ConnectError: cannot serve on 'example.org'"),
        ("plan {wrong}/missing.onnx", "ModelError: model file"),
        ("plan {model} --link 5,20ms", "UnitError: bandwidth '5': write a number and a unit"),
        ("plan {model} --link 1Mbit/s", "UnitError: link '1Mbit/s': write BANDWIDTH,ROUND_TRIP"),
        ("plan {model} --link 0Mbit/s,1ms", "UnitError: bandwidth '0Mbit/s': nothing"),
        ("plan {model} --link -5Mbit/s,1ms", "UnitError: bandwidth '-5Mbit/s'"),
        ("plan {model} --link 5Mbit/s,10", "UnitError: duration '10': write a number and a unit"),
        ("plan {model} --wait soon", "UnitError: duration 'soon'"),
        ("plan {model} --server edge:99999", "ConnectError: server address 'edge:99999'"),
        ("plan {model} --server 127.0.0.1:1", "ConnectError: server 127.0.0.1:1 cannot"),
        ("plan {model} --device {wrong}/missing.json", "ProfileError: profile {wrong}/missing"),
        ("plan {model} --device {wrong}/junk.json", "ProfileError: profile {wrong}/junk.json is"),
        ("plan {model} --device {wrong}/short.json", "ProfileError: profile {wrong}/short.json"),
        ("plan {model} --device {model}", "ProfileError: profile {model} is damaged"),
        ("plan {model} --device {wrong}/newer.json", "ProfileMismatchError: profile {wrong}/new"),
        ("plan {model} --device {wrong}/other.json", "ProfileMismatchError: the profile is of"),
        ("plan {model} --server {wrong}/other.json", "ProfileMismatchError: the profile"),
        ("plan {model} --server {wrong}/missing.json", "ProfileError: server '{wrong}/missing"),
        ("plan {model} --server {wrong}/junk.json", "ProfileError: profile {wrong}/junk.json is"),
        ("plan --costs {wrong}/missing.csv", "CostError: cost table {wrong}/missing.csv cannot be"),
        ("plan --costs {wrong}/junk.json", "CostError: "),
        ("plan --costs {wrong}/other.json", "CostError: "),
        ("advise {wrong}/missing.onnx", "ModelError: model file"),
        ("advise {model} --device {wrong}/other.json", "ProfileMismatchError: the profile is of"),
        ("run {wrong}/missing.onnx --server 127.0.0.1:1", "ModelError: model file"),
        ("run {model} --server edge", "ConnectError: server address 'edge': write HOST:PORT"),
        ("run {model} --server edge:8001x", "ConnectError: server address 'edge:8001x'"),
        ("run {model} --server 127.0.0.1:1 --policy pool9", "InvalidCutError: 'pool9' is not"),
        ("run {model} --server 127.0.0.1:1 --profile {wrong}/junk.json", "ProfileError: profile"),
        ("run {model} --server 127.0.0.1:1 --profile {wrong}/other.json", "ProfileMismatchError:"),
        ("run {model} --server 127.0.0.1:1 --input {wrong}/missing.npz", "FeedError: inputs"),
        ("run {model} --server 127.0.0.1:1 --input {wrong}/junk.npz", "FeedError: inputs"),
        ("run {model} --server 127.0.0.1:1 --input {wrong}/array.npy", "FeedError: inputs"),
        ("zoo nothing -o {wrong}", "ModelError: no net 'nothing' in the zoo: take one of alexnet"),
        ("zoo squeezenet -o {model}", "FileExistsError: "),
    ],
)
def test_what_goes_wrong_is_one_line(
    cutpoint, wrong: Path, six_convs: Path, arguments: str, error: str
) -> None:
    """A typed error names what was wrong; exit code 1, no traceback, nothing on standard output."""
    places = {"wrong": wrong, "model": six_convs}
    told = cutpoint(*(word.format(**places) for word in arguments.split()))
    assert told.code == 1
    *before, last = told.err.strip().splitlines()
    assert last.startswith(f"error: {error.format(**places)}")
    assert not any("error" in line.lower() or "Traceback" in line for line in before)
    assert told.out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        "serve {model} --port 65536", "serve {model} --port -1", "serve {model} --workers 0",
        "serve", "inspect", "run {model}", "split {model} -o x", "split {model} --at pool1",
        "profile {model}", "profile {model} -o x --repeats 1",
        "profile {model} -o x --slowdown 0.5", "run {model} --server a:1 -n -1",
        "plan {model} --jobs 0", "plan", "plan --size batch=1", "plan --untrusted",
        "advise", "plan {model} --plot plan.txt",
        "zoo --seed -1", "fly",
    ],
)  # fmt: skip
def test_a_wrong_call_is_a_usage_error(cutpoint, six_convs: Path, arguments: str) -> None:
    """Numbers outside their bounds and missing words end with code 2 before anything is done."""
    told = cutpoint(*arguments.format(model=six_convs).split())
    assert told.code == 2
    assert "Usage: " in told.err
    assert told.out == ""


@pytest.mark.parametrize(("name", "words"), [("other", "are not inputs"), ("shape", "has shape")])
def test_inputs_that_do_not_fit_are_named(
    cutpoint, served, wrong: Path, six_convs: Path, name: str, words: str
) -> None:
    """Arrays of other names or shapes are refused by name."""
    told = cutpoint(
        "run", six_convs, "--server", served.address, "-n", 1, "--input", wrong / f"{name}.npz"
    )
    assert told.code == 1
    assert told.err.strip().splitlines()[-1].startswith("error: FeedError: ")
    assert words in told.err


def test_an_error_stays_one_line_on_a_narrow_terminal(tmp_path: Path) -> None:
    """A program that reads the last line of standard error gets all of it."""
    missing = tmp_path / ("long_name_" * 12) / "missing.onnx"
    ended = subprocess.run(
        [sys.executable, "-m", "cutpoint.cli.main", "inspect", str(missing)],
        capture_output=True,
        text=True,
        env={"COLUMNS": "40", "PATH": ""},
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    expected = f"error: ModelError: model file {missing}: No such file or directory\n"
    assert ended.stderr == expected


def test_a_profile_that_was_written_can_be_read(cutpoint, six_convs: Path, tmp_path: Path) -> None:
    """The command's file is one that the package loads, of this model, with its pieces timed."""
    path = tmp_path / "device.json"
    told = cutpoint("profile", six_convs, "-o", path, "--repeats", 2, "--threads", 1)
    assert told.code == 0
    assert f"wrote {path}" in told.out
    assert "six_convs on" in told.out
    profile = load_profile(path)
    assert profile.model_name == "six_convs"
    assert profile.environment.num_threads == 1
    assert {"whole", "segment"} <= {sample.kind for sample in profile.samples}


def test_a_profile_is_told_as_json_too(cutpoint, six_convs: Path, tmp_path: Path) -> None:
    """Standard output is the document that was written, and nothing else."""
    path = tmp_path / "device.json"
    told = cutpoint("profile", six_convs, "-o", path, "--repeats", 2, "--slowdown", 3, "--json")
    assert told.code == 0
    assert json.loads(told.out) == json.loads(path.read_text())
    assert json.loads(told.out)["environment"]["emulated_slowdown"] == 3.0


def test_a_servers_profile_is_fetched(cutpoint, served, six_convs: Path, tmp_path: Path) -> None:
    """With an address the file holds what the server measured of itself."""
    path = tmp_path / "server.json"
    told = cutpoint("profile", six_convs, "-o", path, "--server", served.address)
    assert told.code == 0
    profile = load_profile(path)
    assert profile.host == served.address
    assert "tail" in {sample.kind for sample in profile.samples}


def test_a_termination_leaves_nothing_behind(tmp_path: Path, six_convs: Path) -> None:
    """On SIGTERM as on Ctrl-C the optimised model's folder goes away."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    command = [sys.executable, "-m", "cutpoint.cli.main", "run", str(six_convs)]
    command += ["--server", "127.0.0.1:1", "--count", "0", "--json"]
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline()  # it runs
            assert list(folder.glob("cutpoint-*"))
            process.terminate()
            process.stdout.read()
            assert process.wait(timeout=30) == 128 + signal.SIGTERM
        finally:
            process.kill()
    assert list(folder.glob("cutpoint-*")) == []
