"""Preprocessing in the graph: pictures as bytes give what the original gives for floats."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cutpoint.exceptions import ConfigurationError, FeedError, ModelError, UnknownShapeError
from cutpoint.execution import ModelFile, embed_check
from cutpoint.execution.embed import EmbeddedModel, embed
from cutpoint.execution.model_facts import model_facts
from cutpoint.execution.preprocessing import MEANS, STDS, Preprocessing

MEAN, STD = np.array(MEANS["imagenet"]), np.array(STDS["imagenet"])
IMAGENET = {"mean": MEANS["imagenet"], "std": STDS["imagenet"]}

Embed = Callable[..., EmbeddedModel]


def net(inputs: str = "float[1,3,8,10] x", nhwc: bool = False, opset: int = 17) -> str:
    """Write a net of one convolution that tells channels and places apart."""
    turned = "t = Transpose<perm = [0, 3, 1, 2]> (x)" if nhwc else "t = Identity (x)"
    return f"""<ir_version: 8, opset_import: ["" : {opset}]> model ({inputs}) => (float[n, m] y) {{
        {turned}
        c = Conv <pads = [1, 1, 1, 1]> (t, w)
        r = Relu (c)
        p = GlobalAveragePool (r)
        y = Flatten (p)
    }}"""


def model_with_weights(text: str, outputs: int = 4, dtype: type = np.float32) -> onnx.ModelProto:
    """Read a net, and give it weights."""
    model = onnx.parser.parse_model(text)
    weights = np.random.default_rng(0).standard_normal((outputs, 3, 3, 3)).astype(dtype)
    model.graph.initializer.append(onnx.numpy_helper.from_array(weights, "w"))
    return model


def list_weights(model: onnx.ModelProto) -> None:
    """Make it as old files are: weights are among the inputs."""
    model.ir_version = 3
    (weight,) = model.graph.initializer
    info = onnx.helper.make_tensor_value_info(weight.name, weight.data_type, weight.dims)
    model.graph.input.append(info)


@pytest.fixture
def embedded(tmp_path: Path) -> Embed:
    """Give what embeds preprocessing into a model, and checks the file with ONNX's checker."""

    def run(model: onnx.ModelProto, *, source: Path | None = None, **settings) -> EmbeddedModel:
        path = source or tmp_path / "model.onnx"
        if source is None:
            path.write_bytes(model.SerializeToString())
        asked = {k: settings.pop(k) for k in list(settings) if k in _CALL}
        preprocessing = Preprocessing(**{**IMAGENET, **settings})
        found = embed(ModelFile.open(path), preprocessing, tmp_path / "bytes.onnx", **asked)
        onnx.checker.check_model(str(found.file.path), full_check=True)
        return found

    return run


_CALL = ("input_name", "picture_name", "sizes", "feed", "options", "overwrite", "verify")


def run(model: Path | bytes, feed: dict) -> list:
    """Run a model as ONNX Runtime does by default."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, feed)


def pictures(*shape: int) -> np.ndarray:
    """Give noise."""
    return np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)


def normalised(rgb: np.ndarray) -> np.ndarray:
    """Do what every tutorial does to a batch of pictures for a net that takes NCHW."""
    return ((rgb / 255 - MEAN) / STD).astype(np.float32).transpose(0, 3, 1, 2)


def read(found: EmbeddedModel) -> onnx.GraphProto:
    """Give the graph that was written."""
    return onnx.load(found.file.path, load_external_data=False).graph


def sizes_of(value: onnx.ValueInfoProto) -> list:
    """Give a value's dimensions, numbers and names."""
    return [each.dim_value or each.dim_param for each in value.type.tensor_type.shape.dim]


def test_bytes_give_what_floats_gave(embedded: Embed, tmp_path: Path) -> None:
    """The usual case, end to end, on a picture that the check did not see."""
    found = embedded(model_with_weights(net()))
    assert (found.picture, found.layout, found.made) == ("x_uint8", "nhwc", "x")
    assert (found.opset, found.opset_before) == (17, 17)
    assert found.check is not None
    assert found.check.pictures == ((1, 8, 10, 3),)
    assert found.check.largest_difference < 1e-5
    assert found.check.largest_levels < 1e-3
    frame = pictures(1, 8, 10, 3)
    (wanted,) = run(tmp_path / "model.onnx", {"x": normalised(frame)})
    (given,) = run(found.file.path, {"x_uint8": frame})
    np.testing.assert_allclose(given, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("layout", "turn"),
    [
        ("nhwc", lambda frame: frame[None]),
        ("hwc", lambda frame: frame),
        ("nchw", lambda frame: frame.transpose(2, 0, 1)[None]),
        ("chw", lambda frame: frame.transpose(2, 0, 1)),
    ],
)
@pytest.mark.parametrize("nhwc", [False, True])
@pytest.mark.parametrize("opset", [7, 13])
def test_every_layout_on_both_sides(
    embedded: Embed, tmp_path: Path, layout: str, turn: Callable, nhwc: bool, opset: int
) -> None:
    """At old and new opsets, none of them raised; colours as OpenCV has them, too."""
    shape = "1,8,10,3" if nhwc else "1,3,8,10"
    model = model_with_weights(net(f"float[{shape}] x", nhwc, opset))
    if opset == 7:
        list_weights(model)
    found = embedded(model, layout=layout, channels="bgr")
    assert (found.layout, found.opset) == (layout, opset)
    assert found.file.inputs == ("x_uint8",)
    frame = pictures(8, 10, 3)
    made = normalised(frame[None, ..., ::-1])
    wanted = run(tmp_path / "model.onnx", {"x": made.transpose(0, 2, 3, 1) if nhwc else made})
    given = run(found.file.path, {"x_uint8": np.ascontiguousarray(turn(frame))})
    np.testing.assert_allclose(given[0], wanted[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("inputs", "shape", "layout"),
    [
        ("float[batch,3,height,width] x", ["batch", "height", "width", 3], None),
        ("float[batch,3,height,width] x", ["height", "width", 3], "hwc"),
        ("float[n,3,8,10] x", ["n", 8, 10, 3], None),
        ("float[1,3,h,h] x", [1, "h", "h", 3], None),
    ],
)
def test_open_dimensions_stay_open(
    embedded: Embed, tmp_path: Path, inputs: str, shape: list, layout: str | None
) -> None:
    """Under their names; without a batch, that of the model is 1 from then on."""
    found = embedded(model_with_weights(net(inputs)), layout=layout)
    graph = read(found)
    assert sizes_of(graph.input[0]) == shape
    assert ("batch" in [d for v in graph.value_info for d in sizes_of(v)]) == ("batch" in shape)
    count = 1 if layout or inputs.startswith("float[1") else 3
    frames = pictures(count, 8, 8 if "h,h" in inputs else 10, 3)
    (wanted,) = run(tmp_path / "model.onnx", {"x": normalised(frames)})
    (given,) = run(found.file.path, {"x_uint8": frames[0] if layout else frames})
    np.testing.assert_allclose(given, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("frame", [(33, 47), (5, 61), (4, 3)])
@pytest.mark.parametrize("mode", ["linear-antialias", "cubic-antialias"])
def test_frames_of_any_size_are_resized_as_pillow_does(
    embedded: Embed, tmp_path: Path, frame: tuple[int, int], mode: str
) -> None:
    """The resized picture is a value of bytes, which may cross as well; opset 18 has it."""
    found = embedded(model_with_weights(net()), size=(10, 8), resize_mode=mode)
    assert (found.opset, found.opset_before) == (18, 17)
    assert found.check is not None
    assert len(found.check.pictures) == 3
    graph = read(found)
    assert sizes_of(graph.input[0]) == [1, "height", "width", 3]
    resize = next(node for node in graph.node if node.op_type == "Resize").output[0]
    seen = onnx.load(found.file.path)
    seen.graph.output.append(onnx.ValueInfoProto(name=resize))
    taken = pictures(1, *frame, 3)
    given = run(seen.SerializeToString(), {"x_uint8": taken})[1][0]
    resample = {"linear": Image.Resampling.BILINEAR, "cubic": Image.Resampling.BICUBIC}
    wanted = Image.fromarray(taken[0]).resize((10, 8), resample[mode.partition("-")[0]])
    assert np.abs(given.astype(int) - np.asarray(wanted)).max() <= 2


@pytest.mark.parametrize(
    ("inputs", "opset", "raised"),
    [("float[n,3,8,10] x", 9, 11), ("float[n,3,8,10] x", 11, 11), ("float[1,3,8,10] x", 17, 17),
     ("float[n,3,8,10] x", 17, 17), ("float[n,3,8,10] x", 18, 18), ("float[n,3,8,10] x", 21, 21)],
)  # fmt: skip
@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
def test_opset_is_raised_only_for_what_it_lacks(
    embedded: Embed, inputs: str, opset: int, raised: int, layout: str
) -> None:
    """Linear resizing needs 11: each side of it is written in its own opset's words."""
    model = model_with_weights(net(inputs, opset=opset))
    found = embedded(model, size=(10, 8), resize_mode="linear", layout=layout)
    assert (found.opset_before, found.opset) == (opset, raised)
    assert found.check is not None
    assert found.check.largest_difference < 0.01
    assert found.check.largest_levels <= 1.01


def test_names_of_open_sizes_are_its_own(embedded: Embed) -> None:
    """The model's own height is what is resized to; that of frames is another."""
    found = embedded(model_with_weights(net("float[1,3,height,width] x")), size=(16, 12))
    graph = read(found)
    assert sizes_of(graph.input[0]) == [1, "height_2", "width_2", 3]
    made = next(value for value in graph.value_info if value.name == "x")
    assert sizes_of(made) == [1, 3, 12, 16]


@pytest.mark.parametrize("kind", ["float16", "double", "bfloat16"])
def test_other_floats(embedded: Embed, model_of, kind: str) -> None:
    """Half precision is rounded to at the end; what the runtime cannot run is only written."""
    model = model_of(f"({kind}[1,3,8,10] x) => ({kind}[1,3,8,10] y) {{ y = Identity (x) }}")
    found = embedded(model)
    assert found.check is not None
    assert found.check.why_not == ""
    assert found.check.largest_levels < {"double": 1e-6, "float16": 0.2, "bfloat16": 1.5}[kind]
    last = [node for node in read(found).node if node.output[0] == "x"]
    assert len(last) == 1


def test_a_float16_net(embedded: Embed, tmp_path: Path) -> None:
    """A real one, whose kernels compute in float32."""
    text = net("float16[1,3,8,10] x").replace("(float[n, m] y)", "(float16[n, m] y)")
    found = embedded(model_with_weights(text, dtype=np.float16))
    frame = pictures(1, 8, 10, 3)
    (wanted,) = run(tmp_path / "model.onnx", {"x": normalised(frame).astype(np.float16)})
    (given,) = run(found.file.path, {"x_uint8": frame})
    np.testing.assert_allclose(given, wanted, rtol=0.02, atol=0.01)


def test_one_channel_and_no_batch(embedded: Embed, model_of) -> None:
    """A grey picture by itself; a mean of 0 and a deviation of 1 cost no node."""
    model = model_of("(float[h,w,1] x) => (float[h,w,1] y) { y = Neg (x) }")
    found = embedded(model, mean=(0,), std=(1,), scale=1.0)
    assert found.layout == "hwc"
    assert found.file.num_nodes == len(read(found).node)
    assert {node.op_type for node in read(found).node}.isdisjoint({"Mul", "Add"})
    frame = pictures(5, 6, 1)
    np.testing.assert_array_equal(run(found.file.path, {"x_uint8": frame})[0], -frame.astype(float))


def test_weights_beside_the_model_go_beside_the_new_one(embedded: Embed, tmp_path: Path) -> None:
    """From file to file; inside a model file, they stay inside."""
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "model.onnx"
    model = model_with_weights(net(), outputs=64)
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=0)
    found = embedded(model, source=path)
    assert found.file.data == tmp_path / "bytes.onnx.data"
    frame = pictures(1, 8, 10, 3)
    (wanted,) = run(path, {"x": normalised(frame)})
    np.testing.assert_allclose(run(found.file.path, {"x_uint8": frame})[0], wanted, rtol=1e-5)
    inside = embedded(model_with_weights(net(), outputs=64), overwrite=True)
    assert inside.file.data is None
    assert not (tmp_path / "bytes.onnx.data").exists()


def test_everything_else_stays(embedded: Embed) -> None:
    """Nodes, weights, functions, metadata, other inputs and their place, sub-graphs' captures."""
    model = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 17, "own" : 1]>
    model (bool on, float[1,3,h,w] x, float[h] rows) => (float[1,3,h,w] y) {
        a = own.last (x)
        y = If (on) <then_branch = yes () => (float[1,3,h,w] t) { t = Add (x, a) },
                     else_branch = no () => (float[1,3,h,w] e) { e = Sub (x, a) }>
    }
    <domain: "own", opset_import: ["" : 17]> last (v) => (r) { r = Neg (v) }
    """)
    model.producer_name = "exporter"
    model.metadata_props.add(key="author", value="somebody")
    found = embedded(model)
    written = onnx.load(found.file.path)
    assert [value.name for value in written.graph.input] == ["on", "x_uint8", "rows"]
    assert list(written.graph.node)[-2:] == list(model.graph.node)
    assert written.functions == model.functions
    assert written.producer_name == "exporter"
    told = {each.key: each.value for each in written.metadata_props}
    assert told == {
        "author": "somebody",
        "Image.BitmapPixelFormat": "Rgb8",
        "Image.NominalPixelRange": "NominalRange_0_255",
    }
    assert found.check is not None
    assert found.check.largest_difference is not None


def test_inputs_and_sizes_are_for_the_comparison(embedded: Embed) -> None:
    """Of the new model: what is given is run, and must suit it."""
    model = model_with_weights(net("float[batch,3,height,width] x"))
    frame = pictures(4, 6, 7, 3)
    found = embedded(model, feed={"x_uint8": frame})
    assert found.check is not None
    assert found.check.pictures == ((4, 6, 7, 3),)
    assert dict(found.check.sizes) == {"batch": 4, "height": 6, "width": 7}
    sized = embedded(model, sizes={"height": 9}, overwrite=True)
    assert sized.check is not None
    assert sized.check.sizes["height"] == 9
    with pytest.raises(FeedError, match="x_uint8"):
        embedded(model, feed={"x": normalised(frame)}, overwrite=True)
    with pytest.raises(UnknownShapeError, match="no open dimension 'depth'"):
        embedded(model, sizes={"depth": 9}, overwrite=True)


def test_made_up_pictures_that_do_not_suit_are_no_error(embedded: Embed, model_of) -> None:
    """The file is written, and it is said that nothing was compared."""
    model = model_of(
        "(float[1,3,h,w] x, int64[4] shape) => (float[a,b,c,d] y) { y = Reshape (x, shape) }"
    )
    found = embedded(model)
    assert found.check is not None
    assert found.check.largest_difference is None
    assert "made-up inputs do not suit it" in found.check.why_not


def test_random_models_are_not_compared(embedded: Embed, model_of) -> None:
    """Two runs differ anyway."""
    model = model_of(
        "(float[1,3,4,4] x) => (float[1,3,4,4] y) { n = RandomNormalLike (x)  y = Add (n, x) }"
    )
    found = embedded(model)
    assert found.check is not None
    assert "random" in found.check.why_not


def test_a_graph_that_computes_something_else_is_not_written(
    embedded: Embed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by the preprocessing itself; and where that is right, by the model's answers."""
    factors = Preprocessing.factors
    calls = []

    def wrong(self: Preprocessing, num_channels: int) -> tuple:
        calls.append(num_channels)
        factor, shift = factors(self, num_channels)
        return factor, shift + (0.1 if len(calls) == 2 else 0)  # what the nodes are made of

    monkeypatch.setattr(Preprocessing, "factors", wrong)
    with pytest.raises(ModelError, match=r"preprocessing in the graph is \d\S+ levels of 255 off"):
        embedded(model_with_weights(net()))
    monkeypatch.undo()
    monkeypatch.setattr(embed_check, "_MOST_DIFFERENCE", -1.0)
    with pytest.raises(ModelError, match=r"output 'y' of 'model' .* nothing was written"):
        embedded(model_with_weights(net()))
    assert [each.name for each in tmp_path.iterdir()] == ["model.onnx"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(int64[1,3,8,8] x) => (int64[1,3,8,8] y)", "'x' takes int64, no floats"),
        ("(uint8[1,8,8,3] x) => (uint8[1,8,8,3] y)", "'x' takes uint8, no floats"),
        ("(float[1,128] x) => (float[1,128] y)", "'x' has 2 dimensions, a picture 3"),
        ("(float[1,3,4,8,8] x) => (float[1,3,4,8,8] y)", "'x' has 5 dimensions"),
        ("(float[1,64,8,8] x) => (float[1,64,8,8] y)", "'x' has no dimension for the 3 channels"),
        ("(float[1,c,8,8] x) => (float[1,c,8,8] y)", "'x' has no dimension for the 3 channels"),
        ("(seq(float[2]) x) => (seq(float[2]) y)", "'x' is no tensor"),
    ],
)  # fmt: skip
def test_inputs_that_are_no_pictures_are_refused(
    embedded: Embed, tmp_path: Path, model_of, text: str, words: str
) -> None:
    """Each with its reason, and nothing is written."""
    with pytest.raises(ModelError) as refused:
        embedded(model_of(f"{text} {{ y = Identity (x) }}"))
    assert f"no input of 'model' takes pictures: {words}" in str(refused.value)
    with pytest.raises(ModelError, match="input 'x' of 'model'"):
        embedded(model_of(f"{text} {{ y = Identity (x) }}"), input_name="x")
    assert not (tmp_path / "bytes.onnx").exists()


TWO = "(float[1,3,8,8] left, float[1,3,8,8] right) => (float[1,3,8,8] y) { y = Add (left, right) }"
ONE = "(float[1,3,8,3] x) => (float[1,3,8,3] y) { y = Neg (x) }"
BATCH = "(float[4,3,8,8] x) => (float[4,3,8,8] y) { y = Neg (x) }"
ALONE = "(float[3,8,8] x) => (float[3,8,8] y) { y = Neg (x) }"
GREY = "(float[1,1,8,8] x) => (float[1,1,8,8] y) { y = Neg (x) }"


@pytest.mark.parametrize(
    ("text", "settings", "words"),
    [
        (TWO, {}, "several inputs that may be pictures, left, right"),
        (TWO, {"input_name": "up"}, "has no input 'up': it has left, right"),
        (TWO, {"input_name": "left", "picture_name": "right"}, "has a value 'right' already"),
        (ONE, {}, "may be nchw or nhwc: say which"),
        (BATCH, {"layout": "hwc"}, "takes a batch of 4 pictures"),
        (ALONE, {"layout": "nhwc"}, "takes one picture, chw, no batch"),
        (BATCH, {"size": (9, 8)}, "takes pictures of 8x8 pixels, none of (9, 8)"),
        (GREY, {"mean": (0.5,), "std": (1.0,), "channels": "bgr"}, "1 channels has no bgr"),
        (BATCH, {"mean": (1.0, 2.0)}, "mean has 2 numbers, the model takes 3 channels"),
        (BATCH, {"std": (1.0, 0.0, 1.0)}, "std has a 0"),
        (BATCH, {"mean": (float("nan"),)}, "mean (nan,) is not a number"),
        (BATCH, {"mean": ()}, "mean () is not a number"),
        (BATCH, {"scale": 0.0}, "scale 0.0 is no factor"),
        (BATCH, {"layout": "hwcn"}, "layout 'hwcn' is none of nhwc, hwc, nchw, chw"),
        (BATCH, {"channels": "gbr"}, "channels 'gbr' is none of rgb, bgr"),
        (BATCH, {"resize_mode": "area"}, "resize-mode 'area' is none of linear, "),
        (BATCH, {"size": (0, 8)}, "size (0, 8) has no pixel"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit_are_refused(
    embedded: Embed, tmp_path: Path, model_of, text: str, settings: dict, words: str
) -> None:
    """What is wrong, by name, and what to do."""
    with pytest.raises(ConfigurationError) as refused:
        embedded(model_of(text), **settings)
    assert words in str(refused.value)
    assert not (tmp_path / "bytes.onnx").exists()


def test_what_is_named_settles_what_may_be_meant(embedded: Embed, model_of) -> None:
    """Of two inputs one; of two layouts one; an open number of channels."""
    found = embedded(model_of(TWO), input_name="right", picture_name="camera")
    assert found.file.inputs == ("left", "camera")
    nhwc = embedded(model_of(ONE), model_layout="nhwc", overwrite=True)
    assert sizes_of(read(nhwc).input[0]) == [1, 3, 8, 3]
    open_ = "(float[1,c,8,8] x) => (float[1,c,8,8] y) { y = Neg (x) }"
    counted = embedded(model_of(open_), model_layout="nchw", overwrite=True)
    assert sizes_of(read(counted).input[0]) == [1, 8, 8, 3]


def test_a_model_that_cannot_be_raised_says_what_to_do(embedded: Embed) -> None:
    """Functions of its own, which onnx's converter drops: another mode, or another export."""
    model = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 17, "own" : 1]>
    model (float[1,3,8,8] x) => (float[1,3,8,8] y) { y = own.last (x) }
    <domain: "own", opset_import: ["" : 17]> last (v) => (r) { r = Neg (v) }
    """)
    with pytest.raises(ModelError, match=r"opset 17, 18 has the Resize .* resize in mode linear"):
        embedded(model, size=(8, 8))
    assert embedded(model, size=(8, 8), resize_mode="linear").opset == 17


def test_files_are_not_written_over(embedded: Embed, tmp_path: Path) -> None:
    """Neither the model itself, nor, unasked, what is there already."""
    model = model_with_weights(net())
    embedded(model)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        embedded(model)
    before = (tmp_path / "model.onnx").read_bytes()
    with pytest.raises(FileExistsError, match="is the model itself"):
        embed(
            ModelFile.open(tmp_path / "model.onnx"),
            Preprocessing(**IMAGENET),
            tmp_path / "model.onnx",
            overwrite=True,
        )
    assert (tmp_path / "model.onnx").read_bytes() == before


def test_a_model_given_as_bytes(tmp_path: Path) -> None:
    """As any other, without files of its own."""
    file = ModelFile.open(model_with_weights(net()).SerializeToString())
    found = embed(file, Preprocessing(**IMAGENET), tmp_path / "new" / "bytes.onnx")
    assert found.check is not None
    assert found.check.largest_difference is not None
    assert model_facts(ModelFile.open(found.file.path)).opset == 17


@given(
    frame=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    size=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    mode=st.sampled_from(["linear", "linear-antialias", "cubic-antialias"]),
    layout=st.sampled_from(["nhwc", "hwc", "nchw", "chw"]),
    seed=st.integers(0, 9),
)
@settings(max_examples=25)
def test_any_frame_is_resized_as_numpy_does_it(
    frame: tuple[int, int], size: tuple[int, int], mode: str, layout: str, seed: int
) -> None:
    """Noise of any size to any size: the check that every file goes through holds."""
    taken = f"1,3,{size[1]},{size[0]}"
    text = f"""<ir_version: 8, opset_import: ["" : 18]> model
        (float[{taken}] x) => (float[{taken}] y) {{ y = Neg (x) }}"""
    file = ModelFile.open(onnx.parser.parse_model(text).SerializeToString())
    shapes = {"n": 1, "h": frame[0], "w": frame[1], "c": 3}
    noise = np.random.default_rng(seed).integers(
        0, 256, [shapes[axis] for axis in layout], dtype=np.uint8
    )
    preprocessing = Preprocessing(
        **IMAGENET, size=size, resize_mode=mode, layout=layout, model_layout="nchw"
    )
    with tempfile.TemporaryDirectory() as folder:
        found = embed(file, preprocessing, Path(folder) / "b.onnx", feed={"x_uint8": noise})
    assert found.check is not None
    assert found.check.pictures == (noise.shape,)
    assert found.check.largest_levels <= {"linear": 1.01, "linear-antialias": 1.01}.get(mode, 2.01)
