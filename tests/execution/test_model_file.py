"""Model files: their digest and the name they are served under."""

import hashlib
from pathlib import Path

import pytest

from cutpoint.exceptions import ModelError
from cutpoint.execution import ModelFile


def test_a_file_is_known_by_the_digest_of_its_bytes(tmp_path: Path) -> None:
    """A path, its text and the bytes themselves are the same model."""
    content = bytes(range(256)) * 8193  # longer than one read, and no multiple of it
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    assert ModelFile.open(path) == ModelFile("net", digest, str(path))
    assert ModelFile.open(str(path)) == ModelFile.open(path)
    assert ModelFile.open(content) == ModelFile("model", digest, content)


@pytest.mark.parametrize(
    ("given", "served"),
    [
        ("resnet50-v1_7", "resnet50-v1_7"),
        ("a.b.c", "a_b_c"),
        ("my net (2)", "my_net_2_"),
        ("../../etc/passwd", "_etc_passwd"),
        ("Übung", "_bung"),
        ("模型", "_"),
        ("a\nb", "a_b"),
        ("x" * 100, "x" * 64),
    ],
)
def test_a_served_name_has_plain_characters_only(given: str, served: str) -> None:
    """Whatever stands in a name of a tail or a path (dots, slashes, blanks) is replaced."""
    assert ModelFile.open(b"", given).name == served


def test_a_file_is_named_by_its_stem(tmp_path: Path) -> None:
    """The suffix is dropped; a name that is given goes before the file's."""
    path = tmp_path / "squeezenet1.1-7.onnx"
    path.write_bytes(b"x")
    assert ModelFile.open(path).name == "squeezenet1_1-7"
    assert ModelFile.open(path, "other").name == "other"


@pytest.mark.parametrize(
    ("name", "why"), [("missing.onnx", "No such file or directory"), ("", "Is a directory")]
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, why: str) -> None:
    """A missing file or a folder is an error that says which and why."""
    path = tmp_path / name
    with pytest.raises(ModelError, match=why) as caught:
        ModelFile.open(path)
    assert str(path) in str(caught.value)
