"""The server's certificate, read again when its files change."""

import logging
from pathlib import Path
from typing import Any

import grpc

from cutpoint.exceptions import ConnectError
from cutpoint.wire.certificates import read_authorities, read_pair

_log = logging.getLogger(__name__)

States = tuple[tuple[int, int, int] | None, ...]
"""Of files: when they were written, their size and number; ``None`` of one that is not there."""


class CertificateFiles:
    """
    A certificate, its key, and the authorities of clients.

    Connections that begin after a change see the new ones; a pair that cannot be used, as
    between the writing of its two files, leaves the old one in force.

    Parameters
    ----------
    certificate, key, client_ca
        Files.

    Raises
    ------
    ConnectError
        If one cannot be used.
    """

    def __init__(self, certificate: str, key: str | None, client_ca: str | None) -> None:
        self._certificate = certificate
        self._key = key
        self._client_ca = client_ca
        self._state = self._seen()
        self._current = self._read()

    def credentials(self) -> Any:
        """Give what gRPC takes to bind a port."""
        return grpc.dynamic_ssl_server_credentials(
            self._current, self.current, require_client_authentication=self._client_ca is not None
        )

    def current(self) -> Any:
        """Give the configuration as the files hold it now; asked for at every handshake."""
        state = self._seen()
        if state != self._state:
            self._state = state
            try:
                self._current = self._read()
                _log.info("certificate %r was read again", self._certificate)
            except ConnectError as error:
                _log.warning("%s; the certificate read before stays in force", error)
        return self._current

    def _read(self) -> Any:
        pair = read_pair(self._certificate, self._key)
        authorities = None if self._client_ca is None else read_authorities(self._client_ca)
        return grpc.ssl_server_certificate_configuration([pair], authorities)

    def _seen(self) -> States:
        return states_of(self._certificate, self._key, self._client_ca)


def states_of(*paths: str | None) -> States:
    """Give what tells that files have changed; of those that are named."""
    return tuple(_state_of(path) for path in paths if path)


def _state_of(path: str) -> tuple[int, int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
