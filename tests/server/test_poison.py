"""Poison: requests derived from valid ones, and junk, never bring the server down."""

import random
import socket
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from cutpoint.graph import Arrays, Graph
from cutpoint.lab.server_process import ServerProcess

TYPED = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.FAILED_PRECONDITION,
    }
)
"""One request at a time comes here, so that none is refused for want of room."""

INT64 = st.integers(-(2**63), 2**63 - 1)
DIMENSIONS = st.one_of(
    st.sampled_from([0, 1, 3, 64, -1, 2**31, 2**32 + 1, 2**60, 2**62, 2**63 - 1]), INT64
)
WORDS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", "image", "classes", "counting", "six_convs.", "six_convs.a.b", "../../etc/passwd",
         "a/../b", "%s%n", "\0", "x" * 5000, "😀" * 3000, "image ", "IMAGE", "FP32", "device-only"]
    ),
)  # fmt: skip
DATATYPES = st.one_of(
    st.sampled_from(
        ["BOOL", "INT8", "INT64", "UINT8", "FP16", "FP64", "BF16", "BYTES", "", "fp32", "TYPE_FP32"]
    ),
    WORDS,
)


def _rename_model(request: Any, data: st.DataObject) -> None:
    request.model_name = data.draw(WORDS)


def _rename_input(request: Any, data: st.DataObject) -> None:
    for tensor in request.inputs:
        tensor.name = data.draw(WORDS)


def _retype(request: Any, data: st.DataObject) -> None:
    for tensor in request.inputs:
        tensor.datatype = data.draw(DATATYPES)


def _reshape(request: Any, data: st.DataObject) -> None:
    for tensor in request.inputs:
        tensor.shape[:] = data.draw(st.lists(DIMENSIONS, max_size=6))


def _one_dimension(request: Any, data: st.DataObject) -> None:
    for tensor in request.inputs:
        if tensor.shape:
            tensor.shape[data.draw(st.integers(0, len(tensor.shape) - 1))] = data.draw(DIMENSIONS)


def _cut_bytes(request: Any, data: st.DataObject) -> None:
    for i, raw in enumerate(request.raw_input_contents):
        request.raw_input_contents[i] = raw[: data.draw(st.integers(0, len(raw)))]


def _add_bytes(request: Any, data: st.DataObject) -> None:
    for i in range(len(request.raw_input_contents)):
        request.raw_input_contents[i] += data.draw(st.binary(max_size=40))


def _drop_input(request: Any, _: st.DataObject) -> None:
    del request.inputs[-1:]


def _drop_raw(request: Any, _: st.DataObject) -> None:
    del request.raw_input_contents[-1:]


def _double_input(request: Any, _: st.DataObject) -> None:
    request.inputs.extend(list(request.inputs)[:1])
    request.raw_input_contents.extend(list(request.raw_input_contents)[:1])


def _foreign_input(request: Any, data: st.DataObject) -> None:
    raw = data.draw(st.binary(max_size=16))
    shape = data.draw(st.lists(DIMENSIONS, max_size=3))
    request.inputs.add(name=data.draw(WORDS), datatype=data.draw(DATATYPES), shape=shape)
    request.raw_input_contents.append(raw)


def _typed_contents(request: Any, _: st.DataObject) -> None:
    del request.raw_input_contents[:]
    for tensor in request.inputs:
        tensor.contents.fp32_contents.extend([1.0, 2.0])


def _ask_for_output(request: Any, data: st.DataObject) -> None:
    request.outputs.add(name=data.draw(WORDS))


def _parameter(request: Any, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(["sha256", "cutpoint_kind", "remaining_s", "value", "other"]))
    kind = data.draw(st.sampled_from(["string_param", "int64_param", "bool_param", "double_param"]))
    drawn = {"string_param": WORDS, "int64_param": INT64, "bool_param": st.booleans()}
    value = data.draw(drawn.get(kind, st.floats()))
    setattr(request.parameters[key], kind, value)


def _words_around(request: Any, data: st.DataObject) -> None:
    request.id = data.draw(WORDS)
    request.model_version = data.draw(WORDS)


MUTATIONS = (
    _rename_model, _rename_input, _retype, _reshape, _one_dimension, _cut_bytes, _add_bytes,
    _drop_input, _drop_raw, _double_input, _foreign_input, _typed_contents, _ask_for_output,
    _parameter, _words_around,
)  # fmt: skip


def _is_still_right(request: Any, sha256: str) -> bool:
    """Tell whether a request still asks the question it was made from."""
    (told,) = [request.parameters["sha256"]] if "sha256" in request.parameters else [None]
    digest = None if told is None else getattr(told, told.WhichOneof("parameter_choice"))
    tensors = [(t.name, t.datatype, list(t.shape)) for t in request.inputs]
    asked = [tensor.name for tensor in request.outputs]
    return (
        request.model_name == "six_convs"
        and request.model_version in ("", "1")
        and tensors == [("image", "FP32", [1, 3, 64, 64])]
        and [len(raw) for raw in request.raw_input_contents] == [49_152]
        and sorted(set(asked)) == sorted(asked)
        and set(asked) <= {"brightest", "classes"}
        and (not digest or digest == sha256)
    )


@settings(max_examples=300)
@given(data=st.data())
def test_a_corrupted_request_is_refused_with_a_typed_code(
    data: st.DataObject,
    stub: Any,
    served: ServerProcess,
    graph: Graph,
    request_for: Callable[..., Any],
    outputs_in: Callable[[Any], Arrays],
    image_of: Callable[[int], Arrays],
    truth: Callable[[Arrays], Arrays],
    assert_same,
) -> None:
    """From a valid request outward: a typed refusal, or the right answer if it is still right."""
    request = request_for("six_convs", image_of(9))
    for mutate in data.draw(st.lists(st.sampled_from(MUTATIONS), min_size=1, max_size=3)):
        mutate(request, data)
    expected = truth(image_of(9))
    if _is_still_right(request, graph.sha256):
        event("still right")
        asked = [tensor.name for tensor in request.outputs] or list(expected)
        answer = outputs_in(stub.ModelInfer(request, timeout=30))
        assert_same(answer, {name: expected[name] for name in asked})
    else:
        with pytest.raises(grpc.RpcError) as caught:
            stub.ModelInfer(request, timeout=30)
        event(caught.value.code().name)
        assert caught.value.code() in TYPED, caught.value.details()
    assert served._process.poll() is None


def _answers_right(stub: Any, request_for, outputs_in, image_of, truth, assert_same) -> None:
    answer = outputs_in(stub.ModelInfer(request_for("six_convs", image_of(8)), timeout=30))
    assert_same(answer, truth(image_of(8)))


def test_the_server_answers_rightly_afterwards(
    stub: Any, served: ServerProcess, request_for, outputs_in, image_of, truth, assert_same
) -> None:
    """After a burst of poison of each kind the same process computes the right answer."""
    before = served._process.pid
    for spoil in (_drop_input, _drop_raw, _double_input, _typed_contents):
        for _ in range(10):
            request = request_for("six_convs", image_of(9))
            spoil(request, None)
            with pytest.raises(grpc.RpcError) as caught:
                stub.ModelInfer(request, timeout=30)
            assert caught.value.code() in TYPED
    _answers_right(stub, request_for, outputs_in, image_of, truth, assert_same)
    assert served._process.pid == before
    assert served._process.poll() is None


def test_random_bytes_on_the_port_do_no_harm(
    stub: Any, served: ServerProcess, request_for, outputs_in, image_of, truth, assert_same
) -> None:
    """Junk, and junk behind a right greeting, is hung up on; callers do not notice."""
    host, _, port = served.address.rpartition(":")
    greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
    draw = random.Random(4)
    for turn in range(150):
        junk = draw.randbytes(draw.randrange(1, 400))
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            try:
                connection.sendall(greeting + junk if turn % 2 else junk)
                if turn % 10 == 0:
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(4096):
                        pass
            except (ConnectionResetError, BrokenPipeError):
                pass  # hung up on already
        if turn % 50 == 0:
            _answers_right(stub, request_for, outputs_in, image_of, truth, assert_same)
    _answers_right(stub, request_for, outputs_in, image_of, truth, assert_same)
    assert served._process.poll() is None


def test_a_message_that_is_no_request_is_refused(
    served: ServerProcess, stub: Any, request_for, outputs_in, image_of, truth, assert_same
) -> None:
    """Bytes that are no message of the protocol end the call, not the server."""
    draw = random.Random(5)
    valid = request_for("six_convs", image_of(0)).SerializeToString()
    with grpc.insecure_channel(served.address) as channel:
        call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        for turn in range(60):
            damaged = bytearray(valid if turn % 2 else draw.randbytes(50))
            for _ in range(5):
                damaged[draw.randrange(60 if turn % 2 else 50)] = draw.randrange(256)
            code = call.future(bytes(damaged), timeout=30).code()
            assert code not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    _answers_right(stub, request_for, outputs_in, image_of, truth, assert_same)
    assert served._process.poll() is None
