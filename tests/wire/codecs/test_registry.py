"""Codecs by name: with settings, from peers, and those that are none."""

import pytest

from cutpoint.exceptions import CodecError
from cutpoint.wire.codecs import (
    LOSSLESS,
    LOSSY,
    RAW,
    available_codecs,
    codec_named,
    decodes,
    family_of,
)


def test_a_codec_is_made_once() -> None:
    """It has no state: all that ask share it."""
    assert codec_named("uint8+zstd") is codec_named("uint8+zstd")
    assert codec_named("jpeg:90") is not codec_named("jpeg:91")


@pytest.mark.parametrize(
    "name",
    ["", "RAW", "uint8 ", "uint7", "jpeg:", "jpeg:0", "jpeg:101", "jpeg:07", "jpeg:9\n", "png:3",
     "uint4", "webp:8.5", "jpeg:९", "x" * 100_000],
)  # fmt: skip
def test_a_name_that_is_none_is_refused(name: str) -> None:
    """The message lists those there are, and does not repeat a long name whole."""
    with pytest.raises(CodecError, match=r"no codec '.*uint8-channel\+zstd.*jpeg:90") as caught:
        codec_named(name)
    assert len(str(caught.value)) < 500


def test_a_flood_of_names_fills_nothing() -> None:
    """What a peer invents is not remembered."""
    before = codec_named.cache_info().currsize
    for number in range(100):
        with pytest.raises(CodecError):
            codec_named(f"codec{number}")
    assert codec_named.cache_info().currsize == before


def test_a_host_decodes_what_it_named_and_any_quality_of_it() -> None:
    """Pictures are told of by their format: how they were made does not matter to a decoder."""
    told = ("uint8", "jpeg")
    assert decodes(told, "uint8")
    assert decodes(told, "jpeg:75")
    assert decodes(("jpeg:90",), "jpeg:90")
    assert not decodes(told, "uint8+zstd")
    assert not decodes(told, "webp:75")
    assert not decodes(told, "jpeg:750")
    assert not decodes(told, "uint8:3")
    assert (family_of("jpeg:75"), family_of("png")) == ("jpeg", "png")


def test_the_lists_are_all_there_is() -> None:
    """Raw first; what is lossless is not lossy."""
    assert LOSSLESS[0] == available_codecs()[0] == RAW
    assert not set(LOSSLESS) & set(LOSSY)
    assert set(available_codecs()) == {*LOSSLESS, *LOSSY}
