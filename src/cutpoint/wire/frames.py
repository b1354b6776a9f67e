"""Frames of the stream between cutpoint peers, as messages of the protocol.

Device -> server: ``chunk`` (a piece of a request), ``cancel``, ``probe``.
Server -> device: ``ack`` (bytes received so far), ``started`` (a request has left the
queue), ``result`` (a piece of an answer), ``error``. A ModelInferRequest without a kind
is a plain whole request.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from google.protobuf.message import DecodeError

from cutpoint.exceptions import RemoteProtocolError
from cutpoint.records import RAW
from cutpoint.wire.chunks import Chunk
from cutpoint.wire.load_text import LOAD
from cutpoint.wire.protocol import (
    ACK,
    CANCEL,
    CHUNK,
    CODEC,
    ERROR,
    KIND,
    PROBE,
    RESULT,
    RUNNING,
    STARTED,
    Parameter,
    get_parameters,
    messages,
    number,
    set_parameters,
)
from cutpoint.wire.reading import RAW_INPUT_CONTENTS
from cutpoint.wire.tensors import spec_of

_STREAM = "/inference.GRPCInferenceService/ModelStreamInfer"

_PAYLOAD_TAG = bytes([RAW_INPUT_CONTENTS << 3 | 2])
"""Begins a field of bytes that follow their length."""


def chunk_request(model: str, request: int, chunk: Chunk, extra: Mapping[str, Parameter]) -> Any:
    """Give the frame of a piece of a request; `extra` parameters ride along."""
    message = _chunk_without_payload(model, request, chunk, extra)
    message.raw_input_contents.append(bytes(chunk.payload))
    return message


def chunk_request_bytes(
    model: str, request: int, chunk: Chunk, extra: Mapping[str, Parameter]
) -> bytes:
    """
    Give the same frame as bytes of the wire, its payload copied once.

    As a message it is copied three times: into a bytes object, which protobuf wants, into the
    message, and into its serialised form. A message is its fields one after the other, so that
    of the payload may as well be put behind the others here.
    """
    head = _chunk_without_payload(model, request, chunk, extra).SerializeToString()
    return b"".join((head, _PAYLOAD_TAG, _varint(len(chunk.payload)), chunk.payload))


def cancel_request(request: int) -> Any:
    """Give the frame that tells the server to drop a request."""
    message = messages.ModelInferRequest(id=str(request))
    set_parameters(message.parameters, {KIND: CANCEL})
    return message


def probe_request(request: int, size_bytes: int, model: str = "") -> Any:
    """
    Give a frame that is acknowledged and nothing else.

    Parameters
    ----------
    size_bytes
        Of its padding. The acknowledgement of a frame without any tells the server's load.
    model
        Or tail whose load is asked for; empty for what this stream asked for last.
    """
    message = messages.ModelInferRequest(id=str(request), model_name=model)
    if size_bytes:
        message.raw_input_contents.append(bytes(size_bytes))
    set_parameters(message.parameters, {KIND: PROBE})
    return message


def ack_response(
    request: str, received_bytes: int, is_running: bool | None = None, load: str = ""
) -> Any:
    """
    Give the frame that tells how much of a request has come.

    Parameters
    ----------
    is_running
        With the last piece, for a device that asked: whether the request is computed already.
    load
        Of the server, as `cutpoint.wire.load_text` writes it; empty to tell nothing.
    """
    parameters: dict[str, Parameter] = {KIND: ACK, "received_bytes": received_bytes}
    if load:
        parameters[LOAD] = load
    if is_running is not None:
        parameters[RUNNING] = is_running
    return _response(request, "", parameters)


def started_response(request: str) -> Any:
    """Give the frame that tells that a request which was queued is computed now."""
    return _response(request, "", {KIND: STARTED})


def result_response(model: str, request: str, chunk: Chunk, extra: Mapping[str, Parameter]) -> Any:
    """Give the frame of a piece of an answer; `extra` parameters ride along."""
    message = _response(request, model, {KIND: RESULT, **_position(chunk), **extra})
    _describe(message.infer_response.outputs.add(), chunk)
    message.infer_response.raw_output_contents.append(bytes(chunk.payload))
    return message


def error_response(request: str, text: str, extra: Mapping[str, Parameter]) -> Any:
    """Give the frame of a failed request."""
    message = _response(request, "", {KIND: ERROR, **extra})
    message.error_message = text
    return message


def open_stream(
    channel: Any, requests: Iterator[Any], read: Callable[[bytes], Any]
) -> Iterator[Any]:
    """
    Open a stream of frames.

    Parameters
    ----------
    channel
        To the server.
    requests
        Frames to send, as messages or as bytes of the wire; waits where there is none yet.
    read
        Parses what comes, on gRPC's own thread, one after the other: must neither wait nor raise.

    Returns
    -------
    gRPC's call
        An iterator over what `read` gives, with `cancel`.
    """
    method = channel.stream_stream(
        _STREAM,
        request_serializer=_serialised,
        response_deserializer=read,
    )
    call: Iterator[Any] = method(requests)
    return call


def parse_response(raw: bytes) -> Any:
    """
    Parse a message of the server's.

    Raises
    ------
    RemoteProtocolError
        If it is none.
    """
    try:
        return messages.ModelStreamInferResponse.FromString(raw)
    except (
        DecodeError,
        UnicodeDecodeError,
    ) as error:  # the latter from protobuf without its C part
        raise RemoteProtocolError(f"a message of the stream cannot be read: {error}") from error


def kind_of(message: Any) -> str | None:
    """Give a frame's kind; ``None`` for a plain request."""
    if KIND not in message.parameters:
        return None
    return str(message.parameters[KIND].string_param)


def request_chunk(message: Any) -> Chunk:
    """
    Read the piece a request frame carries.

    Raises
    ------
    RemoteProtocolError
        If the frame is not well-formed.
    """
    return _chunk(message.inputs, message.raw_input_contents, get_parameters(message.parameters))


def response_chunk(message: Any, parameters: Mapping[str, Parameter] | None = None) -> Chunk:
    """
    Read the piece a result frame carries.

    Parameters
    ----------
    parameters
        Of the message, where they were read already.

    Raises
    ------
    RemoteProtocolError
        If the frame is not well-formed.
    """
    if parameters is None:
        parameters = get_parameters(message.parameters)
    return _chunk(message.outputs, message.raw_output_contents, parameters)


def _response(request: str, model: str, parameters: Mapping[str, Parameter]) -> Any:
    message = messages.ModelStreamInferResponse()
    message.infer_response.id = request
    message.infer_response.model_name = model
    set_parameters(message.infer_response.parameters, parameters)
    return message


def _serialised(frame: Any) -> bytes:
    return frame if isinstance(frame, bytes) else frame.SerializeToString()


def _chunk_without_payload(
    model: str, request: int, chunk: Chunk, extra: Mapping[str, Parameter]
) -> Any:
    message = messages.ModelInferRequest(model_name=model, id=str(request))
    _describe(message.inputs.add(), chunk)
    set_parameters(message.parameters, {KIND: CHUNK, **_position(chunk), **extra})
    return message


def _varint(number: int) -> bytes:
    """Write a number as protobuf does: seven bits at a time, the lowest first."""
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def _describe(tensor: Any, chunk: Chunk) -> None:
    tensor.name = chunk.spec.name
    tensor.datatype = chunk.spec.datatype
    tensor.shape.extend(chunk.spec.dims)


def _position(chunk: Chunk) -> dict[str, Parameter]:
    position: dict[str, Parameter] = {
        "value": chunk.value,
        "values": chunk.num_values,
        "offset": chunk.offset,
    }
    if chunk.total_bytes is not None:
        position["total_bytes"] = chunk.total_bytes
    if chunk.codec != RAW:
        position[CODEC] = chunk.codec
    return position


def _chunk(tensors: Any, contents: Any, parameters: Mapping[str, Parameter]) -> Chunk:
    if len(tensors) != 1 or len(contents) != 1:
        raise RemoteProtocolError(
            f"a chunk has one tensor and one raw content, not {len(tensors)} and {len(contents)}"
        )
    tensor = tensors[0]
    codec = parameters.get(CODEC, RAW)
    if not isinstance(codec, str):
        raise RemoteProtocolError(f"parameter {CODEC!r} is {codec!r}, expected the name of a codec")
    return Chunk(
        spec=spec_of(tensor.name, tensor.datatype, tensor.shape),
        value=int(number(parameters, "value")),
        num_values=int(number(parameters, "values", 1)),
        offset=int(number(parameters, "offset")),
        payload=contents[0],
        total_bytes=int(number(parameters, "total_bytes")) if "total_bytes" in parameters else None,
        codec=codec,
    )
