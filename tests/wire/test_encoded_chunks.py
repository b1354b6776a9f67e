"""Encoded tensors in pieces: bounded before memory is taken, and no lie is believed."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.exceptions import CodecError, MissingDependencyError, RemoteProtocolError
from cutpoint.records import RAW
from cutpoint.wire.chunks import Assembly, Chunk, Chunker
from cutpoint.wire.codecs import codec_named
from cutpoint.wire.encoded import Encoded
from cutpoint.wire.tensors import TensorSpec

ARRAY = np.linspace(-2, 2, 5_000, dtype=np.float32).reshape(50, 100)
SPEC = TensorSpec.of("x", ARRAY)
CODEC = codec_named("uint8")


def assembly_of(*specs: TensorSpec, **settings: object) -> Assembly:
    """Expect these, in any codec there is."""
    return Assembly(specs or (SPEC,), "m", codec_named=codec_named, **settings)


def pieces_of(size_bytes: int, name: str = "uint8") -> list[Chunk]:
    """Give the pieces of the array in a codec."""
    encoded = Encoded.by(codec_named(name), "x", ARRAY)
    return list(Chunker([encoded]).all(size_bytes))


@given(sizes=st.lists(st.integers(1, 4000), min_size=30, max_size=30))
def test_pieces_of_any_size_make_the_encoded_message(sizes: list[int]) -> None:
    """Encoded and raw tensors side by side; the encoded ones are handed over undecoded."""
    other = np.arange(7, dtype=np.int64)
    chunker = Chunker([Encoded.by(CODEC, "x", ARRAY).make_all(), ("n", other)])
    assembly = assembly_of(SPEC, TensorSpec.of("n", other))
    turn = 0
    while not chunker.is_done:
        assembly.add(chunker.next(sizes[turn % len(sizes)]))
        turn += 1
    assert assembly.is_complete
    assert list(assembly.arrays()) == ["n"]
    (undecoded,) = assembly.undecoded()
    assert (undecoded.spec, undecoded.raw_bytes) == (SPEC, ARRAY.nbytes)
    assert undecoded.encoded_bytes == CODEC.most_bytes(SPEC)
    np.testing.assert_allclose(undecoded.decode(), ARRAY, atol=0.01)


def test_pieces_leave_while_the_rest_is_encoded() -> None:
    """Only the last piece tells the size of all; what is not made is not waited for."""
    blocks = iter([b"abcdef", b"ghij", b"k"])
    encoded = Encoded(SPEC, "c", blocks)
    chunker = Chunker([encoded])
    told = []
    assert not chunker.is_ready(4)
    while not chunker.is_done:
        encoded.make()
        while chunker.is_ready(4):
            told.append(chunker.next(4))
    assert [bytes(chunk.payload) for chunk in told] == [b"abcd", b"efgh", b"ijk"]
    assert [chunk.total_bytes for chunk in told] == [None, None, 11]
    assert chunker.given_bytes == chunker.size_bytes == 11


def test_a_byte_is_kept_for_the_last_piece() -> None:
    """Until nothing more can come, the piece that says so is not used up."""
    encoded = Encoded(SPEC, "c", iter([b"abcd", b"efgh"]))
    chunker = Chunker([encoded])
    encoded.make()
    assert not chunker.is_ready(4)
    assert chunker.is_ready(3)
    assert bytes(chunker.next(3).payload) == b"abc"
    encoded.make_all()
    last = chunker.next(100)
    assert (bytes(last.payload), last.total_bytes) == (b"defgh", 8)
    assert chunker.is_done


def lied(total: int | None = None, **changes: object) -> Callable[[list[Chunk]], list[Chunk]]:
    """Change every piece, or what the last one tells."""

    def change(pieces: list[Chunk]) -> list[Chunk]:
        if total is not None:
            return [replace(piece, total_bytes=total) for piece in pieces]
        return [replace(piece, **changes) for piece in pieces]

    return change


MOST = CODEC.most_bytes(SPEC)


def _add_all(assembly: Assembly, pieces: list[Chunk]) -> None:
    for piece in pieces:
        assembly.add(piece)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lied(total=MOST + 1), f"of {MOST + 1} bytes; .* takes {MOST} at", id="more"),
        pytest.param(lied(total=2**62), "takes 5008 at most", id="far more"),
        pytest.param(lied(total=-1), "of -1 bytes", id="negative"),
        pytest.param(lied(total=1500), "expected byte 1000 of 1500", id="less than comes"),
        pytest.param(lied(codec="mp3"), "'mp3', which is not decoded here", id="unknown"),
        pytest.param(lied(codec="x" * 9000), "which is not decoded here", id="long name"),
        pytest.param(lied(codec=""), "'', which is not decoded here", id="empty name"),
        pytest.param(lied(codec="png"), "nothing that 'png' encodes: send it raw", id="unfit"),
        pytest.param(
            lied(spec=replace(SPEC, shape=(2**40, 2**40))),
            r"expected float32\[50, 100\]",
            id="huge",
        ),
        pytest.param(
            lambda pieces: [*pieces[:1], replace(pieces[1], codec=RAW), *pieces[2:]],
            "in the midst of 'x'",
            id="raw in its midst",
        ),
        pytest.param(
            lambda pieces: [*pieces[:1], replace(pieces[1], codec="zstd"), *pieces[2:]],
            "as 'zstd' in the midst of 'x' float32.50, 100. as 'uint8'",
            id="another codec in its midst",
        ),
        pytest.param(
            lambda pieces: [
                replace(piece, total_bytes=4000 + 8 * piece.offset) for piece in pieces
            ],
            "has 12000 bytes, and had 4000 before|takes 5008 at most",
            id="another size in its midst",
        ),
        pytest.param(
            lambda pieces: [replace(piece, total_bytes=None) for piece in [*pieces, pieces[-1]]],
            "chunk at byte",
            id="never ends",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    change: Callable[[list[Chunk]], list[Chunk]], message: str
) -> None:
    """Sizes beyond the bound, lies, codecs that are none or do not fit: a typed error, in words."""
    assembly = assembly_of()
    with pytest.raises(RemoteProtocolError, match=f"^m: .*({message})") as caught:
        _add_all(assembly, change(pieces_of(1000)))
    assert len(str(caught.value)) < 1000
    assert assembly.held_bytes <= MOST + ARRAY.nbytes


def test_bytes_beyond_the_bound_are_refused_though_no_size_is_told() -> None:
    """Nothing says how many come: what may come at most is held to all the same."""
    assembly = assembly_of()
    for number in range(5):
        assembly.add(Chunk(SPEC, 0, 1, 1000 * number, bytes(1000), None, "uint8"))
    with pytest.raises(RemoteProtocolError, match=f"expected byte 5000 of {MOST}"):
        assembly.add(Chunk(SPEC, 0, 1, 5000, bytes(1000), None, "uint8"))


def test_an_answer_may_not_come_encoded() -> None:
    """Whoever did not ask for codecs is sent none."""
    assembly = Assembly([SPEC], "server")
    with pytest.raises(RemoteProtocolError, match="'x' came as 'uint8', not raw"):
        assembly.add(pieces_of(1000)[0])


@pytest.mark.parametrize("kind", [CodecError, MissingDependencyError])
def test_a_codec_that_is_not_installed_is_a_refusal(kind: type[Exception]) -> None:
    """Not knowing a codec is no bug of the receiver's."""

    def codec(name: str) -> object:
        raise kind("zstandard is not installed")

    assembly = Assembly([SPEC], "m", codec_named=codec)
    with pytest.raises(RemoteProtocolError, match="zstandard is not installed"):
        assembly.add(pieces_of(1000)[0])


def test_what_a_few_bytes_become_is_bounded_where_the_model_leaves_the_size_open() -> None:
    """A tensor of zeros is nothing once compressed, and gigabytes again: it is refused unopened."""
    open_spec = TensorSpec("x", "float32", (-1,))
    claimed = TensorSpec("x", "float32", (1 << 40,))
    assembly = assembly_of(open_spec, max_tensor_bytes=1 << 20)
    with pytest.raises(RemoteProtocolError, match="is larger than 1048576"):
        assembly.add(Chunk(claimed, 0, 1, 0, b"tiny", 4, "zstd"))
    assert assembly.held_bytes == 0


def test_memory_of_the_decoded_array_is_counted_when_it_begins() -> None:
    """Whoever bounds what uploads take sees what decoding will."""
    assembly = assembly_of()
    assembly.add(pieces_of(1000)[0])
    assert assembly.held_bytes == 1000 + ARRAY.nbytes


def test_text_is_never_encoded() -> None:
    """No codec takes it, and its size is not known from its shape."""
    spec = TensorSpec("x", "object", (3,))
    with pytest.raises(RemoteProtocolError, match="nothing that 'zstd' encodes"):
        assembly_of(spec).add(Chunk(spec, 0, 1, 0, b"tiny", 4, "zstd"))


def test_a_tensor_in_one_piece_is_kept_as_it_came() -> None:
    """Where nobody writes into it; a view of a message is copied, for its address may be any."""
    (piece,) = pieces_of(10_000)
    for payload in (bytes(piece.payload), memoryview(bytearray(piece.payload))):
        assembly = assembly_of(is_writable=False)
        assembly.add(replace(piece, payload=payload))
        (undecoded,) = assembly.undecoded()
        assert isinstance(undecoded.raw, bytes)
        assert (undecoded.raw is payload) == isinstance(payload, bytes)
