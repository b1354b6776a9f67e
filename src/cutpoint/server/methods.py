"""Registers services: what a request is read with, and how each error is answered."""

import logging
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import wraps
from typing import Any

import grpc
from grpc import aio as grpc_aio
from grpc_health.v1 import health_pb2

from cutpoint.exceptions import CutpointError, OverloadedError, RemoteExecutionError
from cutpoint.wire.errors import RETRY_METADATA, status_of, words_of
from cutpoint.wire.protocol import messages
from cutpoint.wire.reading import Unreadable, reader, request_reader

_log = logging.getLogger(__name__)

INFERENCE = "inference.GRPCInferenceService"
HEALTH = "grpc.health.v1.Health"

UNARY = {
    "ServerLive": messages.ServerLiveRequest,
    "ServerReady": messages.ServerReadyRequest,
    "ServerMetadata": messages.ServerMetadataRequest,
    "ModelReady": messages.ModelReadyRequest,
    "ModelMetadata": messages.ModelMetadataRequest,
    "ModelConfig": messages.ModelConfigRequest,
    "ModelStatistics": messages.ModelStatisticsRequest,
    "ModelInfer": messages.ModelInferRequest,
    "RepositoryIndex": messages.RepositoryIndexRequest,
    "RepositoryModelLoad": messages.RepositoryModelLoadRequest,
}
"""Methods of the protocol that are served, and no others: none takes a model or gives one, none
reaches into shared memory or changes how the server logs."""

STREAM = "ModelStreamInfer"

BUG = "the server failed; its log says where"

Method = Callable[[Any, Any], Coroutine[Any, Any, Any]]


def add_inference(server: Any, service: Any) -> None:
    """Register the inference service of the protocol."""
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            answering(getattr(service, name)),
            request_deserializer=request_reader(kind) if name == "ModelInfer" else reader(kind),
            response_serializer=_serialized,
        )
        for name, kind in UNARY.items()
    }
    handlers[STREAM] = grpc.stream_stream_rpc_method_handler(
        answering(_reading(service.ModelStreamInfer)),
        request_deserializer=request_reader(messages.ModelInferRequest),
        response_serializer=_serialized,
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(INFERENCE, handlers),))


def add_health(server: Any, service: Any) -> None:
    """Register gRPC's health service."""
    read = reader(health_pb2.HealthCheckRequest)
    handlers = {
        "Check": grpc.unary_unary_rpc_method_handler(
            answering(service.Check), request_deserializer=read, response_serializer=_serialized
        ),
        "Watch": grpc.unary_stream_rpc_method_handler(
            answering(service.Watch), request_deserializer=read, response_serializer=_serialized
        ),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(HEALTH, handlers),))


def answering(method: Method) -> Method:
    """
    Answer errors of a method with the status code that stands for them.

    The code is set, not raised: what gRPC raises to abort a call is kept in a cycle with
    the call's frames, and so with its request, until the collector comes by.
    """

    @wraps(method)
    async def call(request: Any, context: Any) -> Any:
        if isinstance(request, Unreadable):
            return _refuse(context, request.error)
        try:
            return await method(request, context)
        except CutpointError as error:
            return _refuse(context, error)
        except grpc_aio.AbortError:
            raise
        except Exception as error:  # whatever it is, the caller gets an answer
            log_bug(error)
            return _refuse(context, RemoteExecutionError(BUG))

    return call


def _refuse(context: Any, error: CutpointError) -> None:
    if isinstance(error, OverloadedError):
        trailer = (RETRY_METADATA, f"{error.retry_after_s * 1e3:.0f}")
        context.set_trailing_metadata((trailer,))
    context.set_code(status_of(error))
    context.set_details(words_of(error))


def log_bug(error: BaseException) -> None:
    """
    Log an error that is none of ours by its place: its words may hold what a client sent.

    What gRPC raises itself is no bug: the caller hung up.
    """
    if isinstance(error, grpc_aio.BaseError):
        return
    place = traceback.extract_tb(error.__traceback__)[-1]
    _log.error("bug: %s in %s, line %s", type(error).__name__, place.name, place.lineno)


def _reading(method: Method) -> Method:
    @wraps(method)
    async def call(requests: AsyncIterator[Any], context: Any) -> Any:
        return await method(_readable(requests), context)

    return call


async def _readable(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Give the messages of a stream; one that is none ends it, for nobody knows whose it was."""
    async for message in requests:
        if isinstance(message, Unreadable):
            raise message.error
        yield message


def _serialized(message: Any) -> bytes:
    """Give an answer's bytes; none for a call that was refused."""
    return b"" if message is None else bytes(message.SerializeToString())
