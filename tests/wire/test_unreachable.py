"""Connections that fail: what gRPC says, and what that means to whoever reads it."""

import pytest

from cutpoint.exceptions import ConnectError, CutpointError, RemoteProtocolError, TlsError
from cutpoint.wire.credentials import ClientSecurity
from cutpoint.wire.unreachable import unreachable

TLS = ClientSecurity(ca="ca.pem")
MUTUAL = ClientSecurity(ca="ca.pem", certificate="c.pem", key="c.key")
_LAST = "failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.1:1: "
_VERIFY = _LAST + (
    "Tls handshake failed (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:1000007d:SSL routines:"
    "OPENSSL_internal:CERTIFICATE_VERIFY_FAILED: {}: OK"
)


@pytest.mark.parametrize(
    ("details", "security", "kind", "words"),
    [
        (_VERIFY.format("certificate has expired"), TLS, TlsError, "edge:1 has expired: renew"),
        (_VERIFY.format("certificate is not yet valid"), TLS, TlsError, "clock"),
        (_VERIFY.format("unable to get local issuer certificate"), TLS, TlsError, "--tls-ca"),
        (_VERIFY.format("unsupported certificate purpose"), TLS, TlsError, "serverAuth"),
        (_LAST + "Hostname Verification Check failed.", TLS, TlsError, "--tls-name"),
        (_LAST + "Tls handshake failed: WRONG_VERSION_NUMBER: OK", TLS, TlsError, "speak plaint"),
        (_LAST + "Socket closed", None, ConnectError, "--tls-ca"),
        (_LAST + "Socket closed", TLS, ConnectError, "--tls-cert"),
        (_LAST + "Socket closed", MUTUAL, ConnectError, "does not accept this device's"),
        ("Socket closed", MUTUAL, ConnectError, r"cannot be reached \(Socket closed\)"),
        (_LAST + "Connection refused", TLS, ConnectError, r"\(Connection refused\): is it "),
        ("Trying to connect an http1.x server: HTTP/2", None, RemoteProtocolError, "gRPC port"),
        ("", None, ConnectError, r"\(no answer\)"),
    ],
)
def test_each_failure_says_what_to_do(
    details: str, security: ClientSecurity | None, kind: type[CutpointError], words: str
) -> None:
    """Certificates are told apart from servers that are gone; every message names the server."""
    error = unreachable(details, "edge:1", security)
    assert type(error) is kind
    with pytest.raises(kind, match=words):
        raise error
    assert "edge:1" in str(error)
