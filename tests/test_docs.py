"""The code of the docs runs."""

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

from cutpoint.execution import ModelFile
from cutpoint.execution.embed import embed
from cutpoint.execution.preprocessing import MEANS, STDS, Preprocessing
from cutpoint.lab.zoo.text_encoder import text_encoder
from cutpoint.planning import planner_named

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture
def your_scheme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Save the guide's file where it can be imported; give the guide's code blocks."""
    guide = (DOCS / "guides/your-scheme.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    (tmp_path / "narrowest.py").write_text(blocks[0])
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield blocks
    sys.modules.pop("narrowest", None)


def test_your_scheme_keeps_the_laws(your_scheme: list[str]) -> None:
    """The guide's planner passes the guide's own check."""
    exec(compile(your_scheme[1], "your-scheme.md", "exec"), {})


def test_your_scheme_is_found_by_its_path(your_scheme: list[str]) -> None:
    """A planner outside the package is taken by package.module:Class."""
    assert planner_named("narrowest:Narrowest").name == "narrowest"


def test_your_scheme_is_found_where_the_command_is_called(
    your_scheme: list[str], tmp_path: Path
) -> None:
    """The installed program finds a module beside the caller, as the guide says."""
    costs = "name,device_s,server_s,output_bytes\nimage,,,1000\none,1,0.1,10\ntwo,1,0.1,5\n"
    (tmp_path / "costs.csv").write_text(costs)
    command = [
        Path(sys.executable).with_name("cutpoint"), "plan", "--costs", "costs.csv",
        "--link", "1kbit/s,10ms", "--planner", "narrowest:Narrowest",
    ]  # fmt: skip
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr.strip()) == (0, "")
    assert "narrowest" in ended.stdout


def test_any_model_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guide's blocks, one after the other, where its model is and no server."""
    monkeypatch.chdir(tmp_path)
    onnx.save(text_encoder(num_layers=1, features=32), "encoder.onnx")
    guide = (DOCS / "guides/any-model.md").read_text()
    known: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", guide, re.DOTALL):
        exec(compile(block, "any-model.md", "exec"), known)
    assert {path.name for path in tmp_path.iterdir()} == {"encoder.onnx", "parts", "sentence.npz"}


def test_untrusted_models_are_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, six_convs: Path
) -> None:
    """The guide's blocks, where its model is."""
    monkeypatch.chdir(tmp_path)
    Path("model.onnx").write_bytes(six_convs.read_bytes())
    guide = (DOCS / "guides/untrusted-models.md").read_text()
    known: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", guide, re.DOTALL):
        exec(compile(block, "untrusted-models.md", "exec"), known)
    assert known["graph"].outputs == ("brightest", "classes")
    assert [each.name for each in known["session"].get_outputs()] == ["brightest", "classes"]
    assert not Path(known["copy"].source).exists()


def test_inputs_are_fed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, six_convs: Path) -> None:
    """The guide's blocks: a camera's file, and sounds to calibrate with; no server is there."""
    monkeypatch.chdir(tmp_path)
    preprocessing = Preprocessing(MEANS["imagenet"], STDS["imagenet"], size=(64, 64))
    embed(ModelFile.open(six_convs), preprocessing, "resnet50-frames.onnx", verify=False)
    frame = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(frame).save("frame.jpg")
    sound = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17]> model (float[1,1,800] x) => (float[1,1,200] y)
        { a = Relu (x)  y = MaxPool <kernel_shape = [4], strides = [4]> (a) }"""
    )
    onnx.save(sound, "keywords.onnx")
    Path("sounds").mkdir()
    np.save("sounds/one.npy", np.sin(np.arange(800, dtype=np.float32))[None, None])
    guide = (DOCS / "guides/inputs.md").read_text()
    known: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", guide, re.DOTALL):
        exec(compile(block, "inputs.md", "exec"), known)
    assert known["classes"][0].shape == (1, 8)
    known["session"].close()
