"""Every call passes here first: who calls, and whether there is room, before anything is read."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import grpc
from grpc import aio as grpc_aio

from cutpoint.exceptions import CutpointError, DeadlineExceededError, RefusedError
from cutpoint.server.callers import note_caller
from cutpoint.server.methods import INFERENCE, STREAM, answering
from cutpoint.wire.reading import Unreadable
from cutpoint.wire.tokens import HEADER, TokenFile, shown

_INFER = f"/{INFERENCE}/ModelInfer"
_STREAM = f"/{INFERENCE}/{STREAM}"


class Gate(grpc_aio.ServerInterceptor):  # type: ignore[misc]
    """
    Lets calls in, or refuses them by their headers alone.

    A refused call costs its headers and no more: what it uploads is never read. Health is
    behind the gate as well: whoever may not ask for an inference learns nothing.

    Parameters
    ----------
    tokens
        Of those who are let in; ``None`` lets in everybody.
    check_room
        Raises if a request that comes now would be refused; gives what is to be called when it
        has come, or will not.
    refused
        Told of a request for which there was no room, or whose caller may not ask.
    upload_s
        Within which the whole message of a call must have come.
    """

    def __init__(
        self,
        tokens: TokenFile | None,
        check_room: Callable[[], Callable[[], None]] | None,
        refused: Callable[[str, CutpointError], None] | None,
        upload_s: float,
    ) -> None:
        self._tokens = tokens
        self._check_room = check_room
        self._refused = refused
        self._upload_s = upload_s

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """Give what serves a call: its own method, or one that refuses it."""
        number = 0
        if self._tokens is not None:
            number = self._number_of(details.invocation_metadata, self._tokens.tokens())
            if number < 0:
                error = _not_let_in(details.invocation_metadata)
                if details.method in (_INFER, _STREAM):
                    self._tell(error)
                return _refusing(error)
        handler = await continuation(details)
        if handler is None:
            return None
        if handler.unary_unary is not None:
            return self._unary(handler, number, is_inference=details.method == _INFER)
        if handler.stream_stream is not None:
            return _streamed(handler, _known(handler.stream_stream, number))
        return handler

    def _number_of(self, metadata: Any, tokens: tuple[str, ...]) -> int:
        """Give the place of the token that a call shows among ours; -1 if it is none of them."""
        token = next((shown(value) for key, value in metadata if key == HEADER), None) or ""
        found = -1
        for number, each in enumerate(tokens):  # every one of them: time must not tell which
            if hmac.compare_digest(each.encode(), token.encode()):
                found = number
        return found

    def _unary(self, handler: Any, number: int, *, is_inference: bool) -> Any:
        """Read a single request as a stream of one: only so it can be refused or ended unread."""

        async def serve(requests: AsyncIterator[Any], context: Any) -> Any:
            note_caller(context, number)
            came = self._check() if is_inference else _nothing
            try:
                request = await self._message(requests)
            except DeadlineExceededError as error:
                if is_inference:
                    self._tell(error)
                raise
            except StopAsyncIteration:
                return  # hung up
            finally:
                came()
            if is_inference and isinstance(request, Unreadable):
                self._tell(request.error)
            answer = await handler.unary_unary(request, context)
            if answer is not None:  # else it was refused
                await context.write(answer)

        return _streamed(handler, answering(serve))

    async def _message(self, requests: AsyncIterator[Any]) -> Any:
        """Read the message of a call; by a timer, since a task for it would cost every call."""
        task, is_late = asyncio.current_task(), False

        def expire() -> None:
            nonlocal is_late
            is_late = True
            if task is not None:
                task.cancel()

        timer = asyncio.get_running_loop().call_later(self._upload_s, expire)
        try:
            return await anext(requests)
        except asyncio.CancelledError:
            if not is_late:
                raise
            raise DeadlineExceededError(
                f"the request was not here within {self._upload_s:g} s of its first byte: send it "
                "over ModelStreamInfer in pieces, or let the server wait longer (--stall-timeout)"
            ) from None
        finally:
            timer.cancel()

    def _check(self) -> Callable[[], None]:
        if self._check_room is None:
            return _nothing
        try:
            return self._check_room()
        except CutpointError as error:
            self._tell(error)
            raise

    def _tell(self, error: CutpointError) -> None:
        if self._refused is not None:
            self._refused("", error)


def _nothing() -> None:
    """Tell nobody."""


def _known(behaviour: Callable[..., Any], number: int) -> Callable[..., Any]:
    async def serve(requests: AsyncIterator[Any], context: Any) -> None:
        note_caller(context, number)
        await behaviour(requests, context)

    return serve


def _streamed(handler: Any, behaviour: Callable[..., Coroutine[Any, Any, Any]]) -> Any:
    return grpc.stream_stream_rpc_method_handler(
        behaviour, handler.request_deserializer, handler.response_serializer
    )


def _refusing(error: RefusedError) -> Any:
    async def refuse(requests: AsyncIterator[Any], context: Any) -> None:
        raise error

    return grpc.stream_stream_rpc_method_handler(answering(refuse))


def _not_let_in(metadata: Any) -> RefusedError:
    if not any(key == HEADER for key, _ in metadata):
        return RefusedError("no token was shown: give one (token=, --token-file)")
    return RefusedError("the token is none of this server's: give another (token=, --token-file)")
