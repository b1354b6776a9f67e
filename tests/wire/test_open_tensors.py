"""Tensors whose bytes type and shape do not tell: text, and shapes that vary."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.exceptions import RemoteProtocolError
from cutpoint.wire import frames
from cutpoint.wire.chunks import Assembly, Chunk, Chunker
from cutpoint.wire.tensors import TensorSpec, spec_of, to_array, to_bytes

TEXT = TensorSpec("t", "object", (-1, 2))
OPEN = TensorSpec("o", "float32", (2, -1))
ANY_RANK = TensorSpec("a", "int4", None)

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@given(st.lists(st.tuples(texts, texts), max_size=5), st.integers(1, 40))
def test_text_in_pieces_comes_back(rows: list[tuple[str, str]], piece_bytes: int) -> None:
    """Whatever the texts and wherever they are cut, frame by frame over the wire."""
    array = np.array(rows, dtype=object).reshape(-1, 2)
    assembly = Assembly([TEXT], "m")
    for chunk in Chunker((("t", array),)).all(piece_bytes):
        message = frames.chunk_request("m", 1, chunk, {})
        assembly.add(frames.request_chunk(type(message).FromString(message.SerializeToString())))
    assert assembly.is_complete
    assert np.array_equal(assembly.arrays()["t"], array)


@pytest.mark.parametrize("columns", [0, 1, 1000])
def test_a_shape_that_varies(columns: int) -> None:
    """Any size is taken where the model leaves it open."""
    array = np.arange(2 * columns, dtype=np.float32).reshape(2, columns)
    assembly = Assembly([OPEN], "m")
    for chunk in Chunker((("o", array),)).all(100):
        assembly.add(chunk)
    assert np.array_equal(assembly.arrays()["o"], array)


@pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
def test_any_rank(shape: tuple[int, ...]) -> None:
    """A value of unknown rank may be of any; elements below a byte come packed."""
    array = np.ones(shape).astype("int4")
    assembly = Assembly([ANY_RANK], "m")
    for chunk in Chunker((("a", array),)).all(1):
        assembly.add(chunk)
    assert assembly.arrays()["a"].shape == shape


@pytest.mark.parametrize(
    "given_spec",
    [
        TensorSpec("o", "float32", (3, 5)), TensorSpec("o", "float32", (2,)),
        TensorSpec("o", "float64", (2, 5)), TensorSpec("p", "float32", (2, 5)),
    ],
)  # fmt: skip
def test_what_does_not_vary_must_agree(given_spec: TensorSpec) -> None:
    """Rank, type, name and the dimensions that are known are checked as ever."""
    with pytest.raises(RemoteProtocolError):
        Assembly([OPEN], "m").add(Chunk(given_spec, 0, 1, 0, b""))


def test_an_open_tensor_has_a_limit() -> None:
    """No more is taken than the limit, and nothing for what is merely announced."""
    assembly = Assembly([OPEN], "m", max_tensor_bytes=1000)
    with pytest.raises(RemoteProtocolError, match="tensor 'o' of 1008 bytes is larger than 1000"):
        assembly.add(Chunk(TensorSpec("o", "float32", (2, 126)), 0, 1, 0, b""))
    with pytest.raises(RemoteProtocolError, match="larger than 1000"):
        Assembly([TEXT], "m", 1000).add(
            Chunk(TensorSpec("t", "object", (1, 2)), 0, 1, 0, b"", 2000)
        )


def test_text_must_say_its_size() -> None:
    """Its type and shape do not."""
    with pytest.raises(RemoteProtocolError, match="a chunk of 't' tells no size"):
        Assembly([TEXT], "m").add(Chunk(TensorSpec("t", "object", (1, 2)), 0, 1, 0, b"abc"))


@pytest.mark.parametrize(
    "raw",
    [b"\1", b"\1\0\0\0", b"\xff\xff\xff\xff", b"\1\0\0\0\xff\1\0\0\0a", b"\1\0\0\0a", b""],
)
def test_what_is_no_text_is_refused(raw: bytes) -> None:
    """Cut short, of wrong lengths, no UTF-8, or too few."""
    with pytest.raises(RemoteProtocolError, match="tensor 't' of shape"):
        to_array(TensorSpec("t", "object", (1, 2)), raw)


def test_what_is_said_of_a_known_size_is_not_believed() -> None:
    """Type and shape tell; a larger or smaller number beside them changes nothing."""
    spec = TensorSpec("x", "uint8", (4,))
    assert Chunk(spec, 0, 1, 0, b"", 1 << 40).tensor_bytes == 4
    assert bytes(to_bytes(np.zeros(4, np.uint8))) == bytes(4)


@pytest.mark.parametrize("shape", [(0, 1 << 62), (1 << 62, 0, 1 << 62)])
def test_sizes_no_array_may_have_are_refused(shape: tuple[int, ...]) -> None:
    """No bytes at all, and yet no array: an error of the protocol, like every other lie."""
    with pytest.raises(RemoteProtocolError, match="tensor 'x' of shape"):
        to_array(TensorSpec("x", "float32", shape), b"")


def test_too_many_dimensions_are_refused() -> None:
    """More than any array has."""
    assert spec_of("x", "FP32", [1] * 32).shape == (1,) * 32
    with pytest.raises(RemoteProtocolError, match="tensor 'x' has 33 dimensions"):
        spec_of("x", "FP32", [1] * 33)
