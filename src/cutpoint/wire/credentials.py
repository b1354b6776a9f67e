"""How a device proves who it is, and checks who the server is."""

import ipaddress
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc

from cutpoint.exceptions import ConnectError
from cutpoint.wire.certificates import read_authorities, read_pair
from cutpoint.wire.tokens import HEADER, TokenFile, bearer, read_tokens

_log = logging.getLogger(__name__)

TOKEN_FILE_VARIABLE = "CUTPOINT_TOKEN_FILE"
"""Environment variable that names the file of the token where no option does."""


@dataclass(frozen=True)
class ClientSecurity:
    """
    What a device shows a server, and what it demands to see.

    Parameters
    ----------
    ca
        File of the authorities that may vouch for the server; gRPC's well-known ones where TLS
        is spoken without.
    certificate, key
        Files of the device's own certificate chain and its key, for servers that ask for one.
    token
        Bearer token.
    server_name
        Name in the server's certificate, where it is not the address that is dialled.
    tls
        Whether to speak TLS; implied by any of the files above and by `server_name`.
    insecure
        Whether a token may travel unencrypted to another machine.
    token_file
        Where the token is from: read again when it changes, so that tokens can be exchanged
        under a session that runs.
    """

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    token: str | None = field(default=None, repr=False)
    server_name: str | None = None
    tls: bool = False
    insecure: bool = False
    token_file: str | None = None

    @classmethod
    def from_files(
        cls,
        *,
        ca: str | os.PathLike[str] | None = None,
        certificate: str | os.PathLike[str] | None = None,
        key: str | os.PathLike[str] | None = None,
        token_file: str | os.PathLike[str] | None = None,
        server_name: str | None = None,
        tls: bool = False,
        insecure: bool = False,
    ) -> "ClientSecurity":
        """
        Give what files hold; the token is the first one of its file.

        Raises
        ------
        ConnectError
            If there is no token in its file.
        """
        return cls(
            ca=None if ca is None else os.fspath(ca),
            certificate=None if certificate is None else os.fspath(certificate),
            key=None if key is None else os.fspath(key),
            token=None if token_file is None else read_tokens(token_file)[0],
            server_name=server_name,
            tls=tls,
            insecure=insecure,
            token_file=None if token_file is None else os.fspath(token_file),
        )

    @property
    def uses_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.tls or any((self.ca, self.certificate, self.key, self.server_name))


class TokenShower(grpc.AuthMetadataPlugin):  # type: ignore[misc]
    """
    Shows the token with every call over TLS; gRPC itself keeps it from plaintext.

    Parameters
    ----------
    token
        Gives it as it is now.
    """

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def __call__(self, context: Any, callback: Any) -> None:
        """Give the metadata of a call."""
        callback(((HEADER, bearer(self._token())),), None)


_in_force: dict[ClientSecurity, Any] = {}
"""What was read last, for channels that are opened anew while files are being exchanged."""


def channel_credentials(security: ClientSecurity) -> Any:
    """
    Give what gRPC's channel takes to speak TLS; files are read anew each time.

    Raises
    ------
    ConnectError
        If a file cannot be used, and never could.
    """
    try:
        _in_force[security] = _read(security)
    except ConnectError as error:
        if security not in _in_force:
            raise
        _log.warning("%s; what was read before stays in force", error)
    return _in_force[security]


def _read(security: ClientSecurity) -> Any:
    authorities = None if security.ca is None else read_authorities(security.ca)
    key, chain = None, None
    if security.certificate is not None or security.key is not None:
        key, chain = read_pair(security.certificate, security.key)
    credentials = grpc.ssl_channel_credentials(authorities, key, chain)
    token = token_of(security)
    if token is None:
        return credentials
    shower = grpc.metadata_call_credentials(TokenShower(token))
    return grpc.composite_channel_credentials(credentials, shower)


def token_of(security: ClientSecurity) -> Callable[[], str] | None:
    """
    Give what gives the token as it is now; ``None`` if there is none.

    Raises
    ------
    ConnectError
        If it is in a file that cannot be read.
    """
    token = security.token
    if security.token_file is not None:
        try:
            file = TokenFile(security.token_file)
        except ConnectError:
            if token is None:
                raise
        else:
            return lambda: file.tokens()[0]
    return None if token is None else lambda: token


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, reached without any network."""
    host = host.strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
