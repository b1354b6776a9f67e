"""One tensor as bytes on their way: made on one side, read on the other."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.exceptions import CodecError
from cutpoint.records import RAW
from cutpoint.wire.codecs import codec_named
from cutpoint.wire.encoded import START, Encoded
from cutpoint.wire.tensors import TensorSpec

SPEC = TensorSpec("x", "float32", (4,))


def test_a_raw_tensor_is_there_at_once_and_not_copied() -> None:
    """What is read are the array's own bytes."""
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    encoded = Encoded.raw("x", array)
    assert (encoded.codec, encoded.is_done, encoded.made_bytes) == (RAW, True, 24)
    view, place = encoded.read(START, 24)
    assert place == (1, 0)
    array[0, 0] = 7
    assert np.frombuffer(view, np.float32)[0] == 7


def test_nothing_is_encoded_before_it_is_asked_for() -> None:
    """Each call makes one block; one more tells that there is none."""
    encoded = Encoded(SPEC, "c", iter([b"abc", b"", b"de"]))
    assert (encoded.made_bytes, encoded.is_done) == (0, False)
    assert [encoded.make() for _ in range(4)] == [True, True, True, False]
    assert (encoded.made_bytes, encoded.is_done) == (5, True)
    assert not encoded.make()


@given(
    blocks=st.lists(st.binary(max_size=9), max_size=6),
    sizes=st.lists(st.integers(1, 12), min_size=60, max_size=60),
)
def test_what_is_read_in_any_steps_is_what_was_made(blocks: list[bytes], sizes: list[int]) -> None:
    """Across the borders of blocks, empty ones among them; and again from the start."""
    encoded = Encoded(SPEC, "c", iter(blocks)).make_all()
    whole = b"".join(blocks)
    for _ in range(2):
        place, parts = START, []
        left = encoded.made_bytes
        for size in sizes:
            part, place = encoded.read(place, min(size, left))
            parts.append(bytes(part))
            left -= len(part)
        assert b"".join(parts) == whole


def test_a_codec_makes_its_bytes_block_by_block() -> None:
    """A large value comes in several blocks, which together are what the codec decodes."""
    codec = codec_named("uint8")
    array = np.linspace(-1, 1, 700_000, dtype=np.float32)
    encoded = Encoded.by(codec, "x", array)
    assert encoded.make()
    assert not encoded.is_done
    assert encoded.made_bytes < codec.most_bytes(encoded.spec)
    encoded.make_all()
    raw, _ = encoded.read(START, encoded.made_bytes)
    np.testing.assert_allclose(codec.decode(encoded.spec, raw), array, atol=0.005)


def test_what_cannot_be_encoded_is_an_error_of_the_maker() -> None:
    """Nothing was made then."""
    encoded = Encoded.by(codec_named("uint8"), "x", np.array([np.nan], np.float32))
    with pytest.raises(CodecError):
        encoded.make()
    assert encoded.made_bytes == 0


def test_blocks_of_any_kind_of_buffer_are_bytes() -> None:
    """A view of wider elements counts by its bytes."""

    def blocks() -> Iterator[memoryview]:
        yield np.arange(3, dtype=np.int32).data

    encoded = Encoded(SPEC, "c", blocks()).make_all()
    assert encoded.made_bytes == 12
    assert bytes(encoded.read(START, 12)[0]) == np.arange(3, dtype=np.int32).tobytes()
