"""What the builder writes is what its methods say, by ONNX Runtime and by numpy."""

import math

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from cutpoint.exceptions import ModelError
from cutpoint.execution.runtime import onnxruntime_module, quiet_options
from cutpoint.lab.zoo import calibration, weights
from cutpoint.lab.zoo.architecture import IR_VERSION, Architecture
from cutpoint.lab.zoo.net import Net

RNG = np.random.default_rng(11)
IMAGE = RNG.standard_normal((1, 4, 6, 8), dtype=np.float32)


def new_net() -> Net:
    """Give an empty net for `IMAGE`."""
    return Net("small", IMAGE.shape[1:])


def drawn(architecture: Architecture) -> weights.Weights:
    """Draw every weight as the zoo does, with seed 0."""
    return {
        name: weights.draw_weight(name, role, architecture.shapes[name], 0)
        for name, role in architecture.roles.items()
    }


def run(architecture: Architecture, held: weights.Weights, image=IMAGE) -> list[np.ndarray]:
    """Give every output of an architecture with the given weights."""
    model = helper.make_model(
        architecture.graph, opset_imports=architecture.opset_imports, ir_version=IR_VERSION
    )
    model.graph.initializer.extend(
        numpy_helper.from_array(weight, name) for name, weight in held.items()
    )
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime_module().InferenceSession(
        model.SerializeToString(), quiet_options(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"input": image})


def computed(net: Net, *values: str) -> list[np.ndarray]:
    """Run a net without weights, and find each value of the shape the net said."""
    outputs = run(net.graph(values), {})
    assert [output.shape for output in outputs] == [net.shape(value) for value in values]
    return outputs


@pytest.mark.parametrize(
    ("activation", "formula"),
    [
        ("relu", lambda x: np.maximum(x, 0)),
        ("relu6", lambda x: np.clip(x, 0, 6)),
        ("leaky_relu", lambda x: np.where(x < 0, 0.1 * x, x)),
        ("sigmoid", lambda x: 1 / (1 + np.exp(-x))),
        ("silu", lambda x: x / (1 + np.exp(-x))),
        ("hard_sigmoid", lambda x: np.clip(x + 3, 0, 6) / 6),
        ("hard_swish", lambda x: x * np.clip(x + 3, 0, 6) / 6),
        ("gelu", lambda x: x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2),
        ("identity", lambda x: x),
    ],
)
def test_an_activation_is_its_formula(activation: str, formula) -> None:
    """Values well outside the kinks, too."""
    net = new_net()
    large = net.scale(net.input, 5.0)
    (output,) = computed(net, getattr(net, activation)(large))
    np.testing.assert_allclose(output, formula(5.0 * IMAGE), rtol=1e-4, atol=1e-5)


def test_arithmetic_between_values() -> None:
    """Sum, product, matrix product and softmax are numpy's."""
    net = new_net()
    turned = net.transpose(net.input, (0, 1, 3, 2))
    values = (
        net.add(net.input, net.input),
        net.mul(net.input, net.input),
        net.matmul(net.input, turned),
        net.softmax(net.input, axis=1),
    )
    total, product, matrix, shares = computed(net, *values)
    np.testing.assert_allclose(total, IMAGE + IMAGE)
    np.testing.assert_allclose(product, IMAGE * IMAGE)
    np.testing.assert_allclose(matrix, IMAGE @ IMAGE.transpose(0, 1, 3, 2), atol=1e-5)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    assert net.num_macs() == 4 * 6 * 6 * 8


def test_shapes_are_changed_as_numpy_does() -> None:
    """Parts, pieces, joins and permutations hold the right numbers."""
    net = new_net()
    first, rest = net.split(net.input, (1, 3), axis=1)
    values = (
        net.concat([rest, first]),
        net.slice(net.input, 2, 5, axis=3),
        net.reshape(net.input, (1, 2, 2, -1)),
        net.flatten(net.input),
        net.transpose(net.input, (0, 2, 3, 1)),
    )
    joined, piece, reshaped, flat, turned = computed(net, *values)
    np.testing.assert_array_equal(joined, np.roll(IMAGE, -1, axis=1))
    np.testing.assert_array_equal(piece, IMAGE[..., 2:5])
    np.testing.assert_array_equal(reshaped, IMAGE.reshape(1, 2, 2, 48))
    np.testing.assert_array_equal(flat, IMAGE.reshape(1, 192))
    np.testing.assert_array_equal(turned, IMAGE.transpose(0, 2, 3, 1))


def test_resizing_is_that_of_pytorch() -> None:
    """Nearest repeats pixels; linear mixes neighbours by quarters at twice the size."""
    net = new_net()
    nearest, linear = computed(
        net, net.resize(net.input, 12, 16), net.resize(net.input, 12, 16, mode="linear")
    )
    np.testing.assert_array_equal(nearest, IMAGE.repeat(2, axis=2).repeat(2, axis=3))
    inner = 0.75 * IMAGE[..., 0, :] + 0.25 * IMAGE[..., 1, :]
    expected = 0.75 * inner[..., 0] + 0.25 * inner[..., 1]
    np.testing.assert_allclose(linear[..., 1, 1], expected, rtol=1e-4, atol=1e-6)


def test_pooling_counts_padding_if_asked() -> None:
    """A corner window of 3 x 3 has four pixels and five zeros."""
    net = new_net()
    values = (
        net.avg_pool(net.input, 3, 1, padding=1),
        net.avg_pool(net.input, 3, 1, padding=1, count_include_pad=False),
        net.max_pool(net.input, 3, 2, padding=1),
        net.global_avg_pool(net.input),
    )
    counted, uncounted, maxima, means = computed(net, *values)
    corner = IMAGE[..., :2, :2]
    np.testing.assert_allclose(counted[..., 0, 0], corner.sum(axis=(2, 3)) / 9, atol=1e-6)
    np.testing.assert_allclose(uncounted[..., 0, 0], corner.mean(axis=(2, 3)), atol=1e-6)
    np.testing.assert_array_equal(maxima[..., 0, 0], corner.max(axis=(2, 3)))
    np.testing.assert_allclose(means[..., 0, 0], IMAGE.mean(axis=(2, 3)), atol=1e-6)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "size"),
    [
        (3, 1, None, (6, 8)),
        (3, 2, None, (3, 4)),
        (3, 2, 0, (2, 3)),
        ((1, 7), 1, None, (6, 8)),
        (5, (1, 2), (2, 0), (6, 2)),
        (3, 2, "same", (3, 4)),
        (4, 4, "same", (2, 2)),
    ],
)
def test_convolutions_have_the_sizes_of_their_padding(kernel, stride, padding, size) -> None:
    """Without padding, with as much as keeps the size, per side, and TensorFlow's."""
    net = new_net()
    x = net.conv(net.input, 8, kernel, stride, padding)
    assert net.shape(x) == (1, 8, *size)
    (output,) = run(net.graph([x]), drawn(net.graph([x])))
    assert output.shape == net.shape(x)


def test_same_padding_puts_odd_zeros_at_the_end() -> None:
    """At stride 2 a kernel of 3 on an even size starts on the first pixel, as TensorFlow's."""
    net = new_net()
    x = net.max_pool(net.input, 3, 2, padding="same")
    (node,) = net.graph([x]).graph.node
    (pads,) = (list(attribute.ints) for attribute in node.attribute if attribute.name == "pads")
    assert pads == [0, 0, 1, 1]


def test_a_window_that_overhangs_is_kept_if_asked() -> None:
    """Nine becomes four, and five with ``ceil``."""
    net = Net("small", (1, 8, 8))
    assert net.shape(net.max_pool(net.input, 3, 2)) == (1, 1, 3, 3)
    assert net.shape(net.max_pool(net.input, 3, 2, ceil=True)) == (1, 1, 4, 4)


def test_counts_are_those_of_the_formulas() -> None:
    """Groups divide, biases count as weights only, and statistics count as nothing."""
    net = new_net()
    x = net.batch_norm(net.conv(net.input, 8, 3, groups=2, bias=True))
    x = net.linear(net.flatten(net.lrn(x, 3, 1e-4, 0.75, 1.0)), 10)
    parameters = 8 * 2 * 9 + 8 + 2 * 8 + 8 * 48 * 10 + 10
    macs = 48 * 8 * 2 * 9 + 8 * 48 * 10
    assert (net.num_parameters(), net.num_macs()) == (parameters, macs)
    architecture = net.graph([x])
    assert (architecture.num_parameters, architecture.num_macs) == (parameters, macs)


def test_linear_layers_of_two_and_of_more_dimensions_agree() -> None:
    """Both multiply the last dimension and add a bias, in the operators exporters use."""
    net = new_net()
    flat, rows = net.linear(net.flatten(net.input), 5), net.linear(net.input, 5)
    architecture = net.graph([flat, rows])
    held = drawn(architecture)
    given_flat, given_rows = run(architecture, held)
    np.testing.assert_allclose(
        given_flat,
        IMAGE.reshape(1, -1) @ held["linear.weight"].T + held["linear.bias"],
        rtol=1e-3,
        atol=1e-5,
    )
    np.testing.assert_allclose(
        given_rows, IMAGE @ held["linear_2.weight"] + held["linear_2.bias"], rtol=1e-3, atol=1e-5
    )
    operators = [node.op_type for node in architecture.graph.node]
    assert operators == ["Flatten", "Gemm", "MatMul", "Add"]


def test_branches_that_are_added_to_their_input_are_small() -> None:
    """The last norm of such a branch scales to a tenth of what it would be."""
    net = Net("small", (64, 4, 4))
    held = drawn(net.graph([net.batch_norm(net.input, residual=flag) for flag in (False, True)]))
    assert 0.08 < held["bn_2.scale"].mean() / held["bn.scale"].mean() < 0.12


def test_shifted_norms_let_most_through_a_relu() -> None:
    """Most of what follows such a norm is above zero, where a Relu changes nothing."""
    net = Net("small", (64, 4, 4))
    held = drawn(net.graph([net.batch_norm(net.input, shifted=flag) for flag in (False, True)]))
    assert abs(held["bn.bias"].mean()) < 0.1
    assert abs(held["bn_2.bias"].mean() - 1) < 0.1
    assert held["bn_2.scale"].mean() == pytest.approx(1, abs=0.1)


def test_names_tell_scope_and_operator() -> None:
    """Scopes nest, repeated operators are numbered, and outputs bear the names they were given."""
    net = new_net()
    with net.scope("layer1"), net.scope("0"):
        x = net.conv(net.conv(net.input, 4), 4)
    with net.scope("layer2"):
        y = net.relu(x)
    architecture = net.graph({"features": x, "answer": y})
    assert [node.name for node in architecture.graph.node] == [
        "layer1.0.conv", "layer1.0.conv_2", "layer2.relu",
    ]  # fmt: skip
    assert [output.name for output in architecture.graph.output] == ["features", "answer"]
    assert architecture.graph.node[-1].input[0] == "features"
    assert list(architecture.shapes) == ["layer1.0.conv.weight", "layer1.0.conv_2.weight"]


def test_a_weight_of_its_own_is_a_parameter_of_known_role() -> None:
    """A class token goes before every image's tokens; a role nobody knows is refused."""
    net = new_net()
    tokens = net.layer_norm(net.reshape(net.input, (1, 24, 8)))
    x = net.concat([net.parameter((1, 1, 8), "class_token"), tokens])
    x = net.add(x, net.parameter((1, 25, 8), "position_embedding"))
    architecture = net.graph([x])
    held = drawn(architecture)
    (output,) = run(architecture, held)
    np.testing.assert_allclose(
        output[0, 0], held["class_token"][0, 0] + held["position_embedding"][0, 0], rtol=1e-5
    )
    with pytest.raises(ModelError, match="memory"):
        weights.draw_weight("w", ("memory", 0), (2, 2), seed=0)


def calibrated(net: Net, outputs: list[str]) -> tuple[Architecture, weights.Weights]:
    """Fit a small net to the calibration images."""
    architecture = net.graph(outputs)
    held = drawn(architecture)
    calibration.calibrate(architecture, held)
    return architecture, held


def over_calibration_images(architecture: Architecture, held: weights.Weights) -> list[np.ndarray]:
    """Give every output for all calibration images, one after the other."""
    _, channels, height, width = architecture.image_shape
    images = calibration.calibration_images(height, width, channels)
    rows = [run(architecture, held, image[None]) for image in images]
    return [np.concatenate(output) for output in zip(*rows, strict=True)]


def test_every_head_of_a_net_is_fitted() -> None:
    """Two outputs, a map and a row, are centred per class and spread as wanted."""
    net = Net("heads", (3, 32, 48))
    x = net.relu(net.batch_norm(net.conv(net.input, 16, 3, 2)))
    grid = net.conv(net.relu(net.batch_norm(net.conv(x, 16, 3))), 30, bias=True)
    row = net.linear(net.flatten(net.global_avg_pool(x)), 30)
    for output in over_calibration_images(*calibrated(net, [grid, row])):
        axes = (0, *range(2, output.ndim))
        np.testing.assert_allclose(output.mean(axis=axes), 0, atol=0.15)
        spread = output.std(axis=1).mean()
        assert 0.8 * calibration.LOGITS_STD < spread < 1.2 * calibration.LOGITS_STD


def test_a_net_without_head_or_batch_norm_keeps_its_weights() -> None:
    """Nothing is measured where nothing is fitted, and an output need not be scores."""
    net = new_net()
    architecture = net.graph([net.relu(net.conv(net.input, 4, 3))])
    held, before = drawn(architecture), drawn(architecture)
    calibration.calibrate(architecture, held)
    assert all(np.array_equal(held[name], before[name]) for name in before)


def test_shapes_and_tokens_written_for_one_image_take_the_calibration_batch() -> None:
    """Reshape, Resize and a class token are calibrated on many images, as on one."""
    net = Net("tokens", (3, 16, 16))
    x = net.resize(net.batch_norm(net.conv(net.input, 8, 4, 4, padding=0)), 8, 8)
    tokens = net.transpose(net.reshape(x, (1, 8, 64)), (0, 2, 1))
    tokens = net.concat([net.parameter((1, 1, 8), "class_token"), tokens])
    x = net.transpose(net.reshape(tokens, (5, 13, 8, 1)), (0, 2, 1, 3))
    x = net.reshape(net.batch_norm(x), (1, -1))
    (output,) = over_calibration_images(*calibrated(net, [net.linear(x, 20)]))
    assert output.shape == (16, 20)
    np.testing.assert_allclose(output.mean(axis=0), 0, atol=0.1)


@pytest.mark.parametrize(("size", "count"), [(32, 16), (224, 16), (299, 9), (416, 8), (528, 8)])
def test_larger_images_are_fewer(size: int, count: int) -> None:
    """The calibration batch has about as many pixels, so memory stays bounded."""
    assert len(calibration.calibration_images(size, size)) == count
