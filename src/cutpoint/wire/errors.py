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
    OverloadedError,
    RemoteError,
    RemoteExecutionError,
    RemoteProtocolError,
)
from cutpoint.wire.protocol import Parameter, number

RETRY_METADATA = "retry-after-ms"
"""Trailing metadata of a refused call."""

_CODE = "code"
_RETRY_AFTER = "retry_after_s"

_CODES: tuple[tuple[type[CutpointError], grpc.StatusCode], ...] = (
    (OverloadedError, grpc.StatusCode.RESOURCE_EXHAUSTED),
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


def error_parameters(error: CutpointError) -> dict[str, Parameter]:
    """Give the parameters of an error frame."""
    parameters: dict[str, Parameter] = {_CODE: status_of(error).name}
    if isinstance(error, OverloadedError):
        parameters[_RETRY_AFTER] = float(error.retry_after_s)
    return parameters


def error_from(code: str, text: str, parameters: Mapping[str, Parameter]) -> CutpointError:
    """Give the error that a code and a text of the other side mean here."""
    if code == grpc.StatusCode.RESOURCE_EXHAUSTED.name:
        return OverloadedError(text, number(parameters, _RETRY_AFTER))
    for kind, status in _CODES:
        if status.name == code:
            return kind(text)
    return RemoteError(f"{code}: {text}")


def frame_error(text: str, parameters: Mapping[str, Parameter]) -> CutpointError:
    """Give the error that an error frame means here."""
    return error_from(str(parameters.get(_CODE, grpc.StatusCode.INTERNAL.name)), text, parameters)


def rpc_error(error: grpc.RpcError, address: str) -> CutpointError:
    """Give the error that a failed call to a server means here."""
    code, details = error.code(), error.details() or ""
    if code == grpc.StatusCode.UNAVAILABLE:
        reason = details.rpartition(": ")[2] or "no answer"
        if "HTTP/2" in details:
            return RemoteProtocolError(
                f"{address} does not speak gRPC ({reason}): name the gRPC port of an inference "
                "server, or start one with `cutpoint serve`"
            )
        return ConnectError(f"server {address} cannot be reached ({reason}): is it running?")
    if code == grpc.StatusCode.UNIMPLEMENTED:
        return RemoteProtocolError(
            f"{address} does not speak the Open Inference Protocol ({details}): "
            "start it with `cutpoint serve`, or name an inference server's gRPC port"
        )
    if code in (grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL):
        return RemoteProtocolError(f"{address} answered something else than gRPC ({details})")
    trailers = dict(getattr(error, "trailing_metadata", tuple)() or ())
    retry_after_ms = str(trailers.get(RETRY_METADATA, ""))
    retry_after_s = float(retry_after_ms) / 1e3 if retry_after_ms.isdecimal() else 0.0
    return error_from(code.name, f"server {address}: {details}", {_RETRY_AFTER: retry_after_s})


@contextmanager
def mapped_errors(address: str) -> Iterator[None]:
    """Turn gRPC's errors of the calls inside into ours."""
    try:
        yield
    except grpc.RpcError as error:
        raise rpc_error(error, address) from error
    except CutpointError:
        raise  # some of ours are ValueErrors too
    except ValueError as error:  # raised for calls on a channel that was closed
        raise LocalProtocolError(f"call on a closed channel to {address}: {error}") from error
