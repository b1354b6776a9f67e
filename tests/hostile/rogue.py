"""A server that lies: it passes every call on to an honest one, and spoils what comes back."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import wraps
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cutpoint.wire import frames
from cutpoint.wire.channel import CLIENT_OPTIONS
from cutpoint.wire.protocol import (
    ACK,
    CONFIG_PARAMETER,
    RESULT,
    messages,
    services,
    set_parameters,
)

FrameLie = Callable[[Any], Iterable[Any]]
ConfigLie = Callable[[dict[str, Any]], Any]


class Rogue:
    """
    Stands between a device and an honest server.

    Parameters
    ----------
    honest
        Address of the honest one.
    """

    def __init__(self, honest: str) -> None:
        self.frame_lie: FrameLie | None = None
        self.config_lie: ConfigLie | None = None
        self.num_lies = 0
        self.over = threading.Event()
        self._honest = honest
        self._channel = grpc.insecure_channel(honest, options=CLIENT_OPTIONS)
        self._stub = services.GRPCInferenceServiceStub(self._channel)
        self._health = health_pb2_grpc.HealthStub(self._channel)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve on a free port of loopback."""
        options = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))
        server = grpc.server(ThreadPoolExecutor(16), options=options)
        server.add_generic_rpc_handlers((self._inference(), self._healthy()))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            self.over.set()
            server.stop(None).wait()
            self._channel.close()

    def honestly(self) -> None:
        """Lie no more."""
        self.frame_lie = self.config_lie = None

    def _inference(self) -> Any:
        kinds = {
            "ServerReady": messages.ServerReadyRequest,
            "ModelReady": messages.ModelReadyRequest,
            "ModelConfig": messages.ModelConfigRequest,
            "RepositoryModelLoad": messages.RepositoryModelLoadRequest,
        }
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                self._passed_on(name), kind.FromString, _serialized
            )
            for name, kind in kinds.items()
        }
        handlers["ModelStreamInfer"] = grpc.stream_stream_rpc_method_handler(
            self._stream, messages.ModelInferRequest.FromString, _serialized
        )
        return grpc.method_handlers_generic_handler("inference.GRPCInferenceService", handlers)

    def _healthy(self) -> Any:
        def check(request: Any, _: Any) -> Any:
            return self._health.Check(request, timeout=5)

        kind = health_pb2.HealthCheckRequest
        handler = grpc.unary_unary_rpc_method_handler(check, kind.FromString, _serialized)
        return grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": handler})

    def _passed_on(self, name: str) -> Callable[[Any, Any], Any]:
        def call(request: Any, _: Any) -> Any:
            response = getattr(self._stub, name)(request, timeout=5)
            lie = self.config_lie
            if name == "ModelConfig" and lie is not None:
                self.num_lies += 1
                parameter = response.config.parameters[CONFIG_PARAMETER]
                told = lie(json.loads(parameter.string_value))
                parameter.string_value = told if isinstance(told, str) else json.dumps(told)
            return response

        return call

    def _stream(self, requests: Iterator[Any], _: Any) -> Iterator[Any]:
        call = self._stub.ModelStreamInfer(requests)
        try:
            for message in call:
                lie = self.frame_lie
                if lie is None or (_is_of_probe(message) and not _tells_probes(lie)):
                    yield message
                    continue
                num_sent = 0
                for spoiled in lie(message):
                    num_sent += 1
                    self.num_lies += spoiled is not message or num_sent > 1
                    yield spoiled
                self.num_lies += num_sent == 0
        finally:
            call.cancel()


def _serialized(message: Any) -> bytes:
    return message if isinstance(message, bytes) else bytes(message.SerializeToString())


def _is_of_probe(message: Any) -> bool:
    identity = message.infer_response.id
    return identity.isdecimal() and int(identity) >= 1 << 40


def _tells_probes(lie: FrameLie) -> bool:
    return getattr(lie, "is_of_probes", False)


def _on_results(spoil: Callable[[Any], Any]) -> FrameLie:
    """Give a lie about answers alone: what it gives is sent in their place."""

    @wraps(spoil)
    def lie(message: Any) -> Iterable[Any]:
        if frames.kind_of(message.infer_response) != RESULT:
            yield message
            return
        copied = messages.ModelStreamInferResponse()
        copied.CopyFrom(message)
        spoiled = spoil(copied)
        if isinstance(spoiled, (list, Iterator)):
            yield from spoiled
        else:
            yield copied

    return lie


@_on_results
def wrong_name(message: Any) -> None:
    """Name an output that the model has not."""
    message.infer_response.outputs[0].name = "other\x1b[2J"


@_on_results
def wrong_shape(message: Any) -> None:
    """Give it another shape."""
    message.infer_response.outputs[0].shape[:] = [7, 2**40]


@_on_results
def wrong_type(message: Any) -> None:
    """Give it another type."""
    message.infer_response.outputs[0].datatype = "INT64"


@_on_results
def too_few(message: Any) -> None:
    """Say that the first tensor is the only one."""
    set_parameters(message.infer_response.parameters, {"values": 1})


@_on_results
def too_many(message: Any) -> list[Any]:
    """Send each tensor twice."""
    again = messages.ModelStreamInferResponse()
    again.CopyFrom(message)
    value = message.infer_response.parameters["value"].int64_param
    for each in (message, again):
        set_parameters(each.infer_response.parameters, {"values": 4})
    set_parameters(again.infer_response.parameters, {"value": value + 1})
    return [message, again]


@_on_results
def wrong_offset(message: Any) -> None:
    """Send the bytes out of order."""
    set_parameters(message.infer_response.parameters, {"offset": 8})


@_on_results
def huge_reply(message: Any) -> None:
    """Send a hundred megabytes where a few bytes are due."""
    message.infer_response.raw_output_contents[0] = bytes(100 << 20)


@_on_results
def endless_reply(message: Any) -> Iterator[Any]:
    """Send pieces for ever."""
    set_parameters(message.infer_response.parameters, {"total_bytes": 2**60})
    message.infer_response.raw_output_contents[0] = bytes(60_000)
    for number in range(3000):
        set_parameters(message.infer_response.parameters, {"offset": number * 60_000})
        yield message


@_on_results
def negative_times(message: Any) -> None:
    """Say that it took less than no time."""
    set_parameters(message.infer_response.parameters, {"tail_s": -1e9, "wait_s": -5.0})


@_on_results
def huge_times(message: Any) -> None:
    """Say that it took longer than it was away."""
    set_parameters(message.infer_response.parameters, {"tail_s": 1e9, "idle_s": 1e9})


@_on_results
def no_numbers(message: Any) -> None:
    """Say that it took no number of seconds."""
    times = {"tail_s": float("nan"), "wait_s": float("inf"), "idle_s": "soon"}
    set_parameters(message.infer_response.parameters, times)


@_on_results
def busy_for_ever(message: Any) -> None:
    """Say that a processor was busy for longer than it was away."""
    set_parameters(message.infer_response.parameters, {"cpu_s": 1e9})


@_on_results
def busy_with_no_number(message: Any) -> None:
    """Say that a processor was busy for no number of seconds."""
    set_parameters(message.infer_response.parameters, {"cpu_s": float("nan")})


@_on_results
def no_times(message: Any) -> None:
    """Say nothing of what it took."""
    for key in ("tail_s", "wait_s", "idle_s", "cpu_s", "load", "batch", "pending"):
        message.infer_response.parameters.pop(key, None)


@_on_results
def decoded_for_ever(message: Any) -> None:
    """Say that what came raw was decoded for longer than it was away."""
    set_parameters(message.infer_response.parameters, {"decode_s": 1e9})


@_on_results
def encoded_reply(message: Any) -> None:
    """Answer in a codec that nobody asked for."""
    set_parameters(message.infer_response.parameters, {"codec": "zstd", "total_bytes": 2**40})


@_on_results
def answer_of_another(message: Any) -> None:
    """Answer a question that was not asked."""
    message.infer_response.id = str(int(message.infer_response.id) + 1000)


@_on_results
def number_too_long(message: Any) -> None:
    """Answer a request of ever so long a number."""
    message.infer_response.id = "9" * 5000


@_on_results
def never(_: Any) -> list[Any]:
    """Never answer."""
    return []


@_on_results
def garbage(_: Any) -> list[Any]:
    """Send bytes that are no message."""
    return [b"\xff\xfe\x00garbage\x1b[31m"]


@_on_results
def long_angry_words(message: Any) -> list[Any]:
    """Refuse with a megabyte of words that no terminal should see."""
    text = "no\r\n\x1b[2J" * 200_000
    identity = message.infer_response.id
    return [frames.error_response(identity, text, {"code": "NOT_A_CODE\n" * 1000})]


@_on_results
def come_back_in_a_lifetime(message: Any) -> list[Any]:
    """Refuse, and ask to be left alone for thirty years."""
    extra = {"code": "RESOURCE_EXHAUSTED", "retry_after_s": 1e9}
    return [frames.error_response(message.infer_response.id, "the queue is full", extra)]


def endless_acks(message: Any) -> Iterator[Any]:
    """Acknowledge for ever and answer never."""
    if frames.kind_of(message.infer_response) == ACK:
        for _ in itertools.repeat(None, 4_000):
            yield message


FRAME_LIES: tuple[FrameLie, ...] = (
    wrong_name, wrong_shape, wrong_type, too_few, too_many, wrong_offset, huge_reply,
    endless_reply, encoded_reply, answer_of_another, number_too_long, never, garbage,
    long_angry_words, endless_acks, come_back_in_a_lifetime,
)  # fmt: skip

TIME_LIES: tuple[FrameLie, ...] = (
    negative_times, huge_times, no_numbers, decoded_for_ever, busy_for_ever, busy_with_no_number,
    no_times,
)  # fmt: skip
"""Lies about nothing but what an answer took."""


def other_digest(told: dict[str, Any]) -> Any:
    """Hold another file."""
    return {**told, "sha256": "ab" * 32}


def times_that_are_none(told: dict[str, Any]) -> Any:
    """Have measured no numbers."""
    text = json.dumps(told)
    for sample in told["profile"]["samples"]:
        text = text.replace(f'"duration_s": {sample["duration_s"]}', '"duration_s": NaN')
    return text


def times_below_zero(told: dict[str, Any]) -> Any:
    """Have measured less than no time."""
    for sample in told["profile"]["samples"]:
        sample["duration_s"] = -1.0
    return told


def tails_of_other_cuts(told: dict[str, Any]) -> Any:
    """Hold tails behind other values than the cut's."""
    told["tails"] = {cut: ["image\x1b", "relu1"] for cut in told["tails"]}
    return told


def other_version(told: dict[str, Any]) -> Any:
    """Speak frames of the far future."""
    return {**told, "protocol_version": 10**18}


def decoding_that_never_was(told: dict[str, Any]) -> Any:
    """Have decoded more than there is, for longer than there was."""
    told["decoding"] = [
        {"kind": "decode", "subject": "uint8", "duration_s": 1e300, "size_bytes": 10**18}
    ]
    return told


def codecs_that_are_none(told: dict[str, Any]) -> Any:
    """Tell codecs that are no names."""
    return {**told, "codecs": [1, None, {"uint8": "\x1b[2J"}]}


def no_description(_: dict[str, Any]) -> Any:
    """Describe itself by half a word."""
    return '{"protocol_version": 1, "sha256": "' + "a" * 100_000


def deep_description(_: dict[str, Any]) -> Any:
    """Describe itself a hundred thousand levels deep."""
    return '{"protocol_version": 1, "profile": ' + "[" * 100_000 + "]" * 100_000 + "}"


CONFIG_LIES: tuple[ConfigLie, ...] = (
    other_digest, times_that_are_none, times_below_zero, tails_of_other_cuts, other_version,
    decoding_that_never_was, codecs_that_are_none, no_description, deep_description,
)  # fmt: skip


def now_s() -> float:
    """Give the time for deadlines of tests."""
    return time.perf_counter()
