"""Channels: addresses checked before anything is dialled."""

import pytest

from cutpoint.exceptions import ConnectError
from cutpoint.wire.channel import CLIENT_OPTIONS, SERVER_OPTIONS, checked_address, open_channel


@pytest.mark.parametrize(
    "address",
    ["edge:8001", "127.0.0.1:1", "edge-1.example.org:65535", "[::1]:8001", "my_host:08001"],
)
def test_an_address_is_host_and_port(address: str) -> None:
    """Names, IPv4 and bracketed IPv6 addresses pass unchanged."""
    assert checked_address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "", "edge", "edge:", ":8001", "edge:0", "edge:65536", "edge:-1", "edge:99999", "edge:8001 ",
        "edge:8001\n", " edge:8001", "::1:8001", "[::1]", "edge:http", "http://edge:8001",
        "edge:8001/x", "edge:8001:9", "ed ge:8001", "edge:\uff18\uff10", "edge:1.5",
        "unix:/tmp/s",
    ],
)  # fmt: skip
def test_anything_else_is_refused(address: str) -> None:
    """The error repeats what was given and shows how to write it."""
    with pytest.raises(ConnectError, match="write HOST:PORT") as caught:
        open_channel(address)
    assert repr(address) in str(caught.value)


def test_each_channel_has_a_connection_of_its_own() -> None:
    """Health checks must not queue behind an upload, and big tensors must fit."""
    assert dict(CLIENT_OPTIONS)["grpc.use_local_subchannel_pool"] == 1
    for options in (CLIENT_OPTIONS, SERVER_OPTIONS):
        assert dict(options)["grpc.max_receive_message_length"] > 640 * 640 * 3 * 4
