"""``cutpoint embed``: what goes in front of a model, as the user writes it."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

IMAGENET = ("--mean", "imagenet", "--std", "imagenet")


def test_a_model_of_bytes_is_written(cutpoint, six_convs: Path, tmp_path: Path) -> None:
    """What was made of what, and how it compares, for programs."""
    output = tmp_path / "new" / "bytes.onnx"
    told = cutpoint("embed", six_convs, *IMAGENET, "-o", output, "--json")
    assert (told.code, told.err) == (0, "")
    document = json.loads(told.out)
    onnx.checker.check_model(str(output), full_check=True)
    assert document["path"] == str(output)
    assert document["size_bytes"] == output.stat().st_size
    assert document["inputs"] == ["image_uint8"]
    assert document["outputs"] == ["brightest", "classes"]
    assert (document["picture"], document["layout"], document["made"]) == (
        "image_uint8", "nhwc", "image",
    )  # fmt: skip
    assert (document["opset"], document["opset_before"]) == (17, 17)
    assert document["pictures_compared"] == [[1, 64, 64, 3]]
    assert document["largest_difference"] < 1e-4
    assert document["largest_levels"] < 1e-3


def test_people_are_told_what_was_written(cutpoint, six_convs: Path, tmp_path: Path) -> None:
    """The file, its new input, an opset that was raised, and how far the answers are apart."""
    told = cutpoint("embed", six_convs, *IMAGENET, "--resize", "64x64", "-o", tmp_path / "b.onnx")
    assert (told.code, told.err) == (0, "")
    written, takes, compared = told.out.splitlines()
    assert written.startswith(f"wrote {tmp_path}/b.onnx: 25 nodes, ")
    assert written.endswith("opset 18 (raised from 17)")
    assert takes == "image_uint8 (nhwc, uint8) takes the place of image"
    assert compared.startswith("pictures of 1x131x193x3, 1x33x69x3, 1x64x64x3, beside the original")


def test_every_setting_arrives(cutpoint, six_convs: Path, tmp_path: Path) -> None:
    """Numbers, fractions, layouts and names, read out of the file that was written."""
    path = tmp_path / "b.onnx"
    told = cutpoint(
        "embed", six_convs, "--mean", "0.25,0.5,0.75", "--std", "2", "--scale", "1/128",
        "--layout", "chw", "--channels", "bgr", "--resize", "64x64", "--resize-mode", "linear",
        "--input", "image", "--name", "camera", "-o", path, "--no-verify", "--json",
    )  # fmt: skip
    assert (told.code, told.err) == (0, "")
    assert json.loads(told.out)["largest_difference"] is None
    graph = onnx.load(path).graph
    assert graph.input[0].name == "camera"
    sizes = [each.dim_value or each.dim_param for each in graph.input[0].type.tensor_type.shape.dim]
    assert sizes == [3, "height", "width"]
    numbers = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    by_kind = {node.op_type: node for node in graph.node[:9]}
    assert numbers[by_kind["Gather"].input[1]].tolist() == [2, 1, 0]
    assert numbers[by_kind["Mul"].input[1]] == np.float32(1 / 256)
    np.testing.assert_allclose(
        numbers[by_kind["Add"].input[1]].ravel(), [-0.125, -0.25, -0.375], rtol=1e-6
    )


def test_inputs_and_sizes_are_for_the_comparison(cutpoint, tmp_path: Path, model_of) -> None:
    """Of the new model: what is given is run, and told."""
    text = "(float[batch,3,h,w] x) => (float[batch,3,h,w] y) { y = Neg (x) }"
    onnx.save(model_of(text), tmp_path / "model.onnx")
    np.savez(tmp_path / "in.npz", x_uint8=np.ones((2, 5, 6, 3), np.uint8))
    asked = ("embed", tmp_path / "model.onnx", *IMAGENET, "-o", tmp_path / "b.onnx", "--force",
             "--json")  # fmt: skip
    given = json.loads(cutpoint(*asked, "--feed", tmp_path / "in.npz").out)
    assert given["pictures_compared"] == [[2, 5, 6, 3]]
    sized = json.loads(cutpoint(*asked, "--size", "h=9", "--untrusted").out)
    assert sized["compared_at"]["h"] == 9
    resized = json.loads(cutpoint(*asked, "--resize", "7x5", "--size", "height=9").out)
    assert {shape[1] for shape in resized["pictures_compared"]} == {9}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("--mean photo --std 1", "ConfigurationError: mean 'photo': write a number per channel"),
        ("--mean 0 --std 1,,1", "ConfigurationError: std '1,,1': write a number per channel"),
        ("--mean 0 --std 1 --scale 1/0", "ConfigurationError: scale '1/0': write a number"),
        ("--mean 0 --std 1 --scale big", "ConfigurationError: scale 'big': write a number"),
        ("--mean 0 --std 1 --resize 9", "ConfigurationError: resize '9': write WxH in pixels"),
        ("--mean 0 --std 0", "ConfigurationError: std has a 0"),
        ("--mean 0 --std 1 --layout hw", "ConfigurationError: layout 'hw' is none of"),
        ("--mean 0 --std 1 --input b", "ConfigurationError: 'six_convs' has no input 'b'"),
        ("--mean 0,0 --std 1", "ModelError: no input of 'six_convs' takes pictures"),
        ("--mean 0 --std 1 --size h=1", "UnknownShapeError: the model has no open dimension 'h'"),
        ("--mean 0 --std 1 --size h", "UnitError: size 'h' has no name"),
        ("--mean 0 --std 1 --feed no.npz", "FeedError: inputs no.npz"),
    ],
)
def test_what_cannot_be_embedded_is_one_line(
    cutpoint, six_convs: Path, tmp_path: Path, arguments: str, error: str
) -> None:
    """A typed error, exit code 1, and no file."""
    told = cutpoint("embed", six_convs, *arguments.split(), "-o", tmp_path / "b.onnx")
    assert told.code == 1
    assert told.out == ""
    assert told.err.startswith(f"error: {error}")
    assert not list(tmp_path.rglob("*.onnx"))


def test_files_stay_without_force(cutpoint, six_convs: Path, tmp_path: Path) -> None:
    """The option is named."""
    asked = ("embed", six_convs, *IMAGENET, "-o", tmp_path / "b.onnx")
    assert cutpoint(*asked).code == 0
    again = cutpoint(*asked)
    assert again.code == 1
    assert "--force" in again.err
    assert cutpoint(*asked, "--force").code == 0


def test_the_new_model_is_a_model_as_any(cutpoint, six_convs: Path, tmp_path: Path) -> None:
    """Inspected, split behind the resized picture, profiled and planned for frames of a size."""
    path = tmp_path / "b.onnx"
    assert cutpoint("embed", six_convs, *IMAGENET, "--resize", "64x64", "-o", path).code == 0
    sizes = ("--size", "height=90", "--size", "width=120")
    inspected = json.loads(cutpoint("inspect", path, *sizes, "--all", "--json").out)
    cuts = {tuple(cut["values"]): cut for cut in inspected["candidates"]}
    assert cuts["image_uint8.resize",]["size_bytes"] == 64 * 64 * 3
    split = cutpoint("split", path, "--at", "image_uint8.resize", *sizes, "-o", tmp_path / "p")
    assert (split.code, split.err) == (0, "")
    tail = onnx.load(tmp_path / "p" / "tail.onnx").graph.input[0].type.tensor_type
    assert tail.elem_type == onnx.TensorProto.UINT8
    profile = tmp_path / "profile.json"
    assert cutpoint("profile", path, *sizes, "--repeats", 2, "-o", profile).code == 0
    asked = ("--device", profile, "--server", "8x", "--link", "5Mbit/s,1ms", "--json")
    planned = cutpoint("plan", path, *sizes, *asked)
    assert (planned.code, planned.err) == (0, "")
