"""The codecs that a server decodes."""

import pytest

from cutpoint.exceptions import CodecError, ConfigurationError
from cutpoint.server.known_codecs import KnownCodecs
from cutpoint.wire.codecs import available_codecs


def test_by_default_it_is_all_that_are_installed() -> None:
    """Raw is no codec that anybody has to know."""
    known = KnownCodecs()
    assert set(known.names) == set(available_codecs()) - {"raw"}
    assert known.named("jpeg:75").name == "jpeg:75"
    assert {codec.name.partition(":")[0] for codec in known.each()} == set(known.names)


def test_fewer_are_decoded_if_it_is_told_so() -> None:
    """A codec that is left out is refused, though it is installed."""
    known = KnownCodecs(["uint8", "raw", "uint8"])
    assert known.names == ("uint8",)
    assert known.named("uint8").name == "uint8"
    with pytest.raises(CodecError, match="no codec 'zstd' is decoded here: there are uint8"):
        known.named("zstd")


def test_raw_alone_takes_nothing_that_is_encoded() -> None:
    """Not even a codec of that name."""
    known = KnownCodecs(["raw"])
    assert (known.names, known.each()) == ((), ())
    for name in ("uint8", "raw", "", "x" * 5000, "jpeg:1000", "jpeg:\n"):
        with pytest.raises(CodecError) as caught:
            known.named(name)
        assert len(str(caught.value)) < 300


def test_a_name_that_is_none_is_found_out_at_once() -> None:
    """Before a port is taken."""
    with pytest.raises(ConfigurationError, match="no codec 'mp3'"):
        KnownCodecs(["uint8", "mp3"])
