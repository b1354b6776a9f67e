"""Every way a call can go wrong has a typed answer, and leaves no request behind."""

import asyncio
import gc
import logging
import weakref
from typing import Any

import grpc
import pytest
from grpc import aio as grpc_aio
from grpc_health.v1 import health_pb2

from cutpoint.exceptions import ModelError, OverloadedError, RemoteProtocolError
from cutpoint.lab.server_process import ServerProcess
from cutpoint.server.methods import HEALTH, INFERENCE, STREAM, UNARY, answering, log_bug
from cutpoint.wire.reading import Unreadable


class Request:
    """Something that a call was asked with."""


class Context:
    """What gRPC would be told."""

    code: Any = None
    details = ""
    trailers: Any = ()

    def set_code(self, code: Any) -> None:
        """Take the code."""
        self.code = code

    def set_details(self, details: str) -> None:
        """Take the words."""
        self.details = details

    def set_trailing_metadata(self, trailers: Any) -> None:
        """Take what rides behind."""
        self.trailers = trailers


def _answered(method: Any, request: Any) -> Context:
    context = Context()
    assert asyncio.run(answering(method)(request, context)) is None
    return context


def _failing(error: Exception) -> Any:
    async def method(request: Any, context: Any) -> Any:
        raise error

    return method


def test_errors_have_their_codes() -> None:
    """Ours by what they mean, with when to come back; others by one word and no more."""
    assert _answered(_failing(ModelError("no\x1b[2J model")), 1).code == grpc.StatusCode.NOT_FOUND
    assert "\x1b" not in _answered(_failing(ModelError("no\x1b[2J model")), 1).details
    full = _answered(_failing(OverloadedError("full", 0.25)), 1)
    assert full.code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert dict(full.trailers) == {"retry-after-ms": "250"}
    bug = _answered(_failing(KeyError("secret")), 1)
    assert (bug.code, "secret" in bug.details) == (grpc.StatusCode.INTERNAL, False)
    unread = _answered(_failing(ValueError()), Unreadable(RemoteProtocolError("no message")))
    assert (unread.code, unread.details) == (grpc.StatusCode.INVALID_ARGUMENT, "no message")


def test_a_bug_is_logged_by_its_place_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Its words may hold what a client sent; what gRPC raises when one hangs up is no bug."""
    with caplog.at_level(logging.ERROR):
        _answered(_failing(ValueError("secret")), 1)
        log_bug(grpc_aio.UsageError("gone"))
    assert [record.getMessage()[:27] for record in caplog.records] == [
        "bug: ValueError in method, "
    ]
    assert "secret" not in caplog.text


def test_a_refused_request_is_gone_at_once() -> None:
    """Nothing keeps it in a cycle until the collector comes by: it may be megabytes."""

    async def method(request: Any, context: Any) -> Any:
        raise RemoteProtocolError("no")

    gc.collect()
    gc.disable()
    try:
        request = Request()
        watched = weakref.ref(request)
        _answered(method, request)
        del request
        assert watched() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "method",
    [
        *(f"/{INFERENCE}/{name}" for name in UNARY if name not in ("ServerLive", "ServerReady")),
        f"/{HEALTH}/Check",
    ],
)
def test_bytes_that_are_no_message_are_refused(served: ServerProcess, method: str) -> None:
    """By every method with INVALID_ARGUMENT: gRPC's own answer would be UNKNOWN."""
    with grpc.insecure_channel(served.address) as channel:
        code = channel.unary_unary(method).future(b"\xff\xff\xff", timeout=20).code()
    assert code == grpc.StatusCode.INVALID_ARGUMENT


def test_a_stream_of_no_messages_is_ended(served: ServerProcess) -> None:
    """With a code, for nobody can tell whose request it was."""
    with grpc.insecure_channel(served.address) as channel:
        for method in (f"/{INFERENCE}/{STREAM}",):
            call = channel.stream_stream(method)(iter([b"\xff\xff"]), timeout=20)
            assert call.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_what_is_not_served_is_not_there(served: ServerProcess) -> None:
    """Methods of the protocol that reach into memory or files are not implemented."""
    with grpc.insecure_channel(served.address) as channel:
        for name in ("SystemSharedMemoryRegister", "CudaSharedMemoryRegister", "TraceSetting",
                     "LogSettings", "RepositoryModelUnload"):  # fmt: skip
            code = channel.unary_unary(f"/{INFERENCE}/{name}").future(b"", timeout=20).code()
            assert code == grpc.StatusCode.UNIMPLEMENTED
        check = channel.unary_unary(f"/{HEALTH}/Check")
        answer = health_pb2.HealthCheckResponse.FromString(check(b"", timeout=20))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
