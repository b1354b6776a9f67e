"""``cutpoint export``: what it writes, and what it says."""

import json

import pytest
from typer.testing import CliRunner

from cutpoint.cli.main import app
from cutpoint.exceptions import InvalidCutError


def run(*arguments: object) -> str:
    """Run the command; gives what it prints."""
    result = CliRunner().invoke(app, ["export", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_it_names_what_a_device_asks_for(six_convs, tmp_path) -> None:
    """The whole by its file's name, each tail by its own; as JSON for programs."""
    folder = tmp_path / "models"
    told = json.loads(run(six_convs, "--triton", folder, "--at", "pool1", "--json"))
    assert told["whole"] == "six_convs"
    (tail,) = told["tails"]
    assert tail["crossing"] == ["pool1"]
    assert tail["name"].startswith("six_convs.")
    assert {path.name for path in folder.iterdir()} == set(told["models"])
    assert (told["layout"], told["backend"], told["left_out"]) == ("segments", "onnxruntime", [])


def test_each_at_is_a_cut_of_its_own(six_convs, tmp_path) -> None:
    """Of `split` several make one cut; here each has a tail."""
    text = run(six_convs, "--triton", tmp_path / "models", "--at", "pool1", "--at", "pool3")
    assert "tail behind pool1: six_convs." in text
    assert "tail behind pool3: six_convs." in text
    assert "tritonserver --model-repository=" in text


@pytest.mark.parametrize("backend", ["onnxruntime", "python"])
def test_without_cuts_the_whole_alone_is_written(six_convs, tmp_path, backend) -> None:
    """As one model by itself where the tails would be."""
    folder = tmp_path / "models"
    run(six_convs, "--triton", folder, "--cuts", 0, "--layout", "tails", "--backend", backend)
    assert [path.name for path in folder.iterdir()] == ["six_convs"]


def test_what_is_no_cut_is_refused_before_anything_is_written(six_convs, tmp_path) -> None:
    """Naming what cannot be cut at."""
    with pytest.raises(InvalidCutError, match="nowhere"):
        run(six_convs, "--triton", tmp_path / "models", "--at", "nowhere")
    assert not (tmp_path / "models").exists()


def test_models_that_are_there_are_replaced_by_force_alone(six_convs, tmp_path) -> None:
    """The error says how."""
    run(six_convs, "--triton", tmp_path, "--at", "pool1")
    with pytest.raises(FileExistsError, match="--force"):
        run(six_convs, "--triton", tmp_path, "--at", "pool1")
    run(six_convs, "--triton", tmp_path, "--at", "pool1", "--force")
