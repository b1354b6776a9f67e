"""What a server told of its codecs, as the planner asks."""

import pytest

from cutpoint.client.decoding import NO_DECODING, Decoding
from cutpoint.client.handshake import server_decoding
from cutpoint.cost import CodecSpeed
from cutpoint.exceptions import RemoteProtocolError
from cutpoint.records import FORMAT_VERSION, Environment, Profile, Sample
from cutpoint.wire.holdings import Holdings
from cutpoint.wire.protocol import PROTOCOL_VERSION

PROFILE = Profile(
    format_version=FORMAT_VERSION,
    model_sha256="ab" * 32,
    model_name="m",
    host="edge",
    environment=Environment("1.20", ("CPUExecutionProvider",), 1, "a processor", 2, None, True),
    cuts=(),
    samples=(Sample("whole", "", 0.25),),
    contention=1.0,
)


def _holdings(*samples: Sample) -> Holdings:
    return Holdings(PROTOCOL_VERSION, "ab" * 32, PROFILE, {}, ("uint8", "jpeg"), samples)


def _sample(**changes: object) -> Sample:
    given = {"duration_s": 1e-4, "size_bytes": 4096, "encoded_bytes": 1032, **changes}
    return Sample("decode", "uint8", **given)  # type: ignore[arg-type]


def test_settings_of_a_codec_do_not_matter_to_who_decodes() -> None:
    """A picture of any quality is decoded alike, at the speed of any."""
    fast, slow = CodecSpeed(1e-5), CodecSpeed(1e-3)
    decoding = Decoding(frozenset({"uint8", "jpeg"}), {"jpeg:90": slow, "uint8": fast})
    assert decoding.takes("jpeg:75")
    assert decoding.takes("uint8")
    assert not decoding.takes("uint8+zstd")
    assert (decoding.speed("jpeg:75"), decoding.speed("uint8")) == (slow, fast)
    assert decoding.speed("webp") is None
    assert not NO_DECODING.takes("uint8")


def test_times_become_speeds() -> None:
    """Of the codecs that were timed; the others are decoded too, nobody knows how fast."""
    decoding = server_decoding(_holdings(_sample()))
    assert decoding.codecs == {"uint8", "jpeg"}
    assert set(decoding.speeds) == {"uint8"}
    assert decoding.speeds["uint8"].time_s(4096, 1032) == pytest.approx(1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {"duration_s": 1e9},
        {"duration_s": 5e-324},
        {"size_bytes": -1},
        {"size_bytes": 10**30},
        {"encoded_bytes": -5},
        {"encoded_bytes": 10**30},
    ],
)
def test_times_that_cannot_be_are_refused(changes: dict[str, float]) -> None:
    """They would become part of every plan."""
    with pytest.raises(RemoteProtocolError, match="times of decoding"):
        server_decoding(_holdings(_sample(), _sample(**changes)))


def test_too_many_times_are_refused() -> None:
    """Each is looked at whenever a table is compiled."""
    with pytest.raises(RemoteProtocolError, match="times of decoding"):
        server_decoding(_holdings(*[_sample()] * 5000))
