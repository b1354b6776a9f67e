"""A server process that holds two tiny models, and the ways to talk to it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import grpc
import numpy as np
import onnxruntime
import pytest

from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import Arrays, Graph
from cutpoint.lab.server_process import ServerProcess
from cutpoint.server.served_model import ServedModel
from cutpoint.wire import frames
from cutpoint.wire.channel import open_channel
from cutpoint.wire.chunks import Assembly, Chunker
from cutpoint.wire.protocol import ACK, ERROR, RESULT, get_parameters, messages, services
from cutpoint.wire.tensors import TensorSpec

_TIMEOUT_S = 60.0


@pytest.fixture(scope="session")
def graph(six_convs: Path) -> Graph:
    """Load the tiny model, as a device would."""
    return load_graph(ModelFile.open(six_convs))


@pytest.fixture
def model(six_convs: Path) -> ServedModel:
    """Give the tiny model as a server holds it."""
    return ServedModel.load(str(six_convs), num_threads=1)


@pytest.fixture(scope="session")
def image_of() -> Callable[[int], Arrays]:
    """Give the maker of feeds: another image for each seed."""

    def make(seed: int) -> Arrays:
        rng = np.random.default_rng(seed)
        return {"image": rng.standard_normal((1, 3, 64, 64), dtype=np.float32)}

    return make


@pytest.fixture(scope="session")
def truth(six_convs: Path) -> Callable[[Arrays], Arrays]:
    """Give what computes the tiny model without any of our code."""
    session = onnxruntime.InferenceSession(six_convs, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def compute(feed: Arrays) -> Arrays:
        return dict(zip(names, session.run(names, feed), strict=True))

    return compute


@pytest.fixture(scope="session")
def served(six_convs: Path, counting: Path) -> Iterator[ServerProcess]:
    """Give a running server process; one for the whole test run."""
    # As many as without batching: what tiny models save by it is noise.
    waiting = ("--max-waiting", "2")
    with ServerProcess([str(six_convs), str(counting)], arguments=waiting) as process:
        yield process


@pytest.fixture(scope="session")
def stub(served: ServerProcess) -> Iterator[Any]:
    """Give a stub on a connection of its own."""
    with open_channel(served.address) as channel:
        yield services.GRPCInferenceServiceStub(channel)


@pytest.fixture(scope="session")
def request_for() -> Callable[..., Any]:
    """Give the writer of plain requests, with the protocol's messages alone."""

    def write(name: str, arrays: Arrays) -> Any:
        datatypes = {"float32": "FP32", "int64": "INT64"}
        request = messages.ModelInferRequest(model_name=name)
        for tensor, array in arrays.items():
            kind = datatypes[str(array.dtype)]
            request.inputs.add(name=tensor, datatype=kind, shape=array.shape)
            request.raw_input_contents.append(array.tobytes())
        return request

    return write


@pytest.fixture(scope="session")
def outputs_in() -> Callable[[Any], Arrays]:
    """Give the reader of plain answers whose tensors are all float32."""

    def read(response: Any) -> Arrays:
        pairs = zip(response.outputs, response.raw_output_contents, strict=True)
        return {t.name: np.frombuffer(raw, np.float32).reshape(t.shape) for t, raw in pairs}

    return read


@pytest.fixture(scope="session")
def assert_same() -> Callable[[Arrays, Mapping[str, Any]], None]:
    """Give the comparison of outputs: the same names in the same order, the same numbers."""

    def compare(computed: Arrays, expected: Mapping[str, Any]) -> None:
        assert list(computed) == list(expected)
        for name, array in expected.items():
            np.testing.assert_allclose(computed[name], array, rtol=1e-5, atol=1e-6)

    return compare


class Peer:
    """
    The device's end of one stream, frame by frame.

    Parameters
    ----------
    address
        Of the server.
    """

    def __init__(self, address: str) -> None:
        self._channel = open_channel(address)
        self._leaving: SimpleQueue[Any] = SimpleQueue()
        stub = services.GRPCInferenceServiceStub(self._channel)
        self._call = stub.ModelStreamInfer(iter(self._leaving.get, None), timeout=_TIMEOUT_S)

    def send(self, frame: Any) -> None:
        """Send a frame."""
        self._leaving.put(frame)

    def pieces(self, name: str, number: int, arrays: Arrays, size: int, **extra: Any) -> list[Any]:
        """Cut a request into chunk frames of at most so many bytes."""
        chunks = Chunker(tuple(arrays.items())).all(size)
        return [frames.chunk_request(name, number, chunk, extra) for chunk in chunks]

    def receive(self) -> tuple[str | None, int, Any]:
        """Give the next frame: its kind, its request and itself."""
        message = next(self._call)
        response = message.infer_response
        return frames.kind_of(response), int(response.id), message

    def acknowledged(self, number: int) -> int:
        """Take the next frame, which must acknowledge; give how many bytes had come."""
        kind, identity, message = self.receive()
        assert (kind, identity) == (ACK, number)
        return int(get_parameters(message.infer_response.parameters)["received_bytes"])

    def refusal(self, number: int) -> tuple[str, str]:
        """Take the next frame, which must be an error; give its code and its words."""
        kind, identity, message = self.receive()
        assert (kind, identity) == (ERROR, number)
        code = get_parameters(message.infer_response.parameters)["code"]
        return str(code), message.error_message

    def answer(self, number: int, expected: Mapping[str, Any]) -> Arrays:
        """Take the frames of one answer, which must be the next ones."""
        assembly = Assembly([TensorSpec.of(n, a) for n, a in expected.items()], "server")
        while not assembly.is_complete:
            kind, identity, message = self.receive()
            assert (kind, identity) == (RESULT, number)
            assembly.add(frames.response_chunk(message.infer_response))
        return assembly.arrays()

    def end(self) -> None:
        """Say that no more frames come; answers may still."""
        self._leaving.put(None)

    def is_over(self) -> bool:
        """Wait for the end of the stream; tell whether it ended without another frame."""
        return next(self._call, None) is None

    def close(self) -> None:
        """Hang up."""
        self.end()
        self._call.cancel()
        self._channel.close()


@pytest.fixture(scope="session")
def dial() -> Callable[[str], Peer]:
    """Give what opens a stream to an address; the caller closes it."""
    return Peer


@pytest.fixture
def peer(served: ServerProcess) -> Iterator[Peer]:
    """Give a stream to the server process."""
    peer = Peer(served.address)
    yield peer
    peer.close()


@pytest.fixture
def refusal_of() -> Callable[[Callable[[], object]], grpc.RpcError]:
    """Give what makes a call that must fail, and gives the failure."""

    def refused(call: Callable[[], object]) -> grpc.RpcError:
        with pytest.raises(grpc.RpcError) as caught:
            call()
        return caught.value

    return refused
