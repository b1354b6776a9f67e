"""Certificates and keys in files: checked before gRPC, which would only say that it failed."""

import logging
import os
import ssl
import stat
from contextlib import suppress
from pathlib import Path

from cutpoint.exceptions import ConnectError

_log = logging.getLogger(__name__)

_OTHERS = stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH


def read_pair(certificate: str | None, key: str | None) -> tuple[bytes, bytes]:
    """
    Give a key and the certificate chain that goes with it, as gRPC takes them.

    Raises
    ------
    ConnectError
        If one is missing, cannot be read, is no PEM, is locked by a passphrase, is being
        exchanged at this moment, or if they do not belong together.
    """
    if certificate is None or key is None:
        given, missing = ("certificate", "key") if key is None else ("key", "certificate")
        raise ConnectError(f"TLS: a {given} is given without its {missing}: give both")
    chain, secret = _read(certificate), _read(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (OSError, ValueError) as error:  # of the content, or the file is gone meanwhile
        if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            raise ConnectError(
                f"TLS: key {key!r} is not the key of certificate {certificate!r}: give the key "
                "that the certificate was made with"
            ) from None
        raise ConnectError(
            f"TLS: certificate {certificate!r} and key {key!r} cannot be used: write both as PEM, "
            "the key without a passphrase"
        ) from None
    if (_read(certificate), _read(key)) != (chain, secret):  # what was checked is something else
        raise ConnectError(f"TLS: certificate {certificate!r} and its key are just being exchanged")
    _warn_if_open(key)
    return secret, chain


def read_authorities(path: str) -> bytes:
    """
    Give the authorities in a file.

    Raises
    ------
    ConnectError
        If it cannot be read or holds no certificate.
    """
    content = _read(path)
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ValueError):
        raise ConnectError(
            f"TLS: {path!r} holds no certificate of an authority: give a PEM file"
        ) from None
    return content


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConnectError(f"TLS: cannot read {path!r}: {error.strerror}") from None


def _warn_if_open(key: str) -> None:
    with suppress(OSError):  # gone meanwhile: it was read, and another one is being written
        if os.name != "posix" or not Path(key).stat().st_mode & _OTHERS:
            return
        _log.warning("key %r may be read by other users of this machine: chmod 600 it", key)
