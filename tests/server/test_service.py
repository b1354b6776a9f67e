"""The gRPC door, knocked at with an independent client of the Open Inference Protocol."""

import time
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tritonclient.utils import InferenceServerException

from cutpoint.execution import Segments
from cutpoint.graph import Arrays, Graph, candidate_cuts
from cutpoint.lab.server_process import ServerProcess
from cutpoint.planning import shortlist
from cutpoint.wire.channel import open_channel
from cutpoint.wire.holdings import read_holdings
from cutpoint.wire.names import TailName, shown
from cutpoint.wire.protocol import messages

NAME = "six_convs"


@pytest.fixture(scope="module")
def client(served: ServerProcess) -> Iterator[triton.InferenceServerClient]:
    """Give Triton's own client."""
    client = triton.InferenceServerClient(served.address)
    yield client
    client.close()


@pytest.fixture(autouse=True)
def same_process(served: ServerProcess) -> Iterator[None]:
    """After every test the server is the process it was, and alive."""
    before = served._process
    yield
    assert served._process is before
    assert before.poll() is None


def _inputs(arrays: Arrays) -> list[triton.InferInput]:
    made = []
    for name, array in arrays.items():
        tensor = triton.InferInput(name, list(array.shape), "FP32")
        tensor.set_data_from_numpy(array)
        made.append(tensor)
    return made


def _tail_name(graph: Graph, cut_id: str) -> str:
    return str(TailName(NAME, graph.sha256, cut_id))


def _answered(client: triton.InferenceServerClient) -> int:
    (told,) = client.get_inference_statistics(NAME).model_stats
    assert told.inference_count == told.inference_stats.success.count
    return int(told.inference_count)


def test_it_is_live_and_ready(client: triton.InferenceServerClient) -> None:
    """Server and models say so; models that are not here are not ready, and no error."""
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(NAME)
    assert client.is_model_ready("counting")
    assert not client.is_model_ready("resnet50")
    assert not client.is_model_ready(f"{NAME}.ffffffffffff.ffffffffffff")


def test_health_is_told_by_grpcs_own_service_too(served: ServerProcess) -> None:
    """Serving as a whole and as inference service; of a service it has not it says not found."""
    with open_channel(served.address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for service in ("", "inference.GRPCInferenceService"):
            answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError) as caught:
            health.Check(health_pb2.HealthCheckRequest(service="other"), timeout=10)
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_the_server_says_what_it_is(client: triton.InferenceServerClient) -> None:
    """Name, version and extensions; the index lists every model and tail as ready."""
    told = client.get_server_metadata()
    assert told.name == "cutpoint"
    assert told.version
    assert "statistics" in told.extensions
    index = {model.name: model.state for model in client.get_model_repository_index().models}
    assert {NAME, "counting"} < set(index)
    assert set(index.values()) == {"READY"}


def test_a_model_says_what_it_takes_and_makes(
    client: triton.InferenceServerClient, graph: Graph
) -> None:
    """Metadata and configuration of the whole and of a tail name tensors, types and shapes."""
    told = client.get_model_metadata(NAME)
    assert [(t.name, t.datatype, list(t.shape)) for t in told.inputs] == [
        ("image", "FP32", [1, 3, 64, 64])
    ]
    assert [t.name for t in told.outputs] == ["brightest", "classes"]
    cut = shortlist(graph, candidate_cuts(graph))[-1]
    tail = client.get_model_metadata(_tail_name(graph, cut.id))
    assert [t.name for t in tail.inputs] == list(cut.crossing)
    assert [t.name for t in tail.outputs] == ["classes"]
    config = client.get_model_config(NAME).config
    assert [(t.name, t.data_type, list(t.dims)) for t in config.input] == [
        ("image", 11, [1, 3, 64, 64])  # 11 is TYPE_FP32
    ]
    assert [t.name for t in config.output] == ["brightest", "classes"]


def test_a_device_learns_what_is_held(client: triton.InferenceServerClient, graph: Graph) -> None:
    """The configuration of the whole carries digest, tails and times; that of a tail does not."""
    held = read_holdings(client.get_model_config(NAME).config, "server")
    assert held is not None
    assert held.sha256 == graph.sha256
    kept = shortlist(graph, candidate_cuts(graph))
    assert held.tails.items() >= {cut.id: cut.crossing for cut in kept}.items()
    tail = client.get_model_config(_tail_name(graph, kept[0].id)).config
    assert read_holdings(tail, "server") is None


def test_a_plain_client_gets_the_models_answer(
    client: triton.InferenceServerClient,
    image_of: Callable[[int], Arrays],
    truth: Callable[[Arrays], Arrays],
    assert_same,
) -> None:
    """The answer is that of ONNX Runtime on the same file, with the request's id and our report."""
    result = client.infer(NAME, _inputs(image_of(1)), request_id="seven")
    response = result.get_response()
    assert (response.id, response.model_name) == ("seven", NAME)
    names = [tensor.name for tensor in response.outputs]
    assert_same({name: result.as_numpy(name) for name in names}, truth(image_of(1)))
    assert response.parameters["tail_s"].double_param > 0
    assert response.parameters["idle_s"].double_param > 0
    assert response.parameters["wait_s"].double_param >= 0


def test_a_plain_client_may_ask_for_a_tail(
    client: triton.InferenceServerClient, graph: Graph, image_of, truth
) -> None:
    """Every tail that is held completes what a device computed up to its cut."""
    cuts = shortlist(graph, candidate_cuts(graph))
    device = Segments(graph, cuts)
    for seed, cut in enumerate(cuts):
        feed = image_of(seed)
        head = device.run(device.head_of(cut), feed).values
        sent = {name: head[name] for name in cut.crossing}
        result = client.infer(_tail_name(graph, cut.id), _inputs(sent))
        for name in cut.returned:
            np.testing.assert_allclose(
                result.as_numpy(name), truth(feed)[name], rtol=1e-5, atol=1e-6
            )
        assert [t.name for t in result.get_response().outputs] == list(cut.returned)


def test_outputs_may_be_asked_for_by_name(
    client: triton.InferenceServerClient, image_of, truth
) -> None:
    """Only what was asked for is sent, in the order asked; an unknown name is refused."""
    for asked in (["classes"], ["classes", "brightest"]):
        wanted = [triton.InferRequestedOutput(name) for name in asked]
        response = client.infer(NAME, _inputs(image_of(2)), outputs=wanted).get_response()
        assert [tensor.name for tensor in response.outputs] == asked
    only = client.infer(
        NAME, _inputs(image_of(2)), outputs=[triton.InferRequestedOutput("classes")]
    )
    np.testing.assert_allclose(
        only.as_numpy("classes"), truth(image_of(2))["classes"], rtol=1e-5, atol=1e-6
    )
    with pytest.raises(InferenceServerException, match=r"unknown outputs.*'logits'") as caught:
        client.infer(NAME, _inputs(image_of(2)), outputs=[triton.InferRequestedOutput("logits")])
    assert caught.value.status() == "StatusCode.INVALID_ARGUMENT"


def test_statistics_count_every_answer_and_nothing_else(
    client: triton.InferenceServerClient, image_of
) -> None:
    """Counts rise by the number of answers; refused requests are none."""
    before = _answered(client)
    for seed in range(7):
        client.infer(NAME, _inputs(image_of(seed)))
    for _ in range(3):
        with pytest.raises(InferenceServerException):
            client.infer(NAME, [])
    assert _answered(client) == before + 7
    every = {told.name for told in client.get_inference_statistics().model_stats}
    assert every >= {NAME, "counting"}


def test_plain_requests_may_come_by_a_stream(
    client: triton.InferenceServerClient, image_of, truth, assert_same
) -> None:
    """Whole requests in a stream are each answered; one that is wrong fails alone."""
    heard: SimpleQueue[Any] = SimpleQueue()
    before = _answered(client)
    answers = []
    client.start_stream(lambda result, error: heard.put((result, error)))
    try:
        for name, identity in ((NAME, 0), (NAME, 1), ("resnet50", 2), (NAME, 3)):
            inputs = _inputs(image_of(identity))
            client.async_stream_infer(name, inputs, request_id=str(identity))
            answers.append(heard.get(timeout=30))
    finally:
        client.stop_stream()
    failed = [error for _, error in answers if error is not None]
    assert len(failed) == 1
    assert "no model 'resnet50' here" in failed[0].message()
    by_id = {result.get_response().id: result for result, error in answers if error is None}
    assert list(by_id) == ["0", "1", "3"]
    for identity, result in by_id.items():
        expected = truth(image_of(int(identity)))
        assert_same({name: result.as_numpy(name) for name in expected}, expected)
    assert _answered(client) == before + 3


def test_many_calls_at_once_are_answered_or_refused(
    client: triton.InferenceServerClient, image_of, truth
) -> None:
    """Of calls that come together each gets its own right answer or the word that it is full."""
    heard: SimpleQueue[Any] = SimpleQueue()
    for seed in range(20):
        client.async_infer(
            NAME, _inputs(image_of(seed)), lambda result, error: heard.put((result, error)),
            request_id=str(seed),
        )  # fmt: skip
    answers = [heard.get(timeout=30) for _ in range(20)]
    right = 0
    for result, error in answers:
        if error is None:
            expected = truth(image_of(int(result.get_response().id)))["classes"]
            np.testing.assert_allclose(result.as_numpy("classes"), expected, rtol=1e-5, atol=1e-6)
            right += 1
        else:
            assert error.status() == "StatusCode.RESOURCE_EXHAUSTED"
    assert right >= 1


def test_a_tail_is_built_when_it_is_asked_for(
    client: triton.InferenceServerClient, graph: Graph, image_of, truth
) -> None:
    """A candidate that is not held is refused, built after ModelReady, and then answers."""
    cuts = candidate_cuts(graph)
    cut = next(cut for cut in cuts if cut not in shortlist(graph, cuts))
    name = _tail_name(graph, cut.id)
    device = Segments(graph, [cut])
    head = device.run(device.head_of(cut), image_of(3)).values
    sent = _inputs({crossing: head[crossing] for crossing in cut.crossing})
    with pytest.raises(InferenceServerException, match="is not built") as caught:
        client.infer(name, sent)
    assert caught.value.status() == "StatusCode.NOT_FOUND"
    until_s = time.perf_counter() + 30
    while not client.is_model_ready(name):
        assert time.perf_counter() < until_s
    np.testing.assert_allclose(
        client.infer(name, sent).as_numpy("classes"),
        truth(image_of(3))["classes"],
        rtol=1e-5,
        atol=1e-6,
    )


def _refused(stub: Any, request: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        stub.ModelInfer(request, timeout=30)
    return caught.value.code(), caught.value.details()


@pytest.mark.parametrize(
    "name",
    [
        "resnet50",
        "",
        "SIX_CONVS",
        "six_convs/1",
        "../six_convs",
        "/etc/passwd",
        "x" * 20_000,
        "ü\n",
        "😀" * 3000,
    ],
)
def test_an_unknown_model_is_not_found(stub: Any, request_for, image_of, name: str) -> None:
    """Whatever the name, the code is NOT_FOUND, for every method that takes one."""
    code, words = _refused(stub, request_for(name, image_of(0)))
    assert code == grpc.StatusCode.NOT_FOUND
    assert words.startswith(f"no model {shown(name)} here; this server has: counting, six")
    for method, kind in (
        (stub.ModelMetadata, messages.ModelMetadataRequest),
        (stub.ModelConfig, messages.ModelConfigRequest),
        (stub.ModelStatistics, messages.ModelStatisticsRequest),
    ):
        if not name and method is stub.ModelStatistics:
            continue  # no name means every model
        with pytest.raises(grpc.RpcError) as caught:
            method(kind(name=name), timeout=30)
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert not stub.ModelReady(messages.ModelReadyRequest(name=name), timeout=30).ready


def test_a_tail_of_another_file_fails_its_precondition(
    stub: Any, graph: Graph, request_for, image_of
) -> None:
    """A name, or a parameter, with another file's digest is FAILED_PRECONDITION, not an answer."""
    cut = shortlist(graph, candidate_cuts(graph))[0]
    code, words = _refused(stub, request_for(f"{NAME}.{'f' * 12}.{cut.id}", image_of(0)))
    assert (code, "same file" in words) == (grpc.StatusCode.FAILED_PRECONDITION, True)
    request = request_for(NAME, image_of(0))
    request.parameters["sha256"].string_param = "f" * 64
    code, words = _refused(stub, request)
    assert (code, "same file" in words) == (grpc.StatusCode.FAILED_PRECONDITION, True)
    request.parameters["sha256"].string_param = graph.sha256
    assert stub.ModelInfer(request, timeout=30).outputs


def _other_name(request: Any) -> None:
    request.inputs[0].name = "picture"


def _other_type(request: Any) -> None:
    request.inputs[0].datatype = "FP64"


def _other_shape(request: Any) -> None:
    request.inputs[0].shape[:] = [1, 64, 64, 3]


def _negative_shape(request: Any) -> None:
    request.inputs[0].shape[:] = [-1, 3, 64, 64]


def _overflowing_shape(request: Any) -> None:
    request.inputs[0].shape[:] = [4, 2**60 + 2]


def _fewer_bytes(request: Any) -> None:
    request.raw_input_contents[0] = request.raw_input_contents[0][:-1]


def _more_bytes(request: Any) -> None:
    request.raw_input_contents[0] += b"\0\0\0\0"


def _no_bytes(request: Any) -> None:
    request.raw_input_contents[0] = b""


def _twice(request: Any) -> None:
    request.inputs.append(request.inputs[0])
    request.raw_input_contents.append(request.raw_input_contents[0])


def _nothing(request: Any) -> None:
    del request.inputs[:]
    del request.raw_input_contents[:]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_other_name, "unknown tensor 'picture'; it takes ['image']"),
        (_other_type, "'image' is float64[1, 3, 64, 64], expected float32[1, 3, 64, 64]"),
        (_other_shape, "'image' is float32[1, 64, 64, 3], expected float32[1, 3, 64, 64]"),
        (_negative_shape, "'image': shape [-1, 3, 64, 64] has a negative dimension"),
        (_overflowing_shape, "'image' is float32[4, 1152921504606846978]"),
        (_fewer_bytes, "'image' of shape (1, 3, 64, 64) needs 49152 bytes, 49151 came"),
        (_more_bytes, "'image' of shape (1, 3, 64, 64) needs 49152 bytes, 49156 came"),
        (_no_bytes, "'image' of shape (1, 3, 64, 64) needs 49152 bytes, 0 came"),
        (_twice, "tensor 'image' came twice"),
        (_nothing, "tensor 'image' is missing"),
    ],
)
def test_a_lying_tensor_is_refused_by_name(
    stub: Any, request_for, outputs_in, image_of, truth, assert_same, spoil, words: str
) -> None:
    """Wrong name, type, shape or bytes: INVALID_ARGUMENT, and the next request is answered."""
    request = request_for(NAME, image_of(4))
    spoil(request)
    code, said = _refused(stub, request)
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert words in said
    right = stub.ModelInfer(request_for(NAME, image_of(4)), timeout=30)
    assert_same(outputs_in(right), truth(image_of(4)))


def test_typed_contents_are_refused_politely(stub: Any, request_for, image_of) -> None:
    """Numbers in typed fields are refused with the way to send them."""
    request = request_for(NAME, image_of(0))
    del request.raw_input_contents[:]
    request.inputs[0].contents.fp32_contents.extend([0.0] * (3 * 64 * 64))
    code, words = _refused(stub, request)
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "send every tensor in raw_input_contents" in words


def test_strange_numbers_stay_with_their_own_request(
    stub: Any, request_for, outputs_in, image_of, truth, assert_same
) -> None:
    """NaN and infinity go in and come out; the next answer has none of them."""
    poison = {"image": np.full((1, 3, 64, 64), np.nan, np.float32)}
    poison["image"][0, 0] = np.inf
    stub.ModelInfer(request_for(NAME, poison), timeout=30)
    answer = outputs_in(stub.ModelInfer(request_for(NAME, image_of(5)), timeout=30))
    assert_same(answer, truth(image_of(5)))


def test_an_integer_input_decides_how_long_it_takes(stub: Any, request_for, outputs_in) -> None:
    """A model with two inputs of different types takes them in any order."""
    x = np.random.default_rng(0).standard_normal((256, 256), dtype=np.float32)
    rounds = np.array([2], np.int64)
    once = np.tanh(x @ x)
    expected = np.tanh(once @ once)
    for arrays in ({"x": x, "rounds": rounds}, {"rounds": rounds, "x": x}):
        answer = outputs_in(stub.ModelInfer(request_for("counting", arrays), timeout=30))
        np.testing.assert_allclose(answer["y"], expected, atol=2e-3)
