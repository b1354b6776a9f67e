"""Channels and servers of gRPC, with the settings that were found to matter."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import grpc

from cutpoint.exceptions import ConnectError
from cutpoint.wire.credentials import (
    ClientSecurity,
    channel_credentials,
    is_loopback,
    token_of,
)
from cutpoint.wire.tokens import HEADER, bearer

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
    # In truth the least time for a connection to come about: at 100 ms a link with a longer
    # round trip never has one. What is refused is tried again after the backoff all the same.
    ("grpc.min_reconnect_backoff_ms", 5000),
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


def open_channel(
    address: str,
    security: ClientSecurity | None = None,
    options: Sequence[tuple[str, Any]] = (),
) -> grpc.Channel:
    """
    Give a channel with a connection of its own.

    Parameters
    ----------
    security
        What to show the server and to demand of it; ``None`` speaks plaintext to anybody.
    options
        Of gRPC, beside those that were found to matter.

    Raises
    ------
    ConnectError
        If the address is none, a file of `security` cannot be used, or a token would travel
        unencrypted to another machine.
    """
    target = checked_address(address)
    # Of an option given twice gRPC takes the first.
    wanted = tuple({**dict(CLIENT_OPTIONS), **dict(options)}.items())
    if security is None:
        return grpc.insecure_channel(target, options=wanted)
    if security.uses_tls:
        if security.server_name is not None:
            wanted = (*wanted, ("grpc.ssl_target_name_override", security.server_name))
        return grpc.secure_channel(target, channel_credentials(security), options=wanted)
    return _plain_with_token(target, security, wanted)


def _plain_with_token(
    target: str, security: ClientSecurity, options: Sequence[tuple[str, Any]]
) -> grpc.Channel:
    token = token_of(security)
    if token is None:
        return grpc.insecure_channel(target, options=options)
    if not security.insecure and not is_loopback(target.rpartition(":")[0]):
        raise ConnectError(
            f"the token for {target} would travel unencrypted: give the authority that vouches for "
            "the server (ca=, --tls-ca), or allow it on a network you trust (insecure=True, "
            "--insecure)"
        )
    return grpc.intercept_channel(
        grpc.insecure_channel(target, options=options), _TokenInPlaintext(token)
    )


class _Call(NamedTuple):
    """Details of a call, as gRPC's interceptors hand them on."""

    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class _TokenInPlaintext(
    grpc.UnaryUnaryClientInterceptor,  # type: ignore[misc]
    grpc.StreamStreamClientInterceptor,  # type: ignore[misc]
):
    """Shows the token with every call; TLS has gRPC's own credentials for that."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(self._with_token(details), request)

    def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:
        return continuation(self._with_token(details), requests)

    def _with_token(self, details: Any) -> _Call:
        metadata = (*(details.metadata or ()), (HEADER, bearer(self._token())))
        return _Call(
            details.method,
            details.timeout,
            metadata,
            details.credentials,
            details.wait_for_ready,
            details.compression,
        )
