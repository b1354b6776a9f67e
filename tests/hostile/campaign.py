"""Thousands of malformed requests, each counted under the name of what was done to it."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

import grpc
import numpy as np
from tests.hostile.mutations import MUTATIONS, NAMES, applied
from tests.hostile.sockets import SOCKET_ATTACKS, throw
from tests.hostile.streams import ATTACKS
from tests.hostile.valid import CANARY, DTYPES, Base

from cutpoint.wire import frames
from cutpoint.wire.channel import CLIENT_OPTIONS
from cutpoint.wire.protocol import CROSSING, ERROR, get_parameters, messages, services

TYPED = frozenset(
    {
        "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED",
        "UNIMPLEMENTED", "DEADLINE_EXCEEDED",
    }
)  # fmt: skip
"""What a malformed request may be answered with: no UNKNOWN, no INTERNAL."""

LONGEST_WORDS = 600
_TIMEOUT_S = 30.0
_SERVICE = "/inference.GRPCInferenceService/"
_ABSENT = (
    "SystemSharedMemoryRegister", "SystemSharedMemoryStatus", "CudaSharedMemoryRegister",
    "TraceSetting", "LogSettings", "RepositoryModelUnload", "ModelUpload", "",
)  # fmt: skip
_TOKEN = (("authorization", f"Bearer {CANARY}-token"), ("x-odd", CANARY))
_CROSSINGS = ("", "\n", "\0", "image", "relu0", "relu0\nrelu0", "classes", "nope", "x" * 500_000)


class Campaign:
    """
    Attacks one server and keeps count.

    Parameters
    ----------
    address
        Of the server.
    bases
        Valid requests, to be spoiled.
    sha256s
        Digest of each model's file.
    seed
        Of everything that is drawn.
    """

    def __init__(
        self, address: str, bases: Sequence[Base], sha256s: Mapping[str, str], seed: int
    ) -> None:
        self.address = address
        self.done: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.problems: list[str] = []
        self._bases = tuple(bases)
        self._sha256s = dict(sha256s)
        self._rng = Random(seed)
        self._channel = grpc.insecure_channel(address, options=CLIENT_OPTIONS)
        self._stub = services.GRPCInferenceServiceStub(self._channel)

    def close(self) -> None:
        """Hang up."""
        self._channel.close()

    @property
    def num_done(self) -> int:
        """Requests so far."""
        return sum(self.done.values())

    def is_answered(self) -> bool:
        """Send a valid request of each model; tell whether every answer is right."""
        return all(self._is_answered(base) for base in self._bases)

    def settles(self, timeout_s: float = 10.0) -> bool:
        """Tell whether the server soon has nothing under way but the question itself."""
        until_s = time.perf_counter() + timeout_s
        while time.perf_counter() < until_s:
            response = self._stub.ModelInfer(self._bases[0].request, timeout=_TIMEOUT_S)
            if response.parameters["pending"].int64_param <= 1:
                return True
            time.sleep(0.02)
        return False

    def run(self, num_requests: int) -> None:
        """Attack with about so many requests: most whole ones, some of every other kind."""
        until = self.num_done + num_requests
        while self.num_done < until:
            for _ in range(12):
                self.whole()
            self.stream(8)
            self.administer()
            self.unreadable()
            if self._rng.random() < 0.3:
                self.broken_off()
            if self._rng.random() < 0.3:
                self.junk()

    def whole(self) -> None:
        """Send a whole request, spoiled in one to three ways."""
        base = self._rng.choice(self._bases)
        request = base.fresh()
        chosen = [self._rng.choice(MUTATIONS) for _ in range(self._rng.choice((1, 1, 2, 3)))]
        for mutation in chosen:
            applied(mutation, request, self._rng)
        name = chosen[0].__name__
        self.done[name] += 1
        is_right = base.is_right(request, self._sha256s)
        try:
            response = self._stub.ModelInfer(request, timeout=_TIMEOUT_S, metadata=_TOKEN)
        except grpc.RpcError as error:
            self._note(name, error.code().name, error.details(), is_refusable=True)
            if is_right and request.ByteSize() < 90_000 and len(request.id) < 10_000:
                self.problems.append(f"{name}: a right request was refused: {error.details()}")
            return
        self.outcomes["answered"] += 1
        if not is_right:
            self.problems.append(f"{name}: a wrong request was answered")
        elif not _is_same(response, base.answer(request)):
            self.problems.append(f"{name}: the answer is wrong")

    def stream(self, num_attacks: int) -> None:
        """Send spoiled requests side by side on one stream, and hear it to its end."""
        sent: list[Any] = []
        for index in range(num_attacks):
            attack = self._rng.choice(ATTACKS)
            self.done[attack.__name__] += 1
            made = attack(self._rng.choice(self._bases), self._rng, str(index))
            sent = _mixed(sent, made, self._rng)
        try:
            for message in self._stub.ModelStreamInfer(iter(sent), timeout=_TIMEOUT_S):
                self._hear(message)
        except grpc.RpcError as error:
            self._note("stream", error.code().name, error.details(), is_refusable=True)

    def broken_off(self) -> None:
        """Break a stream or a call off in the middle: cancelled, or its connection cut."""
        base = self._rng.choice(self._bases)
        made = ATTACKS[0](base, self._rng, "1")
        part = made[: self._rng.randrange(len(made) + 1)]
        self.done["broken_off"] += 1
        with grpc.insecure_channel(self.address, options=CLIENT_OPTIONS) as channel:
            stub = services.GRPCInferenceServiceStub(channel)
            match self._rng.randrange(3):
                case 0:
                    call = stub.ModelStreamInfer(_held(part))
                    next(call)
                    call.cancel()
                case 1:
                    next(stub.ModelStreamInfer(_held(part)))
                case _:
                    call = stub.ModelInfer.future(base.request)
                    call.cancel()

    def administer(self) -> None:
        """Ask about odd names, for odd tails, and for methods that are not served."""
        name = self._rng.choice((*NAMES, *(b.request.model_name for b in self._bases)))
        tail = f"six_convs.{self._sha256s['six_convs'][:12]}.{self._rng.randrange(2**48):012x}"
        load = messages.RepositoryModelLoadRequest(model_name=self._rng.choice((name, tail)))
        crossing = self._rng.choice((*_CROSSINGS, *NAMES))
        if self._rng.random() < 0.8:
            load.parameters[CROSSING].string_param = crossing
        else:
            load.parameters[CROSSING].int64_param = 7
        calls = [
            ("ModelReady", messages.ModelReadyRequest(name=self._rng.choice((name, tail)))),
            ("ModelMetadata", messages.ModelMetadataRequest(name=name, version=name)),
            ("ModelConfig", messages.ModelConfigRequest(name=name)),
            ("ModelStatistics", messages.ModelStatisticsRequest(name=name)),
            ("RepositoryModelLoad", load),
        ]
        for method, request in self._rng.sample(calls, 2):
            self.done[f"odd_{method}"] += 1
            self._call(method, request.SerializeToString())

    def unreadable(self) -> None:
        """Send bytes that are no message, to a method that is there or is not."""
        rng = self._rng
        body = rng.randbytes(rng.randrange(1, 60))
        if rng.random() < 0.6:
            valid = bytearray(rng.choice(self._bases).request.SerializeToString())
            for _ in range(rng.randrange(1, 6)):
                valid[rng.randrange(min(len(valid), 80))] = rng.randrange(256)
            body = bytes(valid)
        method = rng.choice(("ModelInfer", "ModelReady", "ModelConfig", *_ABSENT))
        self.done["unreadable"] += 1
        self._call(method, body)

    def junk(self) -> None:
        """Send bytes that are no call."""
        attack = self._rng.choice(SOCKET_ATTACKS)
        self.done[attack.__name__] += 1
        throw(self.address, attack(self._rng), self._rng)

    def _call(self, method: str, body: bytes) -> None:
        try:
            self._channel.unary_unary(_SERVICE + method)(body, timeout=_TIMEOUT_S, metadata=_TOKEN)
        except grpc.RpcError as error:
            self._note(method, error.code().name, error.details(), is_refusable=True)
        else:
            self.outcomes["answered"] += 1

    def _hear(self, message: Any) -> None:
        response = message.infer_response
        if frames.kind_of(response) == ERROR:
            code = str(get_parameters(response.parameters)["code"])
            self._note("frame", code, message.error_message, is_refusable=True)
        else:
            self.outcomes[f"frame {frames.kind_of(response)}"] += 1

    def _note(self, name: str, code: str, words: str | None, *, is_refusable: bool) -> None:
        self.outcomes[code] += 1
        if not is_refusable or code not in TYPED:
            self.problems.append(f"{name}: {code} {words!r:.200}")
        if words is None or len(words) > LONGEST_WORDS or not words.isprintable():
            self.problems.append(f"{name}: words that no log should hold: {words!r:.200}")

    def _is_answered(self, base: Base) -> bool:
        response = self._stub.ModelInfer(base.request, timeout=_TIMEOUT_S)
        return _is_same(response, base.answer(base.request))


def _is_same(response: Any, expected: Mapping[str, Any]) -> bool:
    """Tell whether an answer is ONNX Runtime's, not a number or infinite where that is."""
    if [tensor.name for tensor in response.outputs] != list(expected):
        return False
    for tensor, raw in zip(response.outputs, response.raw_output_contents, strict=True):
        wanted = expected[tensor.name]
        if tensor.datatype == "BYTES":
            continue
        given = np.frombuffer(raw, DTYPES[tensor.datatype]).reshape(tuple(tensor.shape))
        if not np.allclose(given, wanted, rtol=1e-4, atol=1e-5, equal_nan=True):
            return False
    return True


def _mixed(one: list[Any], other: list[Any], rng: Random) -> list[Any]:
    """Put two sequences into one, each in its own order."""
    made: list[Any] = []
    left, right = list(reversed(one)), list(reversed(other))
    while left or right:
        made.append((left if not right or (left and rng.random() < 0.5) else right).pop())
    return made


def _held(messages_sent: Sequence[Any]) -> Iterator[Any]:
    """Give a probe and some frames, then nothing more while the stream is open."""
    probe = frames.probe_request(1, 0)
    yield probe
    yield from messages_sent
    time.sleep(0.05)
