"""The zoo's light models are valid, alive, calibrated and the same every time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from cutpoint.exceptions import ModelError
from cutpoint.execution.runtime import onnxruntime_module, quiet_options
from cutpoint.lab.zoo import ZOO, build, calibration, light, sample_images, weights, write

QUICK = ("densenet121", "inception_v1", "resnet50", "shufflenet", "squeezenet")
"""Nets that build and run in about a second."""


EACH = [
    pytest.param(name, marks=[pytest.mark.soak] if name == "vgg19" else [])
    for name in sorted(light.FILES)
]
"""The largest takes as long to build as all others together."""


@pytest.fixture(scope="module", params=EACH)
def net(request: pytest.FixtureRequest, zoo_model) -> onnx.ModelProto:
    """Each of the nine light models, one in memory at a time; large ones are not written."""
    name = request.param
    return onnx.load(zoo_model(name)) if name in QUICK else build(name)


@pytest.fixture(scope="module", params=QUICK)
def quick_net(request: pytest.FixtureRequest, zoo_model) -> onnx.ModelProto:
    """Each net that is cheap to run."""
    return onnx.load(zoo_model(request.param))


@pytest.fixture(scope="module")
def unseen(quick_net: onnx.ModelProto) -> NDArray[np.float32]:
    """Give its output for each of a dozen images that it was not calibrated on."""
    return answers(quick_net, sample_images(12, 224, 224, seed=1))


def run_each(
    model: onnx.ModelProto, images: NDArray[np.float32], names: list[str]
) -> Iterator[list[NDArray[np.float32]]]:
    """Run one image after the other and give the named values of each run."""
    open_model = onnx.ModelProto()
    open_model.CopyFrom(model)
    known = {value.name for value in model.graph.output}
    open_model.graph.output.extend(
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        for name in names
        if name not in known
    )
    session = onnxruntime_module().InferenceSession(
        open_model.SerializeToString(), quiet_options(), providers=["CPUExecutionProvider"]
    )
    data = model.graph.input[0].name
    return (session.run(names, {data: image[None]}) for image in images)


def answers(model: onnx.ModelProto, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the net's output for each image, one row per image."""
    rows = run_each(model, images, [model.graph.output[0].name])
    return np.stack([row[0].reshape(-1) for row in rows])


def normalised_statistics(
    model: onnx.ModelProto,
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Give each batch norm's channel means and variances once normalised, without its scale."""
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    norms = [node for node in model.graph.node if node.op_type == "BatchNormalization"]
    images = calibration.calibration_images(224, 224)
    sums = [np.zeros((2, len(held[node.input[1]]))) for node in norms]
    areas = [0] * len(norms)
    for run in run_each(model, images, [node.input[0] for node in norms]):
        for index, values in enumerate(run):
            exact = values.astype(np.float64)
            sums[index] += exact.sum(axis=(0, 2, 3)), np.einsum("nchw,nchw->c", exact, exact)
            areas[index] += values[:, 0].size
    statistics = []
    for node, (total, squares), area in zip(norms, sums, areas, strict=True):
        *_, mean, variance = (held[name].astype(np.float64) for name in node.input[1:])
        found = total / area
        statistics.append(
            ((found - mean) / np.sqrt(variance), (squares / area - found**2) / variance)
        )
    return statistics


def source_of(model: onnx.ModelProto) -> onnx.ModelProto:
    """Give the light model that a net was made from."""
    return onnx.load(light.FOLDER / light.FILES[model.graph.name])


def test_every_net_is_in_the_zoo_under_its_own_name() -> None:
    """Every entry is found under its name, in alphabetical order, the light models among them."""
    assert list(ZOO) == sorted(entry.name for entry in ZOO.values())
    assert len(light.FILES) == 9
    assert light.FILES.keys() < ZOO.keys()


def test_a_net_is_a_valid_model(net: onnx.ModelProto) -> None:
    """The checker takes the net, shape inference included."""
    onnx.checker.check_model(net, full_check=True)


def test_every_weight_is_an_initializer_that_a_node_reads(net: onnx.ModelProto) -> None:
    """No ConstantOfShape is left, no initializer is an input, and none is unused."""
    held = [tensor.name for tensor in net.graph.initializer]
    used = {name for node in net.graph.node for name in node.input}
    assert "ConstantOfShape" not in {node.op_type for node in net.graph.node}
    assert len(held) == len(set(held))
    assert set(held) <= used
    assert not set(held) & {value.name for value in net.graph.input}


def test_a_net_takes_one_image(net: onnx.ModelProto) -> None:
    """The one input is a float32 image of 224 x 224 pixels."""
    (data,) = net.graph.input
    assert data.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert [dim.dim_value for dim in data.type.tensor_type.shape.dim] == [1, 3, 224, 224]


def test_a_net_keeps_the_nodes_and_opset_of_its_source(net: onnx.ModelProto) -> None:
    """Nodes, value names, outputs and opset are those of the light model."""
    source = source_of(net)
    nodes = [node for node in source.graph.node if node.op_type != "ConstantOfShape"]
    assert list(net.graph.node) == nodes
    assert list(net.graph.output) == list(source.graph.output)
    assert list(net.opset_import) == list(source.opset_import)


def test_a_net_says_what_it_is(net: onnx.ModelProto) -> None:
    """Name, seed, producer and IR version are in the file."""
    assert net.ir_version == 8
    assert net.producer_name == "cutpoint zoo"
    assert {prop.key: prop.value for prop in net.metadata_props} == {
        "cutpoint.zoo.name": net.graph.name,
        "cutpoint.zoo.seed": "0",
    }


def test_no_weight_is_constant(net: onnx.ModelProto) -> None:
    """Every float initializer is finite and has more than one value."""
    for tensor in net.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            weight = numpy_helper.to_array(tensor)
            assert np.isfinite(weight).all(), tensor.name
            assert weight.min() < weight.max(), tensor.name


def test_outputs_are_finite_and_vary_with_the_image(unseen: NDArray[np.float32]) -> None:
    """Two images give two answers, and different images have different winners."""
    assert np.isfinite(unseen).all()
    assert np.abs(unseen[0] - unseen[1]).max() > 1e-3 * np.abs(unseen).max()
    assert len(set(unseen.argmax(axis=1).tolist())) > 3


def test_logits_of_unseen_images_are_neither_flat_nor_one_hot(
    quick_net: onnx.ModelProto, unseen: NDArray[np.float32]
) -> None:
    """The typical spread of the logits is near what calibration aims at."""
    has_softmax = quick_net.graph.node[-1].op_type == "Softmax"
    logits = np.log(unseen) if has_softmax else unseen
    typical = float(np.median(logits.std(axis=1)))
    assert 0.5 * calibration.LOGITS_STD < typical < 2 * calibration.LOGITS_STD


@pytest.mark.parametrize("name", ["densenet121", "resnet50", "shufflenet"])
def test_batch_norms_hold_the_statistics_of_their_inputs(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for rounding, each channel after each batch norm has mean 0 and variance 1."""
    monkeypatch.setattr(calibration, "round_like", lambda values, scale: values)
    for means, variances in normalised_statistics(build(name)):
        np.testing.assert_allclose(means, 0, atol=1e-3)
        np.testing.assert_allclose(variances, 1, atol=1e-3)


def test_rounded_statistics_stay_close(zoo_model) -> None:
    """Rounding moves the first batch norm by half a percent, and the fifty after it by a few."""
    statistics = normalised_statistics(onnx.load(zoo_model("resnet50")))
    means, variances = statistics[0]
    np.testing.assert_allclose(means, 0, atol=0.006)
    np.testing.assert_allclose(variances, 1, atol=0.006)
    for means, variances in statistics[1:]:
        assert np.quantile(np.abs(means), 0.99) < 0.05
        assert np.quantile(np.abs(variances - 1), 0.99) < 0.1


def test_the_same_seed_gives_the_same_bytes() -> None:
    """Building twice gives one file."""
    first, second = (build("shufflenet", seed=3) for _ in range(2))
    assert first.SerializeToString(deterministic=True) == second.SerializeToString(
        deterministic=True
    )


def test_another_seed_gives_other_weights() -> None:
    """Two seeds share no float weight."""
    first, second = (
        {tensor.name: tensor for tensor in build("squeezenet", seed=seed).graph.initializer}
        for seed in (0, 1)
    )
    assert all(first[name].raw_data != second[name].raw_data for name in first)


def test_an_unknown_name_lists_the_known_ones() -> None:
    """The error names every net."""
    with pytest.raises(ModelError, match="resnet51") as error:
        build("resnet51")
    assert all(name in str(error.value) for name in ZOO)


def test_a_missing_graph_file_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An onnx package without its light models is a model error, not a traceback."""
    monkeypatch.setattr(light, "FOLDER", tmp_path)
    with pytest.raises(ModelError, match=r"light_squeezenet\.onnx is missing; install onnx"):
        build("squeezenet")


def test_a_weight_of_unknown_role_is_refused() -> None:
    """A graph with other operators is not filled with wrong numbers."""
    with pytest.raises(ModelError, match="input 1 of LSTM"):
        weights.draw_weight("w", ("LSTM", 1), (2, 2), seed=0)


def test_weights_do_not_depend_on_the_order_of_drawing() -> None:
    """Each weight has its own stream."""
    role, shape = ("Conv", 1), (8, 4, 3, 3)
    drawn = {name: weights.draw_weight(name, role, shape, seed=0) for name in ("a", "b")}
    again = {name: weights.draw_weight(name, role, shape, seed=0) for name in ("b", "a")}
    assert all(np.array_equal(drawn[name], again[name]) for name in drawn)
    assert not np.array_equal(drawn["a"], drawn["b"])


def test_write_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    """The file holds the built net, and no unfinished file stays."""
    path = tmp_path / "net.onnx"
    path.write_bytes(b"older")
    assert write("squeezenet", path, seed=2) == path
    assert path.read_bytes() == build("squeezenet", seed=2).SerializeToString(deterministic=True)
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    """A folder in the way stays, and no unfinished file with it."""
    folder = tmp_path / "taken"
    folder.mkdir()
    with pytest.raises(OSError, match="taken"):
        write("squeezenet", folder)
    assert list(tmp_path.iterdir()) == [folder]


def test_images_are_normalised_pixels() -> None:
    """Values are what pixels in 0..1 become, and the batch is roughly standardised."""
    images = sample_images(8, 64, 96, seed=0)
    assert images.shape == (8, 3, 64, 96)
    assert images.dtype == np.float32
    assert images.min() > -2.2
    assert images.max() < 2.7
    assert abs(float(images.mean())) < 0.5
    assert 0.5 < float(images.std()) < 1.5


def test_an_image_depends_on_its_seed_and_place_only() -> None:
    """More images leave the first ones as they were; another seed gives others."""
    few, more = (sample_images(count, 32, 32, seed=4) for count in (2, 5))
    assert np.array_equal(few, more[:2])
    assert not np.array_equal(few, sample_images(2, 32, 32, seed=5))
    assert not np.array_equal(more[0], more[1])


def test_images_are_smooth() -> None:
    """Neighbouring pixels resemble each other, as in photographs."""
    images = sample_images(8, 128, 128, seed=0).reshape(24, -1)
    neighbours = [np.corrcoef(image[:-1], image[1:])[0, 1] for image in images]
    assert min(neighbours) > 0.7


@pytest.mark.parametrize(("channels", "size"), [(1, 28), (4, 5), (3, 1)])
def test_images_of_other_shapes_are_finite(channels: int, size: int) -> None:
    """Grey, many-channelled and one-pixel images work too."""
    images = sample_images(2, size, size, seed=0, channels=channels)
    assert images.shape == (2, channels, size, size)
    assert np.isfinite(images).all()


def test_rounding_follows_the_scale_not_the_value() -> None:
    """A mean near zero loses the digits that are noise beside the standard deviation."""
    values = np.array([1.23456, 0.00004], dtype=np.float32)
    scale = np.array([1.23456, 2.0], dtype=np.float32)
    np.testing.assert_array_equal(
        calibration.round_like(values, scale), np.array([1.23, 0.0], dtype=np.float32)
    )
