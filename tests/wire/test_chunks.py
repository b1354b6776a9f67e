"""Chunks: tensors in pieces, put together only if they are what was expected."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cutpoint.exceptions import RemoteProtocolError
from cutpoint.wire.chunks import MAX_CHUNK_BYTES, Assembly, Chunk, Chunker
from cutpoint.wire.tensors import TensorSpec

Tensors = tuple[tuple[str, NDArray[np.generic]], ...]

TWO: Tensors = (
    ("a", np.arange(6, dtype=np.float32).reshape(2, 3)),
    ("b", np.array([7, 8], np.int16)),
)


def assembly_for(tensors: Tensors) -> Assembly:
    """Expect exactly these tensors, in the other order."""
    return Assembly([TensorSpec.of(name, array) for name, array in reversed(tensors)], "m")


def pieces(tensors: Tensors, size_bytes: int) -> list[Chunk]:
    """Give every piece of a message."""
    return list(Chunker(tensors).all(size_bytes))


@given(
    shapes=st.lists(st.lists(st.integers(0, 5), max_size=3).map(tuple), min_size=1, max_size=4),
    sizes=st.lists(st.integers(-1, 70), min_size=1, max_size=20),
    dtype=st.sampled_from(["float32", "bool", "int64", "float16"]),
)
def test_pieces_of_any_size_make_the_message(
    shapes: list[tuple[int, ...]], sizes: list[int], dtype: str
) -> None:
    """Whatever the sizes asked for, the tensors come back; each piece is at most that size."""
    rng = np.random.default_rng(0)
    tensors = tuple(
        (f"t{i}", (rng.standard_normal(shape) * 9).astype(dtype)) for i, shape in enumerate(shapes)
    )
    chunker, assembly = Chunker(tensors), assembly_for(tensors)
    total_bytes = sum(array.nbytes for _, array in tensors)
    assert chunker.size_bytes == total_bytes
    turn = 0
    while not chunker.is_done:
        assert not assembly.is_complete
        size_bytes = sizes[turn % len(sizes)]
        chunk = chunker.next(size_bytes)
        assert len(chunk.payload) <= max(size_bytes, 1)
        assembly.add(chunk)
        turn += 1
    assert assembly.is_complete
    assert assembly.received_bytes == total_bytes
    arrays = assembly.arrays()
    assert set(arrays) == {name for name, _ in tensors}
    for name, array in tensors:
        assert arrays[name].tobytes() == array.tobytes()
        assert (arrays[name].shape, arrays[name].dtype) == (array.shape, array.dtype)


def test_no_piece_is_larger_than_the_bound_by_default() -> None:
    """A big tensor leaves in pieces of at most 64 KiB, so that others get a turn."""
    chunks = pieces((("x", np.zeros(100_000, np.uint8)),), MAX_CHUNK_BYTES)
    assert [len(chunk.payload) for chunk in chunks] == [65_536, 34_464]
    assert list(Chunker((("x", np.zeros(100_000, np.uint8)),)).all()) == chunks


def test_a_tensor_without_bytes_is_one_empty_piece() -> None:
    """An empty tensor is told too, alone and between others."""
    empty = ("e", np.zeros((0, 4), np.float32))
    assert [len(chunk.payload) for chunk in pieces((empty,), 8)] == [0]
    tensors = (TWO[0], empty, TWO[1])
    assembly = assembly_for(tensors)
    for chunk in pieces(tensors, 8):
        assembly.add(chunk)
    assert assembly.is_complete
    assert assembly.arrays()["e"].shape == (0, 4)


def renamed(chunk: Chunk, **changes: object) -> Chunk:
    """Change the tensor a piece says it is of."""
    return replace(chunk, spec=replace(chunk.spec, **changes))


FIRST, SECOND, THIRD, LAST = pieces(TWO, 8)  # a: 8 + 8 + 8 bytes, b: 4 bytes


@pytest.mark.parametrize(
    ("sequence", "message"),
    [
        pytest.param([SECOND], "chunk at byte 8 of 'a', expected byte 0 of 24", id="no first"),
        pytest.param([FIRST, THIRD], "chunk at byte 16 of 'a', expected byte 8", id="missing"),
        pytest.param([FIRST, FIRST], "chunk at byte 0 of 'a', expected byte 8", id="doubled"),
        pytest.param([FIRST, SECOND, FIRST], "chunk at byte 0", id="out of order"),
        pytest.param([FIRST, LAST], "tensor 'b' began too early", id="early"),
        pytest.param([LAST], "chunk of tensor 1 out of turn", id="second tensor first"),
        pytest.param(
            [FIRST, SECOND, THIRD, LAST, LAST], "came after the last one", id="after the end"
        ),
        pytest.param(
            [FIRST, replace(SECOND, payload=bytes(17))], "expected byte 8 of 24", id="overlong"
        ),
        pytest.param([replace(FIRST, payload=bytes(25))], "expected byte 0 of 24", id="too long"),
        pytest.param([replace(FIRST, offset=-8)], "chunk at byte -8", id="before the start"),
        pytest.param([replace(FIRST, offset=1 << 62)], "expected byte 0", id="far offset"),
        pytest.param([replace(FIRST, value=-1)], "tensor -1 out of turn", id="negative position"),
        pytest.param([FIRST, replace(SECOND, value=-1)], "tensor -1 out of turn", id="negative"),
        pytest.param([replace(FIRST, value=5)], "tensor 5 out of turn", id="far position"),
        pytest.param([renamed(FIRST, name="z")], "unknown tensor 'z'", id="unknown"),
        pytest.param(
            [renamed(FIRST, dtype="float64")], r"float64\[2, 3\], expected float32", id="type"
        ),
        pytest.param([renamed(FIRST, shape=(3, 2))], r"float32\[3, 2\], expected", id="shape"),
        pytest.param(
            [renamed(FIRST, shape=(2**60, 2**60))], r"expected float32\[2, 3\]", id="huge"
        ),
        pytest.param(
            [FIRST, SECOND, THIRD, replace(FIRST, value=1)], "'a' came twice", id="same twice"
        ),
        pytest.param(
            [replace(c, num_values=1) for c in (FIRST, SECOND, THIRD)],
            "tensor 'b' is missing",
            id="says it is all",
        ),
    ],
)
def test_pieces_that_do_not_follow_are_refused(sequence: list[Chunk], message: str) -> None:
    """Doubled, missing, early, overlong or foreign: the last one is the one refused."""
    assembly = assembly_for(TWO)
    for chunk in sequence[:-1]:
        assembly.add(chunk)
    with pytest.raises(RemoteProtocolError, match=f"^m: .*{message}"):
        assembly.add(sequence[-1])
    assert assembly.is_complete == (len(sequence) == 5)


def test_a_message_that_announces_more_tensors_never_completes() -> None:
    """A wrong count of tensors waits for tensors that are refused once they come."""
    assembly = assembly_for(TWO)
    for chunk in (FIRST, SECOND, THIRD, LAST):
        assembly.add(replace(chunk, num_values=3))
    assert not assembly.is_complete
    third = Chunk(TensorSpec("c", "int8", (1,)), 2, 3, 0, b"1")
    with pytest.raises(RemoteProtocolError, match="unknown tensor 'c'"):
        assembly.add(third)


def test_memory_is_taken_for_expected_tensors_only() -> None:
    """A foreign tensor of a gigabyte costs nothing; the expected one costs its size."""
    expected = TensorSpec("x", "uint8", (1 << 22,))
    big = TensorSpec("x", "uint8", (1 << 30,))
    foreign = TensorSpec("y", "uint8", (1 << 30,))
    tracemalloc.start()
    try:
        assembly = Assembly([expected], "m")
        for spec in (big, foreign):
            with pytest.raises(RemoteProtocolError):
                assembly.add(Chunk(spec, 0, 1, 0, b"123"))
        before_bytes = tracemalloc.get_traced_memory()[1]
        assembly.add(Chunk(expected, 0, 1, 0, b"123"))
        after_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert before_bytes < 1 << 20 < 1 << 22 <= after_bytes


@given(st.data())
def test_any_piece_is_taken_or_refused_by_name(data: st.DataObject) -> None:
    """A made-up piece at any moment raises nothing but the protocol's error."""
    assembly = assembly_for(TWO)
    for chunk in pieces(TWO, 8)[: data.draw(st.integers(0, 4))]:
        assembly.add(chunk)
    spec = TensorSpec(
        data.draw(st.sampled_from(["a", "b", "c", ""])),
        data.draw(st.sampled_from(["float32", "int16", "bool"])),
        data.draw(st.sampled_from([(2, 3), (2,), (), (0,), (2**60, 2**60)])),
    )
    whole = st.integers(-3, 30) | st.integers(-(2**63), 2**63 - 1)
    chunk = Chunk(
        spec,
        data.draw(whole),
        data.draw(whole),
        data.draw(whole),
        data.draw(st.binary(max_size=30)),
    )
    was_bytes = assembly.received_bytes
    try:
        assembly.add(chunk)
    except RemoteProtocolError:
        assert assembly.received_bytes in (was_bytes, was_bytes + len(chunk.payload))
    else:
        assert chunk.spec.name in ("a", "b")
        assert assembly.received_bytes == was_bytes + len(chunk.payload)
