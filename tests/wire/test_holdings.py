"""Holdings: what a server tells of a model, in a parameter of its configuration."""

from dataclasses import replace

import msgspec
import pytest

from cutpoint.exceptions import RemoteProtocolError
from cutpoint.records import FORMAT_VERSION, Environment, Profile, Sample
from cutpoint.wire.holdings import Holdings, read_holdings, write_holdings
from cutpoint.wire.protocol import CONFIG_PARAMETER, PROTOCOL_VERSION, model_config

ENVIRONMENT = Environment("1.20", ("CPUExecutionProvider",), 1, "a processor", 2, None, True)
PROFILE = Profile(
    format_version=FORMAT_VERSION,
    model_sha256="ab" * 32,
    model_name="m",
    host="edge",
    environment=ENVIRONMENT,
    cuts=(("a",), ("b", "c")),
    samples=(Sample("whole", "", 0.25), Sample("tail", "0123456789ab", 0.125)),
    contention=1.0,
)
HELD = Holdings(PROTOCOL_VERSION, "ab" * 32, PROFILE, {"server-only": ("x",), "c" * 12: ("b", "c")})


def config_with(text: str):
    """Give a configuration that says this under our key."""
    config = model_config.ModelConfig(name="m")
    config.parameters[CONFIG_PARAMETER].string_value = text
    return config


def text_of(holdings: Holdings) -> str:
    """Give what a server would send."""
    return msgspec.json.encode(holdings).decode()


def test_what_is_held_comes_back() -> None:
    """Digest, profile and tails survive the wire."""
    config = model_config.ModelConfig(name="m")
    write_holdings(config, HELD)
    received = model_config.ModelConfig.FromString(config.SerializeToString())
    assert read_holdings(received, "edge:1") == HELD


def test_a_stranger_holds_nothing_we_know() -> None:
    """A server with other parameters, or none, is not a cutpoint server."""
    config = model_config.ModelConfig(name="m")
    assert read_holdings(config, "edge:1") is None
    config.parameters["EXECUTION_ENV_PATH"].string_value = "/env"
    assert read_holdings(config, "edge:1") is None


@pytest.mark.parametrize("version", [PROTOCOL_VERSION + 1, PROTOCOL_VERSION - 1, -7])
def test_another_version_is_refused(version: int) -> None:
    """The error names both versions and what to do."""
    config = config_with(text_of(replace(HELD, protocol_version=version)))
    message = f"edge:1 speaks version {version} of the frames, this device {PROTOCOL_VERSION}"
    with pytest.raises(RemoteProtocolError, match=message):
        read_holdings(config, "edge:1")


def test_unknown_fields_are_passed_over() -> None:
    """A newer server of the same protocol version may tell more."""
    text = text_of(HELD)[:-1] + ',"news":{"deep":[1,2]}}'
    assert read_holdings(config_with(text), "edge:1") == HELD


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "not json",
        text_of(HELD)[:-1],
        text_of(HELD).replace('"sha256"', '"sha"'),
        text_of(HELD).replace("0.25", '"fast"'),
        text_of(HELD).replace("0.25", "-0.25"),
        text_of(HELD).replace("0.25", "1e999"),
        text_of(HELD).replace("0.25", "NaN"),
        text_of(HELD).replace('"whole"', '"hole"'),
        '{"news":' + "[" * 100_000,
    ],
)
def test_a_damaged_description_is_refused(text: str) -> None:
    """Cut short, of another layout, or with a time no clock gives: an error names the server."""
    with pytest.raises(RemoteProtocolError, match="edge:1 describes itself unreadably"):
        read_holdings(config_with(text), "edge:1")


def test_codecs_and_what_decoding_takes_come_back() -> None:
    """Their times are apart from the profile."""
    told = replace(
        HELD,
        codecs=("uint8", "jpeg"),
        decoding=(Sample("decode", "uint8", 1e-4, 1e-4, 4096, encoded_bytes=1032),),
    )
    config = model_config.ModelConfig(name="m")
    write_holdings(config, told)
    assert read_holdings(config, "edge:1") == told


def test_a_server_without_codecs_and_a_device_without_them_understand_each_other() -> None:
    """What one does not tell is empty; what the other does not know it passes over."""
    text = text_of(HELD)
    older = msgspec.json.decode(text)
    del older["codecs"], older["decoding"]
    assert read_holdings(config_with(msgspec.json.encode(older).decode()), "edge:1") == HELD

    class Older(msgspec.Struct):
        """What a device knew before there were codecs."""

        protocol_version: int
        sha256: str
        profile: Profile
        tails: dict[str, tuple[str, ...]]

    sample = Sample("decode", "uint8", 1e-4, size_bytes=4096, encoded_bytes=1032)
    newer = text_of(replace(HELD, codecs=("uint8",), decoding=(sample,)))
    assert msgspec.json.decode(newer, type=Older).profile == PROFILE
