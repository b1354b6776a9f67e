"""Frames: pieces, acknowledgements and errors as messages of the protocol."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.exceptions import OverloadedError, RemoteProtocolError
from cutpoint.wire import frames
from cutpoint.wire.chunks import Chunk, Chunker
from cutpoint.wire.errors import error_parameters, frame_error
from cutpoint.wire.protocol import (
    ACK,
    CANCEL,
    CHUNK,
    CODEC,
    ERROR,
    PHASES,
    PROBE,
    RESULT,
    RUNNING,
    STARTED,
    get_parameters,
    messages,
    set_parameters,
)
from cutpoint.wire.tensors import TensorSpec

CHUNK_OF_TWO = Chunk(TensorSpec("x", "float16", (3, 2)), 1, 2, 4, b"12345678")


def over_the_wire(message):
    """Serialise a message and parse it, as the network does."""
    return type(message).FromString(message.SerializeToString())


def test_a_piece_of_a_request_comes_back() -> None:
    """A chunk frame names model and request and carries its parameters along."""
    frame = over_the_wire(
        frames.chunk_request("m.abc.cut", 12, CHUNK_OF_TWO, {"sha256": "ff", "remaining_s": 0.5})
    )
    assert frames.kind_of(frame) == CHUNK
    assert (frame.model_name, frame.id) == ("m.abc.cut", "12")
    assert frames.request_chunk(frame) == CHUNK_OF_TWO
    parameters = get_parameters(frame.parameters)
    assert (parameters["sha256"], parameters["remaining_s"]) == ("ff", 0.5)


def test_a_piece_of_an_answer_comes_back() -> None:
    """A result frame carries one piece and the load report."""
    frame = over_the_wire(
        frames.result_response("m", "12", CHUNK_OF_TWO, {"wait_s": 0.25, "pending": 3})
    ).infer_response
    assert frames.kind_of(frame) == RESULT
    assert (frame.model_name, frame.id) == ("m", "12")
    assert frames.response_chunk(frame) == CHUNK_OF_TWO
    parameters = get_parameters(frame.parameters)
    assert (parameters["wait_s"], parameters["pending"]) == (0.25, 3)


@given(
    size=st.integers(0, 40),
    value=st.integers(0, 1000),
    more=st.integers(1, 1000),
    offset=st.integers(0, 2**53),
    name=st.text(max_size=12),
)
def test_any_piece_comes_back(size: int, value: int, more: int, offset: int, name: str) -> None:
    """Positions, names in any script and payloads survive both kinds of frames."""
    spec = TensorSpec(name, "uint8", (size,))
    chunk = Chunk(spec, value, value + more, offset, bytes(range(size)))
    request = over_the_wire(frames.chunk_request("m", 1, chunk, {}))
    response = over_the_wire(frames.result_response("m", "1", chunk, {}))
    assert frames.request_chunk(request) == chunk
    assert frames.response_chunk(response.infer_response) == chunk


def test_the_other_frames_say_what_they_are() -> None:
    """Cancel, probe, acknowledgement and error frames carry their kind and request."""
    cancel = over_the_wire(frames.cancel_request(5))
    assert (frames.kind_of(cancel), cancel.id) == (CANCEL, "5")
    probe = over_the_wire(frames.probe_request(6, 100))
    assert (frames.kind_of(probe), probe.id) == (PROBE, "6")
    assert [len(raw) for raw in probe.raw_input_contents] == [100]
    assert not frames.probe_request(7, 0).raw_input_contents
    ack = over_the_wire(frames.ack_response("8", 1 << 40)).infer_response
    assert (frames.kind_of(ack), ack.id) == (ACK, "8")
    assert get_parameters(ack.parameters)["received_bytes"] == 1 << 40


def test_an_error_frame_gives_the_error_back() -> None:
    """What failed at the server is raised as the same class with the same words."""
    error = OverloadedError("3 requests are waiting", 0.75)
    frame = over_the_wire(frames.error_response("9", str(error), error_parameters(error)))
    assert frames.kind_of(frame.infer_response) == ERROR
    assert frame.infer_response.id == "9"
    back = frame_error(frame.error_message, get_parameters(frame.infer_response.parameters))
    assert isinstance(back, OverloadedError)
    assert (str(back), back.retry_after_s) == ("3 requests are waiting", 0.75)


def test_a_plain_request_has_no_kind() -> None:
    """A request of another client of the protocol, with parameters of its own, is plain."""
    plain = messages.ModelInferRequest(model_name="m")
    set_parameters(plain.parameters, {"priority": 1})
    assert frames.kind_of(plain) is None
    set_parameters(plain.parameters, {"cutpoint_kind": 7})
    assert frames.kind_of(plain) == ""


def good_frame():
    """Give a well-formed chunk frame to spoil."""
    (chunk,) = Chunker((("x", np.zeros(2, np.float32)),)).all()
    return frames.chunk_request("m", 1, chunk, {})


def _second_tensor(frame) -> None:
    frame.inputs.add(name="y", datatype="FP32", shape=[2])


def _no_tensor(frame) -> None:
    del frame.inputs[:]


def _no_content(frame) -> None:
    del frame.raw_input_contents[:]


def _second_content(frame) -> None:
    frame.raw_input_contents.append(b"")


def _typed_content(frame) -> None:
    del frame.raw_input_contents[:]
    frame.inputs[0].contents.fp32_contents.extend([1.0, 2.0])


def _wrong_datatype(frame) -> None:
    frame.inputs[0].datatype = "FP33"


def _negative_shape(frame) -> None:
    frame.inputs[0].shape[:] = [-2]


@pytest.mark.parametrize(
    "spoil",
    [
        _second_tensor, _no_tensor, _no_content, _second_content, _typed_content, _wrong_datatype,
        _negative_shape,
    ],
)  # fmt: skip
def test_a_malformed_piece_is_refused(spoil) -> None:
    """A chunk has exactly one tensor that may travel raw and one raw content."""
    frame = good_frame()
    spoil(frame)
    with pytest.raises(RemoteProtocolError):
        frames.request_chunk(over_the_wire(frame))


@pytest.mark.parametrize("key", ["value", "values", "offset"])
@pytest.mark.parametrize("wrong", ["3", "", float("nan"), float("inf"), float("-inf")])
def test_a_position_that_is_no_number_is_refused(key: str, wrong: str | float) -> None:
    """The error names the parameter."""
    frame = good_frame()
    set_parameters(frame.parameters, {key: wrong})
    with pytest.raises(RemoteProtocolError, match=f"parameter '{key}'.*expected a number"):
        frames.request_chunk(over_the_wire(frame))


def test_parameters_keep_their_types() -> None:
    """Booleans, integers, floats and strings come back as what they were; unset ones do not."""
    message = messages.ModelInferRequest()
    given_parameters = {"b": True, "i": -(2**63), "f": 0.1, "s": "ü", "zero": 0, "empty": ""}
    set_parameters(message.parameters, given_parameters)
    message.parameters["unset"].SetInParent()
    back = get_parameters(over_the_wire(message).parameters)
    assert back == given_parameters
    assert [type(back[key]) for key in ("b", "i", "f", "s")] == [bool, int, float, str]


FIRST_REQUESTS = {
    CHUNK: "0a016d1a013722180a0d637574706f696e745f6b696e6412071a056368756e6b220c0a066f666673"
    "657412021004220e0a0673686132353612041a026431220c0a0676616c75657312021001220b0a05"
    "76616c7565120210002a0d0a01781204465033321a0201023a0461626364",
    CANCEL: "1a013722190a0d637574706f696e745f6b696e6412081a0663616e63656c",
    PROBE: "1a013822180a0d637574706f696e745f6b696e6412071a0570726f62653a020000",
}
FIRST_RESPONSES = {
    ACK: "12311a013722160a0d637574706f696e745f6b696e6412051a0361636b22140a0e72656365697665"
    "645f627974657312021008",
    RESULT: "12740a016d1a013722190a0d637574706f696e745f6b696e6412081a06726573756c74220c0a066f"
    "666673657412021004220c0a0676616c75657312021001220b0a0576616c75651202100022130a06"
    "776169745f73120921000000000000e03f2a0d0a01781204465033321a020102320461626364",
    ERROR: "0a0466756c6c12571a0137221c0a04636f646512141a125245534f555243455f4558484155535445"
    "4422180a0d637574706f696e745f6b696e6412071a056572726f72221a0a0d72657472795f616674"
    "65725f73120921000000000000d03f",
}
"""Frames as the first release sent them."""


def test_frames_of_the_first_release_are_understood() -> None:
    """A device and a server of then say what they said."""
    requests = {
        kind: messages.ModelInferRequest.FromString(bytes.fromhex(raw))
        for kind, raw in FIRST_REQUESTS.items()
    }
    assert {kind: frames.kind_of(frame) for kind, frame in requests.items()} == {
        kind: kind for kind in requests
    }
    chunk = Chunk(TensorSpec("x", "float32", (1, 2)), 0, 1, 4, b"abcd")
    assert frames.request_chunk(requests[CHUNK]) == chunk
    assert PHASES not in requests[CHUNK].parameters
    responses = {
        kind: frames.parse_response(bytes.fromhex(raw)) for kind, raw in FIRST_RESPONSES.items()
    }
    assert {kind: frames.kind_of(frame.infer_response) for kind, frame in responses.items()} == {
        kind: kind for kind in responses
    }
    assert frames.response_chunk(responses[RESULT].infer_response) == chunk
    error = frame_error(
        responses[ERROR].error_message, get_parameters(responses[ERROR].infer_response.parameters)
    )
    assert (type(error), str(error), error.retry_after_s) == (OverloadedError, "full", 0.25)


def test_what_was_said_before_is_said_as_it_was() -> None:
    """Byte for byte, where nobody asks for more: peers of the first release are not disturbed."""
    chunk = Chunk(TensorSpec("x", "float32", (1, 2)), 0, 1, 4, b"abcd")
    said = {
        CHUNK: frames.chunk_request("m", 7, chunk, {"sha256": "d1"}),
        CANCEL: frames.cancel_request(7),
        PROBE: frames.probe_request(8, 2),
        ACK: frames.ack_response("7", 8),
        RESULT: frames.result_response("m", "7", chunk, {"wait_s": 0.5}),
        ERROR: frames.error_response("7", "full", error_parameters(OverloadedError("full", 0.25))),
    }
    assert {
        kind: frame.SerializeToString(deterministic=True).hex() for kind, frame in said.items()
    } == {
        **FIRST_REQUESTS,
        **FIRST_RESPONSES,
    }


def test_the_stages_of_a_request_come_back() -> None:
    """The last acknowledgement may say whether the request runs; ``started`` says when it does."""
    ack = over_the_wire(frames.ack_response("8", 5, is_running=False)).infer_response
    assert get_parameters(ack.parameters)[RUNNING] is False
    started = over_the_wire(frames.started_response("8")).infer_response
    assert (frames.kind_of(started), started.id) == (STARTED, "8")


def test_a_message_that_is_none_is_refused() -> None:
    """Bytes that are no message are the server's fault, in our words."""
    with pytest.raises(RemoteProtocolError, match="message of the stream cannot be read"):
        frames.parse_response(b"\xff\xff")


@given(size_bytes=st.integers(0, 70_000), codec=st.sampled_from(["raw", "uint8+zstd", "jpeg:90"]))
def test_a_piece_written_by_hand_is_the_same_message(size_bytes: int, codec: str) -> None:
    """Its payload is put behind the rest, as protobuf reads it; views are as good as bytes."""
    payload = np.arange(size_bytes, dtype=np.uint8).data
    total_bytes = None if codec == "raw" else size_bytes
    chunk = Chunk(TensorSpec("x", "uint8", (size_bytes,)), 0, 1, 0, payload, total_bytes, codec)
    extra = {"sha256": "ff", PHASES: True}
    written = frames.chunk_request_bytes("m", 3, chunk, extra)
    parsed = messages.ModelInferRequest.FromString(written)
    assert parsed == over_the_wire(frames.chunk_request("m", 3, chunk, extra))
    assert frames.request_chunk(parsed) == chunk


def test_the_codec_rides_with_each_piece() -> None:
    """Who does not know of codecs sends none; a piece that names none is raw."""
    spec = TensorSpec("x", "float32", (1,))
    for codec in ("raw", "uint8"):
        chunk = Chunk(spec, 0, 1, 0, b"1234", 4, codec)
        frame = over_the_wire(frames.chunk_request("m", 1, chunk, {}))
        assert (CODEC in frame.parameters) == (codec != "raw")
        assert frames.request_chunk(frame).codec == codec


@pytest.mark.parametrize("codec", [1, True, 2.5])
def test_a_codec_that_is_no_name_is_refused(codec: object) -> None:
    """It is text."""
    frame = frames.chunk_request("m", 1, CHUNK_OF_TWO, {CODEC: codec})
    with pytest.raises(RemoteProtocolError, match="expected the name of a codec"):
        frames.request_chunk(frame)
