"""The model of a command: what is not trusted is a private copy, there as long as it is used."""

import gc
import tempfile
from pathlib import Path

import onnx
import pytest

from cutpoint.cli.chosen_model import ChosenModel, chosen_model, chosen_models
from cutpoint.exceptions import ModelError


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder that temporary files go to."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def one(path: Path) -> ChosenModel:
    """Choose a model that is not trusted."""
    return chosen_model(path, (), is_untrusted=True)


def one_of_several(path: Path) -> ChosenModel:
    """Choose it as a server does."""
    return chosen_models([path], (), is_untrusted=True)[0]


@pytest.mark.parametrize("choose", [one, one_of_several])
def test_what_was_vetted_is_loaded(
    choose, six_convs: Path, tmp_path: Path, temporary: Path, model_of
) -> None:
    """Whatever is at the path later; and the copy goes away with the choice."""
    path = tmp_path / "six_convs.onnx"
    path.write_bytes(six_convs.read_bytes())
    chosen = choose(path)
    onnx.save(model_of("(float[1,4] x) => (float[1,4] y) { y = Neg (x) }"), path)
    copy = Path(str(chosen.file.source))
    assert (copy.name, chosen.file.name) == (path.name, "six_convs")
    assert temporary in copy.parents
    assert chosen.load().outputs == ("brightest", "classes")
    assert copy.exists()
    del chosen
    gc.collect()
    assert list(temporary.iterdir()) == []


def test_a_trusted_model_is_loaded_from_where_it_is(six_convs: Path, temporary: Path) -> None:
    """Nothing is copied that somebody vouches for."""
    assert chosen_model(six_convs, (), is_untrusted=False).file.source == str(six_convs)
    assert list(temporary.iterdir()) == []


def test_what_is_refused_leaves_no_copy(tmp_path: Path, temporary: Path) -> None:
    """A model that is no good is gone when the error is told."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\xff" * 100)
    with pytest.raises(ModelError, match=r"model\.onnx"):
        one(path)
    assert list(temporary.iterdir()) == []
