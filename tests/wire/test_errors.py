"""Errors: one mapping between ours and gRPC's status codes, both ways."""

import grpc
import pytest
from grpc import StatusCode

from cutpoint import exceptions
from cutpoint.exceptions import (
    ConnectError,
    ConnectionLostError,
    CutpointError,
    DeadlineExceededError,
    FeedError,
    InvalidCutError,
    LocalProtocolError,
    ModelError,
    ModelMismatchError,
    OverloadedError,
    RefusedError,
    RemoteError,
    RemoteExecutionError,
    RemoteProtocolError,
    UnknownShapeError,
)
from cutpoint.wire.errors import (
    error_from,
    error_parameters,
    frame_error,
    mapped_errors,
    rpc_error,
    status_of,
)

BOTH_WAYS = {
    OverloadedError: StatusCode.RESOURCE_EXHAUSTED,
    RefusedError: StatusCode.UNAUTHENTICATED,
    ModelMismatchError: StatusCode.FAILED_PRECONDITION,
    DeadlineExceededError: StatusCode.DEADLINE_EXCEEDED,
    ConnectionLostError: StatusCode.CANCELLED,
    ConnectError: StatusCode.UNAVAILABLE,
    ModelError: StatusCode.NOT_FOUND,
    RemoteProtocolError: StatusCode.INVALID_ARGUMENT,
    RemoteExecutionError: StatusCode.INTERNAL,
}
ONE_WAY = {
    FeedError: StatusCode.INVALID_ARGUMENT,
    UnknownShapeError: StatusCode.NOT_FOUND,
    InvalidCutError: StatusCode.NOT_FOUND,
    LocalProtocolError: StatusCode.INTERNAL,
    RemoteError: StatusCode.INTERNAL,
}
EVERY_CLASS = sorted(
    (
        kind
        for kind in vars(exceptions).values()
        if isinstance(kind, type) and issubclass(kind, CutpointError)
    ),
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize(
    ("kind", "code"), [*BOTH_WAYS.items(), *ONE_WAY.items()], ids=lambda x: getattr(x, "name", "")
)
def test_an_error_has_a_status_code(kind: type[CutpointError], code: StatusCode) -> None:
    """Each error a server may raise is answered with the code that stands for it."""
    assert status_of(kind("why")) == code


@pytest.mark.parametrize(("kind", "code"), BOTH_WAYS.items(), ids=lambda x: getattr(x, "name", ""))
def test_a_status_code_gives_the_error_back(kind: type[CutpointError], code: StatusCode) -> None:
    """The class and the words survive the way there and back."""
    back = error_from(code.name, "why", {})
    assert type(back) is kind
    assert str(back) == "why"


@pytest.mark.parametrize("kind", EVERY_CLASS)
def test_every_error_survives_an_error_frame(kind: type[CutpointError]) -> None:
    """Whatever fails at a server is one of our errors at the device, never another."""
    back = frame_error("why", error_parameters(kind("why")))
    assert isinstance(back, CutpointError)
    assert "why" in str(back)
    assert status_of(back) == status_of(kind("why"))


@pytest.mark.parametrize("code", [*StatusCode, "NO_SUCH_CODE", ""])
def test_any_code_means_an_error_of_ours(code: StatusCode | str) -> None:
    """A code that stands for nothing here is the other side's refusal, named."""
    name = getattr(code, "name", code)
    error = error_from(name, "why", {})
    assert isinstance(error, CutpointError)
    if code is StatusCode.PERMISSION_DENIED:  # other servers' word for a token they refuse
        assert type(error) is RefusedError
    elif code not in BOTH_WAYS.values():
        assert type(error) is RemoteError
        assert str(error) == f"{name}: why"


def test_overload_says_when_to_come_back() -> None:
    """The time to try again rides in the frame; without it, at once."""
    error = OverloadedError("full", 1.5)
    assert error_parameters(error) == {"code": "RESOURCE_EXHAUSTED", "retry_after_s": 1.5}
    back = frame_error("full", error_parameters(error))
    assert isinstance(back, OverloadedError)
    assert back.retry_after_s == 1.5
    assert frame_error("full", {"code": "RESOURCE_EXHAUSTED"}).retry_after_s == 0.0


def test_a_time_to_come_back_that_is_no_number_is_refused() -> None:
    """A server that says "soon" is not believed."""
    with pytest.raises(RemoteProtocolError, match="retry_after_s"):
        frame_error("full", {"code": "RESOURCE_EXHAUSTED", "retry_after_s": "soon"})


class FailedCall(grpc.RpcError):
    """What a call of gRPC raises."""

    def __init__(self, code: StatusCode, details: str | None) -> None:
        super().__init__(code)
        self._code, self._details = code, details

    def code(self) -> StatusCode:
        """Give the status code."""
        return self._code

    def details(self) -> str | None:
        """Give the other side's words."""
        return self._details


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        (StatusCode.UNAVAILABLE, ConnectError, r"edge:1 cannot be reached \(because\)"),
        (StatusCode.UNIMPLEMENTED, RemoteProtocolError, "does not speak the Open Inference"),
        (StatusCode.UNKNOWN, RemoteProtocolError, "edge:1 answered something else"),
        (StatusCode.INTERNAL, RemoteProtocolError, "edge:1 answered something else"),
        (StatusCode.DEADLINE_EXCEEDED, DeadlineExceededError, "server edge:1: because"),
        (StatusCode.NOT_FOUND, ModelError, "server edge:1: because"),
        (StatusCode.RESOURCE_EXHAUSTED, OverloadedError, "server edge:1: because"),
        (StatusCode.PERMISSION_DENIED, RefusedError, "server edge:1: because"),
        (StatusCode.UNAUTHENTICATED, RefusedError, "server edge:1: because"),
    ],
)
def test_a_failed_call_names_the_server(
    code: StatusCode, kind: type[CutpointError], message: str
) -> None:
    """Each code of a call is an error of ours that says which server and why."""
    error = rpc_error(FailedCall(code, "because"), "edge:1")
    assert type(error) is kind
    with pytest.raises(kind, match=message):
        raise error
    assert "edge:1" in str(rpc_error(FailedCall(code, None), "edge:1"))


def test_calls_inside_raise_our_errors_only() -> None:
    """Errors of gRPC, and its complaint about closed channels, are translated with their cause."""
    failed = FailedCall(StatusCode.UNAVAILABLE, "gone")
    with pytest.raises(ConnectError) as caught, mapped_errors("edge:1"):
        raise failed
    assert caught.value.__cause__ is failed
    with (
        pytest.raises(LocalProtocolError, match="closed channel to edge:1"),
        mapped_errors("edge:1"),
    ):
        raise ValueError("Cannot invoke RPC on closed channel!")
    with pytest.raises(OverloadedError), mapped_errors("edge:1"):
        raise OverloadedError("ours stay as they are")
