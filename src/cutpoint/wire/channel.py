"""Channels and servers of gRPC, with the settings that were found to matter."""

import re
from typing import Any

import grpc

from cutpoint.exceptions import ConnectError

_MAX_MESSAGE_BYTES = 256 << 20
"""gRPC's own limit of 4 MiB is below one 640x640x3 float image."""

_COMMON = (
    ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
    # 600 KB over 20 ms round trip: 23 ms with the bandwidth probe, 45 ms without.
    ("grpc.http2.bdp_probe", 1),
)

CLIENT_OPTIONS: tuple[tuple[str, Any], ...] = (
    *_COMMON,
    # Two channels with equal arguments would share one connection: a health check
    # behind a long upload answers after seconds.
    ("grpc.use_local_subchannel_pool", 1),
    # The default backs off to minutes; a server that is back is to be used at once.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 400),
    # No keepalive: a short ping timeout kills healthy slow uploads.
)

SERVER_OPTIONS: tuple[tuple[str, Any], ...] = (*_COMMON, ("grpc.so_reuseport", 0))

_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:]+\]|[A-Za-z0-9_.-]+):(?P<port>[0-9]{1,5})")


def checked_address(address: str) -> str:
    """
    Give an address back if it is ``HOST:PORT``.

    Raises
    ------
    ConnectError
        If it is not.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or not 0 < int(match["port"]) < 65536:
        raise ConnectError(f"server address {address!r}: write HOST:PORT, for example edge:8001")
    return address


def open_channel(address: str) -> grpc.Channel:
    """Give a channel with a connection of its own."""
    return grpc.insecure_channel(checked_address(address), options=CLIENT_OPTIONS)
