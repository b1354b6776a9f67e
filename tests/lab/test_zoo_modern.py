"""The efficient and the hard nets are the published ones, in counts, graph and arithmetic."""

import math

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from cutpoint.execution.runtime import onnxruntime_module, quiet_options
from cutpoint.lab.equivalence import TOLERANCE
from cutpoint.lab.zoo import ZOO, sample_images
from cutpoint.lab.zoo.architecture import IR_VERSION, Architecture, num_macs
from cutpoint.lab.zoo.net import Net
from cutpoint.lab.zoo.nets import mobilevit
from cutpoint.lab.zoo.nets.blocks import conv_norm, divisible, squeeze_excite
from cutpoint.lab.zoo.nets.transformer import encoder_block

QUICK = (
    "deit_tiny",
    "fpn_detector",
    "ghostnet",
    "hrnet_w18_small",
    "mobilenet_v3_small",
    "mobilevit_xxs",
)
SLOW = (
    "efficientnet_b4",
    "efficientnet_b5",
    "efficientnet_b6",
    "inception_v3",
    "mobilenet_v3_large",
)

# results/benchmark-infer-amp-nhwc-pt210-cu121-rtx3090.csv of timm: weights in millions,
# operations in thousand millions.
TIMM = (
    ("deit_tiny", "5.72", "1.08"),
    ("ghostnet", "5.18", "0.15"),
    ("hrnet_w18_small", "13.19", "1.61"),
    ("mobilevit_xxs", "1.27", "0.34"),
)

# How the profiler there (fvcore) counts normalisation.
_OPERATIONS_PER_ELEMENT = {"BatchNormalization": 2, "LayerNormalization": 5}

Values = NDArray[np.float32]


def run(model: onnx.ModelProto, image: Values, *, is_optimised: bool = True) -> list[Values]:
    """Give every output of a model for one image."""
    options = quiet_options()
    if not is_optimised:
        levels = onnxruntime_module().GraphOptimizationLevel
        options.graph_optimization_level = levels.ORT_DISABLE_ALL
    session = onnxruntime_module().InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    outputs: list[Values] = session.run(None, {model.graph.input[0].name: image})
    return outputs


def filled(net: Architecture, weights: dict[str, Values]) -> onnx.ModelProto:
    """Give a small net the weights written down for it."""
    model = helper.make_model(net.graph, opset_imports=net.opset_imports, ir_version=IR_VERSION)
    model.graph.initializer.extend(
        numpy_helper.from_array(weight, name) for name, weight in weights.items()
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def drawn(net: Architecture) -> dict[str, Values]:
    """Draw positive weights, good as variances too."""
    rng = np.random.default_rng(3)
    return {
        name: rng.uniform(0.1, 1.0, shape).astype(np.float32) for name, shape in net.shapes.items()
    }


def timm_operations(net: Architecture) -> int:
    """Count as timm's profiler does: with normalisation, without what fused attention hides."""
    shapes = net._value_shapes()
    seen = [
        node for node in net.graph.node if node.op_type != "MatMul" or node.input[1] in net.shapes
    ]
    normalising = sum(
        _OPERATIONS_PER_ELEMENT.get(node.op_type, 0) * math.prod(shapes[node.output[0]])
        for node in seen
    )
    return num_macs(seen, shapes) + normalising


def ancestors(net: Architecture, value: str) -> set[str]:
    """Give every value that a value is computed from."""
    producer = {name: node for node in net.graph.node for name in node.output}
    found: set[str] = set()
    waiting = [value]
    while waiting:
        name = waiting.pop()
        inputs = set(producer[name].input) - found if name in producer else set()
        found |= inputs
        waiting += inputs
    return found


@pytest.mark.parametrize(("name", "millions", "giga"), TIMM)
def test_counts_are_what_timm_measured(name: str, millions: str, giga: str) -> None:
    """Counted as in timm's benchmark tables, weights and operations have the digits there."""
    net = ZOO[name].make()
    assert f"{net.num_parameters / 1e6:.2f}" == millions
    assert f"{timm_operations(net) / 1e9:.2f}" == giga


def test_inception_v3_lacks_only_its_auxiliary_classifier() -> None:
    """With the head that only training uses, the weights are the 27,161,264 of torchvision."""
    conv0, conv1 = 768 * 128 + 2 * 128, 128 * 768 * 5 * 5 + 2 * 768
    auxiliary = conv0 + conv1 + 768 * 1000 + 1000
    assert ZOO["inception_v3"].make().num_parameters + auxiliary == 27_161_264


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(n, marks=pytest.mark.soak) for n in SLOW)])
def test_every_output_is_finite_and_varies_with_the_image(name: str, zoo_model) -> None:
    """The built net is valid, each output differs between images, and rounding stays small."""
    model = onnx.load(zoo_model(name))
    onnx.checker.check_model(model, full_check=True)
    _, height, width = ZOO[name].image
    images = sample_images(2, height, width, seed=1)
    first, second = (run(model, image[None]) for image in images)
    # Without fusion the same sums are rounded elsewhere, as on both sides of a cut.
    unfused = run(model, images[:1], is_optimised=False)
    assert len(first) == len(model.graph.output)
    for one, other, again in zip(first, second, unfused, strict=True):
        assert np.isfinite(one).all()
        assert np.abs(one - other).max() > 0.1 * np.abs(one).max()
        assert np.abs(one - again).max() <= TOLERANCE * np.abs(one).max()


@pytest.mark.parametrize("name", ["deit_tiny", "mobilevit_xxs"])
def test_attention_is_not_fused(name: str) -> None:
    """Each block has its own Softmax between two products, and every operator is ONNX's."""
    nodes = ZOO[name].make().graph.node
    made_by = {value: node.op_type for node in nodes for value in node.output}
    softmaxes = [node.output[0] for node in nodes if node.op_type == "Softmax"]
    assert len(softmaxes) == {"deit_tiny": 12, "mobilevit_xxs": 9}[name]
    assert all(node.domain == "" for node in nodes)
    products = [node for node in nodes if node.op_type == "MatMul"]
    weighing = [node for node in products if made_by.get(node.input[0]) == "Softmax"]
    assert sorted(node.input[0] for node in weighing) == sorted(softmaxes)


def test_branches_of_hrnet_do_not_wait_for_each_other() -> None:
    """In its last stage four values are computed independently, so cuts do not nest."""
    net = ZOO["hrnet_w18_small"].make()
    branches = [f"stages.4.branches.{branch_idx}.1.relu" for branch_idx in range(4)]
    for branch in branches:
        assert not ancestors(net, branch) & (set(branches) - {branch})
    for fused_idx in range(4):
        assert set(branches) <= ancestors(net, f"stages.4.fuse.{fused_idx}.relu")


def test_a_level_of_the_pyramid_sees_the_coarser_ones() -> None:
    """Outputs have the sizes of their strides and depend on features of theirs and larger ones."""
    net = ZOO["fpn_detector"].make()
    features = {8: "backbone.blocks.5.add", 16: "backbone.blocks.11.add"}
    features[32] = "backbone.blocks.14.add"
    for output, stride in zip(net.graph.output, features, strict=True):
        assert output.name == f"stride{stride}"
        dims = [dim.dim_value for dim in output.type.tensor_type.shape.dim]
        assert dims == [1, 255, 320 // stride, 320 // stride]
        laterals = ancestors(net, output.name)
        merged = {other for other in features if f"pyramid.{other}.conv" in laterals}
        assert merged == {other for other in features if other >= stride}
        assert features[stride] in laterals


def test_folding_undoes_unfolding() -> None:
    """MobileViT's tokens are each a pixel of all patches, and go back to where they came from."""
    net = Net("fold", (5, 4, 6))
    tokens = mobilevit._unfold(net, net.input)
    maps = mobilevit._fold(net, tokens, net.shape(net.input))
    image = np.arange(120, dtype=np.float32).reshape(1, 5, 4, 6)
    unfolded, folded = run(filled(net.graph([tokens, maps]), {}), image)
    np.testing.assert_array_equal(folded, image)
    for place, (row, column) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        expected = image[0, :, row::2, column::2].reshape(5, 6).T
        np.testing.assert_array_equal(unfolded[0, place], expected)


def test_an_encoder_block_is_attention_and_an_mlp() -> None:
    """Places by tokens by features come out as the formulas of the paper say."""
    net = Net("block", (2, 6, 8))
    block = encoder_block(net, net.input, heads=2, mlp_ratio=2, activation=net.relu, eps=1e-6)
    architecture = net.graph([block])
    weights = {name: weight - np.float32(0.5) for name, weight in drawn(architecture).items()}
    image = np.random.default_rng(4).standard_normal((1, 2, 6, 8), dtype=np.float32)
    (answer,) = run(filled(architecture, weights), image)
    for place in range(2):
        np.testing.assert_allclose(
            answer[0, place], encoded(image[0, place], weights), rtol=1e-4, atol=1e-4
        )


def encoded(x: Values, weights: dict[str, Values]) -> Values:
    """Compute a block of two heads of four features by its formulas, head by head."""

    def linear(name: str, y: Values) -> Values:
        return y @ weights[f"{name}.linear.weight"] + weights[f"{name}.linear.bias"]

    def norm(name: str, y: Values) -> Values:
        centred = y - y.mean(axis=1, keepdims=True)
        spread = np.sqrt(centred.var(axis=1, keepdims=True) + 1e-6)
        return centred / spread * weights[f"{name}.norm.scale"] + weights[f"{name}.norm.bias"]

    query, key, value = np.split(linear("attention.qkv", norm("attention", x)), 3, axis=1)
    mixed = []
    for head in (slice(0, 4), slice(4, 8)):
        scores = np.exp(query[:, head] @ key[:, head].T / math.sqrt(4))
        mixed.append(scores / scores.sum(axis=1, keepdims=True) @ value[:, head])
    x = x + linear("attention.projection", np.concatenate(mixed, axis=1))
    hidden = np.maximum(linear("mlp.fc1", norm("mlp", x)), 0)
    return x + linear("mlp.fc2", hidden)


def test_squeeze_and_excitation_weighs_whole_channels() -> None:
    """Each channel is multiplied by one number that all channels decide."""
    net = Net("se", (4, 3, 3))
    weighed = squeeze_excite(net, net.input, 2, net.relu, net.sigmoid)
    architecture = net.graph([weighed])
    weights = drawn(architecture)
    image = np.random.default_rng(5).uniform(0.5, 1, (1, 4, 3, 3)).astype(np.float32)
    (answer,) = run(filled(architecture, weights), image)
    down, up = (weights[f"se.conv{number}.weight"][:, :, 0, 0] for number in ("", "_2"))
    hidden = np.maximum(down @ image[0].mean(axis=(1, 2)) + weights["se.conv.bias"], 0)
    gates = 1 / (1 + np.exp(-(up @ hidden + weights["se.conv_2.bias"])))
    np.testing.assert_allclose(answer[0], image[0] * gates[:, None, None], rtol=1e-5)


@pytest.mark.parametrize(("kernel", "stride", "size"), [(3, 1, 9), (5, 1, 9), (3, 2, 5), (5, 2, 5)])
def test_convolutions_are_padded_to_keep_the_size(kernel: int, stride: int, size: int) -> None:
    """At stride 1 the maps stay as they are, at stride 2 they halve, rounded up."""
    net = Net("conv", (4, 9, 9))
    x = conv_norm(net, net.input, 4, kernel, stride, groups=4, activation=net.relu)
    assert net.shape(x) == (1, 4, size, size)
    assert net.num_macs() == 4 * kernel**2 * size**2


@pytest.mark.parametrize(
    ("channels", "divisor", "rounded"),
    [(44.8, 8, 48), (11, 8, 16), (3, 8, 8), (25.6, 8, 24), (168, 4, 168), (18, 4, 20)],
)
def test_channels_round_to_the_divisor_but_not_far_down(
    channels: float, divisor: int, rounded: int
) -> None:
    """The nearest multiple, the next one where that would lose more than a tenth."""
    assert divisible(channels, divisor) == rounded
