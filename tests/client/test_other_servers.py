"""Servers that are not cutpoint's, or do not behave."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import numpy as np
import onnxruntime
import pytest
from tests.client.conftest import running_server, save, tiny_model, wait_for_problem

from cutpoint import InferenceSession
from cutpoint.exceptions import ModelMismatchError
from cutpoint.lab.equivalence import is_equal
from cutpoint.lab.zoo.text_encoder import text_encoder
from cutpoint.wire.protocol import messages, model_config, services

pytestmark = pytest.mark.alone


class PlainServer(services.GRPCInferenceServiceServicer):
    """Any server of the protocol: whole models by ModelInfer, and nothing of cutpoint's."""

    def __init__(self, path) -> None:
        self._session = onnxruntime.InferenceSession(str(path))
        self.num_inferences = 0

    def ServerReady(self, request, context):  # noqa: N802
        """Be ready."""
        return messages.ServerReadyResponse(ready=True)

    def ModelReady(self, request, context):  # noqa: N802
        """Have one model."""
        return messages.ModelReadyResponse(ready=request.name == "tiny")

    def ModelConfig(self, request, context):  # noqa: N802
        """Tell nothing of cutpoint's."""
        return messages.ModelConfigResponse(config=model_config.ModelConfig(name=request.name))

    def ModelInfer(self, request, context):  # noqa: N802
        """Run the whole model."""
        self.num_inferences += 1
        shape = list(request.inputs[0].shape)
        array = np.frombuffer(request.raw_input_contents[0], np.float32).reshape(shape)
        return self.answer(request, self._session.run(None, {"x": array})[0])

    def answer(self, request, output):
        """Give the answer."""
        response = messages.ModelInferResponse(model_name="tiny", id=request.id)
        response.outputs.add(name="t3", datatype="FP32", shape=output.shape)
        response.raw_output_contents.append(output.tobytes())
        return response


@contextmanager
def serving(servicer) -> Iterator[str]:
    """Serve on a free port of loopback."""
    server = grpc.server(ThreadPoolExecutor(4))
    services.add_GRPCInferenceServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


@pytest.fixture
def expected(model_path, feed):
    """Give what ONNX Runtime itself makes of the feed."""
    return onnxruntime.InferenceSession(str(model_path)).run(None, feed)[0]


def test_any_server_of_the_protocol_runs_the_whole_model(model_path, feed, expected):
    """Without digest or health service it is checked by its answer, then offloaded to."""
    plain = PlainServer(model_path)
    with (
        serving(plain) as address,
        InferenceSession(model_path, server=address, policy="server") as session,
    ):
        session.wait_until_ready(10)
        before = plain.num_inferences
        (output,) = session.run(None, feed)
        record = session.last_record
    assert is_equal(output, expected)
    assert record.placement == "server"
    assert record.measured.upload_s + record.measured.tail_s > 0
    assert plain.num_inferences == before + 1


class BareServer(PlainServer):
    """A server of the protocol alone, without Triton's extensions, as KServe and MLServer are."""

    def ModelConfig(self, request, context):  # noqa: N802
        """Be an extension that is not there."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")

    def ModelMetadata(self, request, context):  # noqa: N802
        """Name the model."""
        return messages.ModelMetadataResponse(name=request.name)

    def ModelReady(self, request, context):  # noqa: N802
        """Refuse long names, as servers may."""
        if request.name != "tiny":
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no such name")
        return messages.ModelReadyResponse(ready=True)


def test_a_server_without_extensions_runs_the_whole_model(model_path, feed, expected):
    """ModelConfig is Triton's: a server that has none is offloaded to all the same."""
    with (
        serving(BareServer(model_path)) as address,
        InferenceSession(model_path, server=address, policy="server") as session,
    ):
        session.wait_until_ready(10)
        (output,) = session.run(None, feed)
        assert session.last_record.placement == "server"
    assert is_equal(output, expected)


def test_a_plain_server_with_other_weights_is_refused(tmp_path, model_path, feed, expected):
    """Its answer to one input differs from the device's: it is never offloaded to."""
    other = save(tmp_path / "other.onnx", tiny_model(seed=4))
    with (
        serving(PlainServer(other)) as address,
        InferenceSession(model_path, server=address, policy="server") as session,
    ):
        wait_for_problem(session, ModelMismatchError)
        with pytest.raises(ModelMismatchError, match="gives another 't3'"):
            session.wait_until_ready(0)
        (output,) = session.run(None, feed)
        assert is_equal(output, expected)
        assert "gives another 't3'" in session.last_record.fallback_reason


class Liar(PlainServer):
    """Answers rightly until it is told to lie."""

    lie = staticmethod(lambda response: None)

    def answer(self, request, output):
        """Give the answer, or a lie."""
        response = super().answer(request, output)
        self.lie(response)
        return response


def wrong_name(response) -> None:
    """Name an output that is not there."""
    response.outputs[0].name = "other"


def wrong_type(response) -> None:
    """Change the type."""
    response.outputs[0].datatype = "INT64"


def wrong_shape(response) -> None:
    """Change the shape."""
    response.outputs[0].shape[0] = 7


def too_few_bytes(response) -> None:
    """Leave out a byte."""
    response.raw_output_contents[0] = response.raw_output_contents[0][:-1]


def nothing(response) -> None:
    """Answer without outputs."""
    del response.outputs[:]
    del response.raw_output_contents[:]


@pytest.mark.parametrize("lie", [wrong_name, wrong_type, wrong_shape, too_few_bytes, nothing])
def test_a_wrong_answer_is_told_from_a_right_one(model_path, feed, expected, lie):
    """An answer of other names, types, shapes or sizes is not taken: the device finishes."""
    liar = Liar(model_path)
    with (
        serving(liar) as address,
        InferenceSession(model_path, server=address, policy="server") as session,
    ):
        session.wait_until_ready(10)
        liar.lie = lie
        (output,) = session.run(None, feed)
        record = session.last_record
        assert is_equal(output, expected)
        assert (record.planned, record.placement) == ("server", "device")
        assert record.fallback_reason


def test_an_overloaded_server_is_left_alone_and_taken_up_again(model_path, feed, expected):
    """A full queue refuses at once; the device finishes, and offloads again later."""
    with (
        running_server(model_path, max_waiting=0) as address,
        InferenceSession(model_path, server=address, policy="t0") as first,
        InferenceSession(model_path, server=address, policy="t0") as second,
    ):
        reasons = set()
        for session in (first, second):
            session.wait_until_ready(10)
        with ThreadPoolExecutor(8) as pool:
            for _ in range(40):
                futures = [pool.submit(s.run, None, feed) for s in (first, second) * 4]
                assert all(is_equal(future.result()[0], expected) for future in futures)
                reasons |= {s.last_record.fallback_reason for s in (first, second)}
        assert any(reason and "overloaded" in reason for reason in reasons) or any(
            reason and "waiting or running" in reason for reason in reasons
        )
        deadline_s = time.perf_counter() + 5
        while time.perf_counter() < deadline_s:
            first.run(None, feed)
            if first.last_record.placement == "split":
                break
        assert first.last_record.placement == "split"


def test_a_frozen_server_is_given_up_and_taken_up_again(model_path, feed, expected, fork_server):
    """A server that is stopped answers late: the device finishes, and comes back to it."""
    with (
        fork_server.server([str(model_path)]) as server,
        InferenceSession(model_path, server=server.address, policy="server") as session,
    ):
        session.wait_until_ready(10)
        session.run(None, feed)
        assert session.last_record.placement == "server", session.last_record
        os.kill(server.pid, signal.SIGSTOP)
        try:
            late = 0
            for _ in range(5):
                (output,) = session.run(None, feed)
                assert is_equal(output, expected)
                assert session.last_record.placement == "device"
                late += "late" in session.last_record.fallback_reason
            assert late >= 1
        finally:
            os.kill(server.pid, signal.SIGCONT)
        deadline_s = time.perf_counter() + 10
        while session.last_record.placement == "device":
            assert time.perf_counter() < deadline_s
            session.run(None, feed)


class Failing(PlainServer):
    """Healthy, and fails every inference while it is told to."""

    is_failing = False

    def ModelInfer(self, request, context):  # noqa: N802
        """Fail."""
        if self.is_failing:
            self.num_inferences += 1
            context.abort(grpc.StatusCode.INTERNAL, "the accelerator is gone")
        return super().ModelInfer(request, context)


def test_a_healthy_server_that_fails_is_asked_once_per_pause(model_path, feed, expected):
    """Two failures leave it, then one trial after each pause, of which every one is longer."""
    failing = Failing(model_path)
    with (
        serving(failing) as address,
        InferenceSession(model_path, server=address, policy="server") as session,
    ):
        session.wait_until_ready(10)
        session.run(None, feed)
        assert session.last_record.placement == "server"
        failing.is_failing, failing.num_inferences = True, 0
        with ThreadPoolExecutor(4) as pool:
            until_s = time.perf_counter() + 1.6
            while time.perf_counter() < until_s:
                futures = [pool.submit(session.run, None, feed) for _ in range(4)]
                assert all(is_equal(future.result()[0], expected) for future in futures)
        # Those side by side, and trials after 0.125 s, 0.25 s, 0.5 s and 1 s at the earliest.
        assert failing.num_inferences <= 4 + 4
        assert "accelerator is gone" in session.last_record.fallback_reason
        failing.is_failing = False
        until_s = time.perf_counter() + 10
        while session.last_record.placement == "device":
            assert time.perf_counter() < until_s
            session.run(None, feed)


class PlainEncoder(PlainServer):
    """Any server, with a model whose sizes vary."""

    def ModelInfer(self, request, context):  # noqa: N802
        """Run the whole model."""
        feed = {
            given.name: np.frombuffer(raw, np.int64).reshape(list(given.shape))
            for given, raw in zip(request.inputs, request.raw_input_contents, strict=True)
        }
        (labels,) = self._session.run(None, feed)
        response = messages.ModelInferResponse(model_name="encoder", id=request.id)
        response.outputs.add(name="labels", datatype="FP32", shape=labels.shape)
        response.raw_output_contents.append(labels.tobytes())
        return response


def test_sizes_that_vary_at_any_server(tmp_path):
    """Its time is scaled to each size and corrected, and none of it is taken for the link's."""
    path = save(tmp_path / "encoder.onnx", text_encoder(num_layers=2, features=64))
    whole = onnxruntime.InferenceSession(str(path))
    sizes = {"batch": 1, "length": 8}
    with (
        serving(PlainEncoder(path)) as address,
        InferenceSession(path, server=address, policy="server", sizes=sizes) as session,
    ):
        session.wait_until_ready(10)
        short = session._engine.server.costs
        for length in (8, 500, 500, 8, 500):
            tokens = np.arange(length)[np.newaxis]
            feed = {"tokens": tokens, "mask": np.ones_like(tokens)}
            (labels,) = session.run(None, feed)
            record = session.last_record
            assert is_equal(labels, whole.run(None, feed)[0])
            assert record.placement == "server"
        link = session._engine.server.link()
    assert dict(short.sizes) == sizes
    assert record.predicted.tail_s > 5 * short.whole_s
    # A megabyte in far less than a second on loopback: nothing of the long runs is the link's.
    assert link.bandwidth_up_bytes_per_s > 1e6
