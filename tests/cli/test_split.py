"""``cutpoint split``: two files of a cut, as the user names it."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from cutpoint.graph import cut_id
from cutpoint.lab.zoo.text_encoder import text_encoder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a text encoder with open batch and length."""
    path = tmp_path_factory.mktemp("models") / "encoder.onnx"
    onnx.save(text_encoder(num_layers=1, features=32), path)
    return path


BOTH = ("embedding.norm", "mask_bias")


@pytest.mark.parametrize(
    "at",
    [
        ("--at", "embedding.norm,mask_bias"),
        ("--at", "embedding.norm", "--at", "mask_bias"),
        ("--at", " mask_bias , embedding.norm "),
        ("--at", cut_id(["embedding.norm", "mask_bias"])),
        ("--at", cut_id(["mask_bias"]), "--at", cut_id(["embedding.norm"])),
    ],
)
def test_values_and_ids_name_a_cut(
    cutpoint, encoder: Path, tmp_path: Path, at: tuple[str, ...]
) -> None:
    """Joined by commas, one by one, by the id that inspect shows, or by that of a value."""
    told = cutpoint("split", encoder, *at, "-o", tmp_path, "--json")
    assert (told.code, told.err) == (0, "")
    document = json.loads(told.out)
    assert document["crossing"] == ["embedding.norm", "mask_bias"]
    assert document["head"]["path"] == str(tmp_path / "head.onnx")
    assert document["tail"]["inputs"] == ["embedding.norm", "mask_bias"]
    assert document["tail"]["outputs"] == ["labels"]
    assert (document["largest_difference"], document["not_compared_because"]) == (0, None)
    assert document["compared_at"] == {"batch": 2, "length": 2}
    for part in ("head", "tail"):
        path = document[part]["path"]
        onnx.checker.check_model(path, full_check=True)
        assert document[part]["size_bytes"] == Path(path).stat().st_size
        assert document[part]["nodes"] == len(onnx.load(path).graph.node)


def test_a_value_may_have_a_comma_in_its_name(cutpoint, tmp_path: Path, model_of) -> None:
    """A name is looked for before it is taken apart."""
    model = model_of("(float[2] x) => (float[2] y) { a = Neg (x)  y = Abs (a) }")
    model.graph.node[0].output[0] = model.graph.node[1].input[0] = "a,b"
    onnx.save(model, tmp_path / "comma.onnx")
    told = cutpoint("split", tmp_path / "comma.onnx", "--at", "a,b", "-o", tmp_path, "--json")
    assert json.loads(told.out)["crossing"] == ["a,b"]


def test_people_are_told_what_was_written(cutpoint, six_convs: Path, tmp_path: Path) -> None:
    """Both files with what they take and give, and how far their answers are from the whole's."""
    told = cutpoint("split", six_convs, "--at", "pool1", "-o", tmp_path / "parts")
    assert (told.code, told.err) == (0, "")
    head, tail, name, compared = told.out.splitlines()
    assert head.startswith(f"wrote {tmp_path}/parts/head.onnx: 7 nodes, ")
    assert head.endswith("image -> brightest, pool1")
    assert tail.endswith("pool1 -> classes")
    sha256 = hashlib.sha256(six_convs.read_bytes()).hexdigest()
    assert name == f"a server has the tail as six_convs.{sha256[:12]}.{cut_id(['pool1'])}"
    assert "largest difference 0 " in compared


def test_a_codec_is_told_with_what_it_loses(cutpoint, six_convs: Path, tmp_path: Path) -> None:
    """The tail takes typed tensors and has a name of its own; the exact difference is told too."""
    asked = ("split", six_convs, "--at", "pool1", "-o", tmp_path, "--codec", "uint8", "--force")
    told = cutpoint(*asked)
    assert (told.code, told.err) == (0, "")
    head, _, name, compared = told.out.splitlines()
    assert head.endswith("-> brightest, pool1.uint8, pool1.uint8.scale, pool1.uint8.zero_point")
    assert name.endswith(f".{cut_id(['pool1'])}.uint8")
    assert "largest difference 0 " in compared
    assert "without uint8, 0.0" in compared
    document = json.loads(cutpoint(*asked, "--json").out)
    assert document["codec"] == "uint8"
    assert document["tail_name"] == name.split()[-1]
    assert 0 < document["coded_difference"] < 0.1
    exact = json.loads(cutpoint(*asked[:6], "--force", "--json").out)
    assert (exact["codec"], exact["coded_difference"]) == (None, None)


def test_inputs_and_sizes_are_for_the_comparison(cutpoint, encoder: Path, tmp_path: Path) -> None:
    """What is given is run, and told; without a comparison nothing is told of one."""
    tokens = np.ones((3, 5), np.int64)
    np.savez(tmp_path / "in.npz", tokens=tokens, mask=tokens)
    asked = ("split", encoder, "--at", ",".join(BOTH), "-o", tmp_path, "--force", "--json")
    given = json.loads(cutpoint(*asked, "--input", tmp_path / "in.npz").out)
    assert given["compared_at"] == {"batch": 3, "length": 5}
    sized = json.loads(cutpoint(*asked, "--size", "length=9").out)
    assert sized["compared_at"] == {"batch": 2, "length": 9}
    unverified = json.loads(cutpoint(*asked, "--no-verify").out)
    assert unverified["largest_difference"] is unverified["compared_at"] is None


def test_made_up_inputs_that_do_not_suit_are_told(cutpoint, tmp_path: Path, model_of) -> None:
    """The files are there, a note says why they were not run."""
    model = model_of(
        "(float[n, 4] x, int64[2] shape) => (float[p, q] y) "
        "{ a = Neg (x)  b = Reshape (a, shape)  y = Abs (b) }"
    )
    onnx.save(model, tmp_path / "model.onnx")
    told = cutpoint("split", tmp_path / "model.onnx", "--at", "a,shape", "-o", tmp_path / "parts")
    assert told.code == 0
    assert "not compared with the whole: made-up inputs do not suit it" in told.err
    assert (tmp_path / "parts" / "tail.onnx").exists()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("--at nope", "InvalidCutError: 'nope' is not a computed value"),
        ("--at weight3", "InvalidCutError: 'weight3' is a weight"),
        ("--at 0123456789ab", "InvalidCutError: no value and no cut of 'six_convs' is '0123456789"),
        ("--at image", "InvalidCutError: nothing of 'six_convs' is computed before"),
        ("--at pool1,pool2", "InvalidCutError: cutting 'six_convs' at"),
        ("--at pool1 --size batch=1", "UnknownShapeError: the model has no open dimension 'batch'"),
        ("--at pool1 --size batch", "UnitError: size 'batch' has no name"),
        ("--at pool1 --input missing.npz", "FeedError: inputs missing.npz"),
        ("--at pool1 --codec jpeg", "CodecError: no operator of ONNX undoes codec 'jpeg'"),
    ],
)
def test_what_cannot_be_split_is_one_line(
    cutpoint, six_convs: Path, tmp_path: Path, arguments: str, error: str
) -> None:
    """A typed error, exit code 1, and no file."""
    told = cutpoint("split", six_convs, *arguments.split(), "-o", tmp_path / "parts")
    assert told.code == 1
    assert told.out == ""
    assert told.err.startswith(f"error: {error}")
    assert not list(tmp_path.rglob("*.onnx"))


def test_files_stay_without_force(cutpoint, six_convs: Path, tmp_path: Path) -> None:
    """The option is named."""
    assert cutpoint("split", six_convs, "--at", "pool1", "-o", tmp_path).code == 0
    again = cutpoint("split", six_convs, "--at", "pool2", "-o", tmp_path)
    assert again.code == 1
    assert "--force" in again.err
    assert cutpoint("split", six_convs, "--at", "pool2", "-o", tmp_path, "--force").code == 0


def test_an_untrusted_file_is_vetted_first(cutpoint, tmp_path: Path, six_convs: Path) -> None:
    """One that is sound is split; one that reaches outside its folder is refused."""
    sound = cutpoint("split", six_convs, "--at", "pool1", "-o", tmp_path, "--untrusted")
    assert (sound.code, sound.err) == (0, "")
    model = onnx.load(six_convs)
    model.graph.initializer[5].ClearField("raw_data")
    model.graph.initializer[5].data_location = onnx.TensorProto.EXTERNAL
    model.graph.initializer[5].external_data.add(key="location", value="../six_convs.onnx")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bad.onnx").write_bytes(model.SerializeToString())
    bad = cutpoint("split", tmp_path / "in" / "bad.onnx", "--at", "pool1", "-o", tmp_path / "out",
                   "--untrusted")  # fmt: skip
    assert bad.code == 1
    assert bad.err.startswith("error: UnsafeModelError: ")
    assert not (tmp_path / "out").exists()


def test_the_program_splits(six_convs: Path, tmp_path: Path) -> None:
    """As a process of its own, from the outside."""
    command = [sys.executable, "-m", "cutpoint.cli.main", "split", str(six_convs)]
    ended = subprocess.run(
        [*command, "--at", "pool1", "-o", str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == {"head.onnx", "tail.onnx"}
