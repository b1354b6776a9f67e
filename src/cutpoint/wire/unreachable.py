"""What gRPC's words for a failed connection mean, and what to do about it."""

from cutpoint.exceptions import ConnectError, CutpointError, RemoteProtocolError, TlsError
from cutpoint.wire.credentials import ClientSecurity

_NOT_CONNECTED = "failed to connect"

_OF_THE_CERTIFICATE = (
    (
        "certificate has expired",
        "has expired: renew it, or set this device's clock",
    ),
    (
        "certificate is not yet valid",
        "is not valid yet: set this device's clock",
    ),
    (
        "Hostname Verification Check failed",
        "is of another name: dial the server by a name in its certificate, or say which name it "
        "has (server_name=, --tls-name)",
    ),
    (
        "unsupported certificate purpose",
        "is not one for servers: make one with the extended key usage serverAuth",
    ),
    (
        "CERTIFICATE_VERIFY_FAILED",
        "is vouched for by no authority this device trusts: name the one that does (ca=, --tls-ca)",
    ),
)


def unreachable(details: str, address: str, security: ClientSecurity | None) -> CutpointError:
    """
    Give the error that a failed connection means.

    Parameters
    ----------
    details
        gRPC's words.
    security
        What the device showed and demanded.
    """
    uses_tls = security is not None and security.uses_tls
    for words, meaning in _OF_THE_CERTIFICATE if uses_tls else ():
        if words in details:
            return TlsError(f"the certificate of server {address} {meaning}")
    if uses_tls and "handshake failed" in details:
        return TlsError(
            f"server {address} does not speak TLS ({_reason(details)}): start it with --tls-cert "
            "and --tls-key, or speak plaintext to it (no --tls-... here)"
        )
    if "HTTP/2" in details:
        return RemoteProtocolError(
            f"{address} does not speak gRPC ({_reason(details)}): name the gRPC port of an "
            "inference server, or start one with `cutpoint serve`"
        )
    if _NOT_CONNECTED in details and "Socket closed" in details:
        # It says no more: whoever refuses a certificate, or a connection too many, hangs up.
        return ConnectError(f"server {address} hung up at once: {_suspicion(security)}")
    return ConnectError(f"server {address} cannot be reached ({_reason(details)}): is it running?")


def _suspicion(security: ClientSecurity | None) -> str:
    if security is None or not security.uses_tls:
        return "it speaks TLS (give ca=, --tls-ca), or has no room for another connection"
    if security.certificate is None:
        return (
            "it asks for a certificate of this device (give certificate= and key=, --tls-cert and "
            "--tls-key), or has no room for another connection"
        )
    return (
        "it does not accept this device's TLS certificate (expired, not valid yet, not for "
        "clients, or of an authority it does not trust; started with GRPC_VERBOSITY=INFO it "
        "logs which), or has no room for another connection"
    )


def _reason(details: str) -> str:
    return details.removesuffix(": OK").rpartition(": ")[2] or "no answer"
