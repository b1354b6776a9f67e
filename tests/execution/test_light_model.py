"""A model file read without its weights is the model, and what is damaged is refused."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from cutpoint.exceptions import ModelError
from cutpoint.execution import ModelFile
from cutpoint.execution.light_model import external_tensors, light_model
from cutpoint.execution.part_file import write_part
from cutpoint.lab.zoo.text_encoder import text_encoder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a small model with weights above and below what is read."""
    path = tmp_path_factory.mktemp("light") / "encoder.onnx"
    onnx.save(text_encoder(num_layers=1, features=32), path)
    return path


def _in_order(model: onnx.ModelProto) -> onnx.ModelProto:
    weights = sorted(model.graph.initializer, key=lambda weight: weight.name)
    del model.graph.initializer[:]
    model.graph.initializer.extend(weights)
    return model


def test_what_is_written_of_it_is_the_model(encoder: Path, tmp_path: Path) -> None:
    """Large weights are left in the file, and go from there to another one unchanged."""
    model = light_model(ModelFile.open(encoder))
    left = [tensor.name for _, tensor in external_tensors(model)]
    assert "words" in left
    assert "layer0.fc1.bias" not in left
    assert model.ByteSize() < encoder.stat().st_size / 4
    write_part(model, encoder.parent, tmp_path / "copy.onnx")
    assert _in_order(onnx.load(tmp_path / "copy.onnx")) == _in_order(onnx.load(encoder))


def test_weights_that_are_no_raw_bytes_are_read(tmp_path: Path, encoder: Path) -> None:
    """Numbers one by one, as some exporters write them, stay so."""
    model = onnx.load(encoder)
    weight = next(each for each in model.graph.initializer if each.name == "words")
    numbers = numpy_helper.to_array(weight).reshape(-1)
    weight.ClearField("raw_data")
    weight.float_data.extend(numbers.tolist())
    (tmp_path / "numbers.onnx").write_bytes(model.SerializeToString())
    light = light_model(ModelFile.open(tmp_path / "numbers.onnx"))
    assert "words" not in [tensor.name for _, tensor in external_tensors(light)]
    assert _in_order(light).graph.node == model.graph.node


def test_a_graph_in_two_pieces_is_one(tmp_path: Path, encoder: Path) -> None:
    """Protobuf lets a message be written in pieces; its own reader puts them together, too."""
    model = onnx.load(encoder)
    first, second = onnx.ModelProto(), onnx.ModelProto()
    first.CopyFrom(model)
    del first.graph.initializer[:]
    second.graph.initializer.extend(model.graph.initializer)
    path = tmp_path / "pieces.onnx"
    path.write_bytes(first.SerializeToString() + second.SerializeToString())
    light = light_model(ModelFile.open(path))
    write_part(light, tmp_path, tmp_path / "copy.onnx")
    assert _in_order(onnx.load(tmp_path / "copy.onnx")) == _in_order(onnx.load(path))


def test_what_is_damaged_is_refused_as_by_protobuf(encoder: Path, tmp_path: Path) -> None:
    """Cut short or with bytes changed: what protobuf reads is read, all else is no model."""
    content = encoder.read_bytes()
    rng = np.random.default_rng(1)
    damaged = [content[:end] for end in rng.integers(0, len(content), 60).tolist()]
    damaged += [
        content[:position] + bytes([rng.integers(256)]) + content[position + 1 :]
        for position in rng.integers(0, 400, 60).tolist()
    ]
    path, num_refused = tmp_path / "damaged.onnx", 0
    for each in damaged:
        path.write_bytes(each)
        try:
            expected = onnx.ModelProto.FromString(each)
        except Exception:  # its own class of errors
            num_refused += 1
            with pytest.raises(ModelError, match="is not an ONNX model, or is cut short"):
                light_model(ModelFile.open(path))
            continue
        if not expected.HasField("graph"):
            continue
        assert light_model(ModelFile.open(path)).graph.node == expected.graph.node
    assert num_refused > 60


def test_an_empty_file_is_no_model(tmp_path: Path) -> None:
    """Nothing to map, nothing to read."""
    (tmp_path / "empty.onnx").touch()
    with pytest.raises(ModelError, match=r"empty.onnx is not an ONNX model"):
        light_model(ModelFile.open(tmp_path / "empty.onnx"))
