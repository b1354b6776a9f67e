"""The one place that maps gRPC's status codes to our errors and back."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import grpc

from cutpoint.exceptions import (
    ConnectError,
    ConnectionLostError,
    CutpointError,
    DeadlineExceededError,
    FeedError,
    LocalProtocolError,
    ModelError,
    ModelMismatchError,
    NotReadyError,
    OverloadedError,
    RefusedError,
    RemoteError,
    RemoteExecutionError,
    RemoteProtocolError,
)
from cutpoint.wire.credentials import ClientSecurity
from cutpoint.wire.protocol import Parameter, number
from cutpoint.wire.unreachable import unreachable

RETRY_METADATA = "retry-after-ms"
"""Trailing metadata of a refused call."""

LONGEST_WORDS = 500
"""Characters of an error; gRPC replaces one that does not fit its 8 KB by another code."""

_LONGEST_RETRY_S = 60.0
"""No server is believed that asks to be left alone for longer."""

_LONGEST_CODE = 40
_TOO_LARGE = "larger than max"
"""So gRPC says, on either side, that a message is; its code is that of a full queue."""

_CODE = "code"
_RETRY_AFTER = "retry_after_s"

_CODES: tuple[tuple[type[CutpointError], grpc.StatusCode], ...] = (
    (NotReadyError, grpc.StatusCode.UNAVAILABLE),
    (OverloadedError, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (RefusedError, grpc.StatusCode.UNAUTHENTICATED),
    (RefusedError, grpc.StatusCode.PERMISSION_DENIED),
    (ModelMismatchError, grpc.StatusCode.FAILED_PRECONDITION),
    (DeadlineExceededError, grpc.StatusCode.DEADLINE_EXCEEDED),
    (ConnectionLostError, grpc.StatusCode.CANCELLED),
    (ConnectError, grpc.StatusCode.UNAVAILABLE),
    (ModelError, grpc.StatusCode.NOT_FOUND),
    (RemoteProtocolError, grpc.StatusCode.INVALID_ARGUMENT),
    (FeedError, grpc.StatusCode.INVALID_ARGUMENT),
    (RemoteExecutionError, grpc.StatusCode.INTERNAL),
)


def status_of(error: CutpointError) -> grpc.StatusCode:
    """Give the status code a server answers with."""
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    return grpc.StatusCode.INTERNAL


def printable(text: str) -> str:
    """Give the beginning of a text as one line that no log or terminal acts upon."""
    return "".join(
        letter if letter.isprintable() else repr(letter)[1:-1] for letter in text[:LONGEST_WORDS]
    )[:LONGEST_WORDS]


def words_of(error: BaseException) -> str:
    """Give the words of an error as they may travel."""
    return printable(str(error))


def error_parameters(error: CutpointError) -> dict[str, Parameter]:
    """Give the parameters of an error frame."""
    parameters: dict[str, Parameter] = {_CODE: status_of(error).name}
    if isinstance(error, OverloadedError):
        parameters[_RETRY_AFTER] = float(error.retry_after_s)
    return parameters


def error_from(code: str, text: str, parameters: Mapping[str, Parameter]) -> CutpointError:
    """Give the error that a code and a text of the other side mean here."""
    text = printable(text)
    later_s = min(max(number(parameters, _RETRY_AFTER), 0.0), _LONGEST_RETRY_S)
    if code == grpc.StatusCode.RESOURCE_EXHAUSTED.name:
        return OverloadedError(text, later_s)
    if code == grpc.StatusCode.UNAVAILABLE.name and _RETRY_AFTER in parameters:
        # Only who answers says when to come back; a server not reached does not.
        return NotReadyError(text, later_s)
    for kind, status in _CODES:
        if status.name == code and kind is not NotReadyError:
            return kind(text)
    return RemoteError(f"{printable(code)[:_LONGEST_CODE]}: {text}")


def frame_error(text: str, parameters: Mapping[str, Parameter]) -> CutpointError:
    """Give the error that an error frame means here."""
    return error_from(str(parameters.get(_CODE, grpc.StatusCode.INTERNAL.name)), text, parameters)


def rpc_error(
    error: grpc.RpcError, address: str, security: ClientSecurity | None = None
) -> CutpointError:
    """
    Give the error that a failed call to a server means here.

    Parameters
    ----------
    security
        What was shown to the server and demanded of it.
    """
    code, details = error.code(), printable(error.details() or "")
    if code == grpc.StatusCode.RESOURCE_EXHAUSTED and _TOO_LARGE in details:
        return RemoteProtocolError(
            f"a message to or from {address} is larger than its reader takes ({details}): send "
            "less at once, or let the server take more (--max-message)"
        )
    trailers = dict(getattr(error, "trailing_metadata", tuple)() or ())
    retry_after_ms = str(trailers.get(RETRY_METADATA, ""))
    if code == grpc.StatusCode.UNAVAILABLE and not retry_after_ms:
        return unreachable(details, address, security)
    if code == grpc.StatusCode.UNIMPLEMENTED:
        return RemoteProtocolError(
            f"{address} does not speak the Open Inference Protocol ({details}): "
            "start it with `cutpoint serve`, or name an inference server's gRPC port"
        )
    if code in (grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL):
        return RemoteProtocolError(f"{address} answered something else than gRPC ({details})")
    retry_after_s = float(retry_after_ms) / 1e3 if retry_after_ms.isdecimal() else 0.0
    return error_from(code.name, f"server {address}: {details}", {_RETRY_AFTER: retry_after_s})


@contextmanager
def mapped_errors(address: str, security: ClientSecurity | None = None) -> Iterator[None]:
    """Turn gRPC's errors of the calls inside into ours."""
    try:
        yield
    except grpc.RpcError as error:
        raise rpc_error(error, address, security) from error
    except CutpointError:
        raise  # some of ours are ValueErrors too
    except ValueError as error:  # raised for calls on a channel that was closed
        raise LocalProtocolError(f"call on a closed channel to {address}: {error}") from error
