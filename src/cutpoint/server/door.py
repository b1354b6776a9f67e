"""The server's door: who may come in, over what, and how much at a time."""

import errno
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grpc import aio as grpc_aio

from cutpoint.exceptions import ConnectError, CutpointError
from cutpoint.server.certificate_files import CertificateFiles
from cutpoint.server.file_limit import allow_files
from cutpoint.server.gate import Gate
from cutpoint.wire.channel import SERVER_OPTIONS
from cutpoint.wire.credentials import is_loopback
from cutpoint.wire.tokens import TokenFile

_log = logging.getLogger(__name__)

_HANDSHAKE_S = 10.0
"""Within which a connection must have said that it speaks TLS, and HTTP/2."""

_PIECES_OF_A_MESSAGE = 4
"""A message may take as long as so many pieces that each come just in time."""

_UNLIMITED = 2**31 - 2
"""gRPC's largest number; by one more connection it would abort the process."""

_NO_COMPRESSION = 1
"""Bit set of the algorithms taken: identity alone, for a small bomb unpacks to minutes of work."""


@dataclass(frozen=True)
class ServerSecurity:
    """
    What the server shows a client, and what it demands to see.

    Parameters
    ----------
    certificate, key
        Files of the server's certificate chain and its key: both, or neither for plaintext.
    client_ca
        File of the authorities that must vouch for a client; ``None`` asks for no certificate.
    token
        File of the tokens that are let in, one per line; ``None`` asks for none.
    """

    certificate: str | None = None
    key: str | None = None
    client_ca: str | None = None
    token: str | None = None

    @property
    def uses_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.certificate is not None or self.key is not None

    @property
    def admits_all(self) -> bool:
        """Whether anybody who reaches the port is let in."""
        return self.client_ca is None and self.token is None


@dataclass(frozen=True)
class ServerLimits:
    """
    How much one client, and all of them, may ask of the server.

    Parameters
    ----------
    max_message_bytes
        Largest message: of a plain request the whole of it, else one piece.
    max_metadata_bytes
        Headers of a call.
    max_connections
        Connections at a time; more are closed at once.
    max_streams
        Calls at a time on one connection; more wait at the client.
    idle_s
        After which a connection without a call is closed.
    stalled_s
        After which a request that comes in pieces is given up when no piece comes; one that
        comes in a single message has four times as long.
    """

    max_message_bytes: int = 64 << 20
    max_metadata_bytes: int = 16 << 10
    max_connections: int = 1024
    max_streams: int = 128
    idle_s: float = 300.0
    stalled_s: float = 30.0

    @property
    def upload_s(self) -> float:
        """Within which a single message must have come: gRPC does not tell how much is there."""
        return _PIECES_OF_A_MESSAGE * self.stalled_s

    def options(self) -> tuple[tuple[str, int], ...]:
        """Give gRPC's words for them; each was seen to hold (docs/decisions/014)."""
        wanted: tuple[tuple[str, float], ...] = (
            ("grpc.max_receive_message_length", self.max_message_bytes),
            # The first alone is a recommendation: gRPC refuses above the second.
            ("grpc.max_metadata_size", self.max_metadata_bytes),
            ("grpc.absolute_max_metadata_size", self.max_metadata_bytes),
            ("grpc.max_allowed_incoming_connections", self.max_connections),
            ("grpc.max_concurrent_streams", self.max_streams),
            ("grpc.max_connection_idle_ms", self.idle_s * 1e3),
            ("grpc.server_handshake_timeout_ms", _HANDSHAKE_S * 1e3),
            ("grpc.http2.settings_timeout", _HANDSHAKE_S * 1e3),
            ("grpc.compression_enabled_algorithms_bitset", _NO_COMPRESSION),
        )
        return tuple((name, round(min(value, _UNLIMITED))) for name, value in wanted)


def make_server(
    limits: ServerLimits | None = None,
    security: ServerSecurity | None = None,
    *,
    check_room: Callable[[], Callable[[], None]] | None = None,
    refused: Callable[[str, CutpointError], None] | None = None,
) -> Any:
    """
    Give a server without services that keeps its limits and lets in only who may.

    Parameters
    ----------
    check_room
        Raises if a request that comes now would be refused: it is not read then.
    refused
        Told of such a request.

    Raises
    ------
    ConnectError
        If the tokens cannot be read.
    """
    limits = limits or ServerLimits()
    allow_files(limits.max_connections)
    path = None if security is None else security.token
    gate = Gate(None if path is None else TokenFile(path), check_room, refused, limits.upload_s)
    kept = {name for name, _ in limits.options()}
    options = [option for option in SERVER_OPTIONS if option[0] not in kept]
    return grpc_aio.server(options=[*options, *limits.options()], interceptors=(gate,))


def bind(
    server: Any,
    host: str,
    port: int,
    security: ServerSecurity | None = None,
    *,
    insecure: bool = False,
) -> int:
    """
    Bind a server to an address.

    Parameters
    ----------
    server
        As `make_server` gives it.
    port
        0 takes any free one.
    insecure
        Whether an address that others reach may be served unencrypted, or to anybody.

    Returns
    -------
    int
        The port that was taken.

    Raises
    ------
    ConnectError
        If it is taken, a file of `security` cannot be used, or others reach the address and
        it is neither guarded nor `insecure`.
    """
    check_is_guarded(host, security, insecure=insecure)
    security = security or ServerSecurity()
    wanted = f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"
    credentials = _credentials(security)
    _warn_if_open(host, security)
    _check_is_free(host, port, wanted)
    try:
        if credentials is None:
            return int(server.add_insecure_port(wanted))
        return int(server.add_secure_port(wanted, credentials))
    except RuntimeError as error:
        raise ConnectError(f"cannot listen on {wanted}: is another server running?") from error


def _credentials(security: ServerSecurity) -> Any:
    if not security.uses_tls:
        if security.client_ca is not None:
            raise ConnectError(
                "clients are to show certificates (--tls-client-ca), which takes TLS: give "
                "--tls-cert and --tls-key too"
            )
        return None
    files = CertificateFiles(security.certificate or "", security.key, security.client_ca)
    return files.credentials()


def _check_is_free(host: str, port: int, wanted: str) -> None:
    """Refuse a port that is taken before gRPC does, whose own words go to standard error."""
    if not port:
        return
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            # As gRPC does: connections that ended just now do not keep a port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConnectError(f"cannot listen on {wanted}: is another server running?") from error
        raise ConnectError(f"cannot listen on {wanted}: {error.strerror or error}") from error


def check_is_guarded(
    host: str, security: ServerSecurity | None, *, insecure: bool, what: str = "serve"
) -> None:
    """
    Return if an address may be served as it is to be.

    Parameters
    ----------
    what
        What is to be done there, for the error.

    Raises
    ------
    ConnectError
        If others reach it, and it is neither guarded nor `insecure`; says which options to give.
    """
    security = security or ServerSecurity()
    missing = []
    if not security.uses_tls:
        missing.append("--tls-cert FILE --tls-key FILE")
    if security.admits_all:
        missing.append("--token-file FILE or --tls-client-ca FILE")
    if insecure or is_loopback(host) or not missing:
        return
    raise ConnectError(
        f"cannot {what} on {host!r}, which others reach, without protection: give "
        f"{' and '.join(missing)}; {what} on 127.0.0.1; or, on a network where everybody is "
        "trusted, say --insecure"
    )


def _warn_if_open(host: str, security: ServerSecurity) -> None:
    if is_loopback(host) or (security.uses_tls and not security.admits_all):
        return
    _log.warning(
        "serving on %s insecurely: whoever reaches it can %s",
        host,
        "ask for inferences" if security.admits_all else "read what travels, tokens included",
    )
