"""Names of tails: the same on every host."""

from cutpoint.wire.names import TailName


def test_a_tail_is_named_by_model_digest_and_cut() -> None:
    """Twelve digits of the digest keep tails of different files apart."""
    digest = "0123456789abcdef" * 4
    assert str(TailName("resnet50", digest, "fedcba987654")) == "resnet50.0123456789ab.fedcba987654"
    assert str(TailName("m", digest, "c")) != str(TailName("m", digest[1:] + "0", "c"))


def test_a_tail_that_undoes_a_codec_has_a_name_of_its_own() -> None:
    """It takes other tensors, so a server may have both."""
    digest = "0123456789abcdef" * 4
    exact, typed = (str(TailName("m", digest, "c", codec)) for codec in ("raw", "uint8"))
    assert exact == str(TailName("m", digest, "c"))
    assert typed == f"{exact}.uint8"
