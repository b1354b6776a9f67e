"""Clients that ask again as soon as they are answered, in a process of their own."""

import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
import msgspec
import numpy as np

from cutpoint.exceptions import RemoteProtocolError
from cutpoint.graph import Arrays
from cutpoint.lab.equivalence import is_equal
from cutpoint.wire.channel import open_channel
from cutpoint.wire.protocol import get_parameters, messages, number, services
from cutpoint.wire.tensors import TensorSpec, to_array, to_bytes

_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Question:
    """
    One request and what the uncut model answers to it.

    Parameters
    ----------
    name
        Of the model or tail asked.
    inputs, expected
        Tensors by name.
    """

    name: str
    inputs: Arrays
    expected: Arrays


@dataclass(frozen=True)
class Told:
    """
    What came of all clients' requests within the time that counts.

    Parameters
    ----------
    num_answered
        Answers within the time that counts.
    num_asked, num_wrong, num_refused
        All that were answered, before and after it too; those of them that differ from the
        uncut model's; and requests without an answer.
    batch
        Requests that ran together, mean over segments and requests.
    latency_s
        Median.
    duration_s
        The time that counts.
    """

    num_answered: int
    num_asked: int
    num_wrong: int
    num_refused: int
    batch: float
    latency_s: float
    duration_s: float

    @property
    def throughput_per_s(self) -> float:
        """Answers per second."""
        return self.num_answered / self.duration_s


class ClosedLoop:
    """
    Clients with a connection each, in one other process that stays between runs.

    Parameters
    ----------
    folder
        Where the questions are written down for it.
    questions
        One tuple for each client, asked in turns.
    """

    def __init__(self, folder: Path, questions: Sequence[tuple[Question, ...]]) -> None:
        path = folder / "questions.npz"
        _save(path, questions)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cutpoint.lab.closed_loop", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> "ClosedLoop":  # noqa: PYI034 (Self needs Python 3.11)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._process as process:  # closes its pipes and waits
            process.terminate()

    def run(self, address: str, duration_s: float, warm_up_s: float = 0.3) -> Told:
        """
        Let all clients ask one server for a while.

        Raises
        ------
        RemoteProtocolError
            If nothing was answered, or the process ended.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(msgspec.json.encode(_Order(address, duration_s, warm_up_s)) + b"\n")
        stdin.flush()
        line = stdout.readline()
        told = msgspec.json.decode(line, type=Told) if line else None
        if told is None or not told.num_answered:
            raise RemoteProtocolError(f"{address} answered nothing in {duration_s:g} s")
        return told


class _Order(msgspec.Struct):
    """What the process is to do next."""

    address: str
    duration_s: float
    warm_up_s: float


class _Written(msgspec.Struct):
    """A question whose arrays lie beside it, by their keys."""

    name: str
    inputs: dict[str, str]
    expected: dict[str, str]


def _save(path: Path, questions: Sequence[tuple[Question, ...]]) -> None:
    arrays: Arrays = {}

    def keys_of(tensors: Arrays) -> dict[str, str]:
        keys = {}
        for name, array in tensors.items():
            keys[name] = f"a{len(arrays)}"
            arrays[keys[name]] = array
        return keys

    written = [
        [_Written(one.name, keys_of(one.inputs), keys_of(one.expected)) for one in own]
        for own in questions
    ]
    path.with_suffix(".json").write_bytes(msgspec.json.encode(written))
    np.savez(path, **arrays)  # type: ignore[arg-type]


def _load(path: Path) -> tuple[tuple[Question, ...], ...]:
    written = msgspec.json.decode(path.with_suffix(".json").read_bytes(), type=list[list[_Written]])
    with np.load(path) as arrays:

        def tensors(keys: dict[str, str]) -> Arrays:
            return {name: arrays[key] for name, key in keys.items()}

        return tuple(
            tuple(Question(one.name, tensors(one.inputs), tensors(one.expected)) for one in own)
            for own in written
        )


@dataclass
class _Count:
    """What one client saw."""

    latencies_s: list[float]
    batches: list[float]
    num_asked: int = 0
    num_wrong: int = 0
    num_refused: int = 0


def _run(
    address: str,
    questions: tuple[tuple[Question, ...], ...],
    duration_s: float,
    warm_up_s: float,
) -> Told:
    begin_s = time.perf_counter() + warm_up_s
    with ThreadPoolExecutor(len(questions)) as clients:
        counts = list(
            clients.map(lambda own: _ask_on(address, own, begin_s, begin_s + duration_s), questions)
        )
    latencies_s = [latency for count in counts for latency in count.latencies_s]
    return Told(
        len(latencies_s),
        sum(count.num_asked for count in counts),
        sum(count.num_wrong for count in counts),
        sum(count.num_refused for count in counts),
        float(np.mean([batch for count in counts for batch in count.batches] or [0.0])),
        float(np.median(latencies_s or [0.0])),
        duration_s,
    )


def _ask_on(address: str, questions: tuple[Question, ...], begin_s: float, end_s: float) -> _Count:
    count = _Count([], [])
    requests = [(_request(question), question) for question in questions]
    with open_channel(address) as channel:
        stub = services.GRPCInferenceServiceStub(channel)
        turn = 0
        while time.perf_counter() < end_s:
            request, question = requests[turn % len(requests)]
            turn += 1
            _ask(stub, request, question, count, begin_s, end_s)
    return count


def _ask(
    stub: Any, request: Any, question: Question, count: _Count, begin_s: float, end_s: float
) -> None:
    asked_s = time.perf_counter()
    try:
        response = stub.ModelInfer(request, timeout=_TIMEOUT_S)
    except grpc.RpcError:
        count.num_refused += 1
        time.sleep(0.001)  # whoever is refused does not ask again at once
        return
    answered_s = time.perf_counter()
    count.num_asked += 1
    if not _is_right(response, question.expected):
        count.num_wrong += 1
    if begin_s <= answered_s <= end_s:
        count.latencies_s.append(answered_s - asked_s)
        count.batches.append(number(get_parameters(response.parameters), "batch"))


def _request(question: Question) -> Any:
    request = messages.ModelInferRequest(model_name=question.name)
    for name, array in question.inputs.items():
        spec = TensorSpec.of(name, array)
        request.inputs.add(name=name, datatype=spec.datatype, shape=spec.dims)
        request.raw_input_contents.append(bytes(to_bytes(array)))
    return request


def _is_right(response: Any, expected: Arrays) -> bool:
    pairs = zip(response.outputs, response.raw_output_contents, strict=True)
    made = {tensor.name: (tensor, raw) for tensor, raw in pairs}
    for name, wanted in expected.items():
        if name not in made:
            return False
        tensor, raw = made[name]
        spec = TensorSpec.of(name, wanted)
        if tuple(tensor.shape) != spec.dims or not is_equal(to_array(spec, raw), wanted):
            return False
    return True


def _serve_orders(path: Path) -> None:
    questions = _load(path)
    for line in sys.stdin.buffer:
        order = msgspec.json.decode(line, type=_Order)
        told = _run(order.address, questions, order.duration_s, order.warm_up_s)
        sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _serve_orders(Path(sys.argv[1]))
