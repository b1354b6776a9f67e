"""Messages are measured before they are parsed."""

import os
import subprocess
import sys

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.wire.protocol import messages
from cutpoint.wire.reading import (
    MAX_FIELDS,
    MAX_OTHER_BYTES,
    RAW_INPUT_CONTENTS,
    Unreadable,
    reader,
    request_reader,
)

read = reader(messages.ModelInferRequest, RAW_INPUT_CONTENTS)
read_apart = request_reader(messages.ModelInferRequest)


def _request(**words: str) -> messages.ModelInferRequest:
    request = messages.ModelInferRequest(**words)
    request.inputs.add(name="x", datatype="FP32", shape=[1, 3])
    request.parameters["a"].double_param = 1.5
    request.raw_input_contents.append(bytes(5_000_000))
    return request


def test_a_message_is_read_as_the_library_reads_it() -> None:
    """However large its tensors are."""
    request = _request(model_name="m", id="1")
    assert read(request.SerializeToString()) == request
    assert read(b"") == messages.ModelInferRequest()


def test_the_number_of_the_raw_field_is_the_protocols() -> None:
    """Tensors are counted apart by it."""
    fields = messages.ModelInferRequest.DESCRIPTOR.fields_by_name
    assert fields["raw_input_contents"].number == RAW_INPUT_CONTENTS


def test_what_would_swell_is_refused_unparsed() -> None:
    """Empty tensors are two bytes on the wire and a hundred in memory; so are many words."""
    many = messages.ModelInferRequest()
    for _ in range(MAX_FIELDS + 1):
        many.inputs.add()
    for request, words in (
        (many, f"more than {MAX_FIELDS} parts"),
        (_request(model_name="x" * (MAX_OTHER_BYTES + 1)), f"{MAX_OTHER_BYTES} bytes beside"),
    ):
        given_back = read(request.SerializeToString())
        assert isinstance(given_back, Unreadable)
        assert words in str(given_back.error)
    del many.inputs[MAX_FIELDS:]
    assert read(many.SerializeToString()) == many


def test_a_long_message_of_another_kind_is_refused() -> None:
    """Where no field carries tensors all of it counts."""
    name = "x" * (MAX_OTHER_BYTES + 1)
    plain = reader(messages.ModelReadyRequest)
    assert isinstance(plain(messages.ModelReadyRequest(name=name).SerializeToString()), Unreadable)


@given(raw=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_by_name(raw: bytes) -> None:
    """What the library cannot parse is unreadable here, and never another error."""
    given_back = read(raw)
    if isinstance(given_back, Unreadable):
        assert str(given_back.error)
    else:
        assert given_back == messages.ModelInferRequest.FromString(raw)


@given(data=st.data())
def test_only_what_nobody_can_parse_is_refused(data: st.DataObject) -> None:
    """Cut short anywhere, a message is refused here only if the library refuses it too."""
    raw = _request(model_name="abc", id="12").SerializeToString()[:60]
    cut = raw[: data.draw(st.integers(0, len(raw)))]
    given_back = read(cut)
    if isinstance(given_back, Unreadable):
        with pytest.raises(DecodeError):
            messages.ModelInferRequest.FromString(cut)
    else:
        assert given_back == messages.ModelInferRequest.FromString(cut)


@st.composite
def _messages(draw: st.DrawFn) -> bytes:
    """Fields of all kinds in any order, raw contents among them, some bytes wrong."""
    parts = []
    for _ in range(draw(st.integers(0, 6))):
        request = messages.ModelInferRequest()
        match draw(st.integers(0, 3)):
            case 0:
                request.raw_input_contents.append(draw(st.binary(max_size=300)))
            case 1:
                request.inputs.add(name=draw(st.text(max_size=3)), shape=[draw(st.integers(-3, 9))])
            case 2:
                request.model_name = draw(st.text(max_size=5))
            case _:
                parts.append(draw(st.binary(max_size=3)))
        parts.append(request.SerializeToString())
    return b"".join(parts)


@given(raw=_messages())
def test_what_is_read_apart_is_the_same_message(raw: bytes) -> None:
    """The same is refused, and what is not has the same fields and the same raw contents."""
    given_back, whole = read_apart(raw), read(raw)
    assert isinstance(given_back, Unreadable) == isinstance(whole, Unreadable)
    if isinstance(whole, Unreadable):
        return
    assert [bytes(each) for each in given_back.raw_input_contents] == [*whole.raw_input_contents]
    assert (given_back.model_name, given_back.id) == (whole.model_name, whole.id)
    assert list(given_back.inputs) == list(whole.inputs)
    assert dict(given_back.parameters) == dict(whole.parameters)


def test_tensors_are_not_copied_out_of_their_message() -> None:
    """They are views of the bytes that came."""
    raw = _request(model_name="m", id="1").SerializeToString()
    (content,) = read_apart(raw).raw_input_contents
    assert isinstance(content, memoryview)
    assert content.obj is raw
    with pytest.raises(AttributeError):
        read_apart(raw).no_field  # noqa: B018


def test_what_would_swell_is_refused_unparsed_apart_too() -> None:
    """Raw contents count among the parts of a message."""
    many = messages.ModelInferRequest()
    many.raw_input_contents.extend([b"x"] * (MAX_FIELDS + 1))
    wordy = _request(model_name="x" * (MAX_OTHER_BYTES + 1))
    for request in (many, wordy):
        assert isinstance(read_apart(request.SerializeToString()), Unreadable)
    assert len(read_apart(_request().SerializeToString()).raw_input_contents) == 1


@pytest.mark.parametrize("implementation", ["upb", "python"])
def test_text_that_is_none_is_refused_by_every_protobuf(implementation: str) -> None:
    """Protobuf without its C part, which some packages ask for, raises another error for it."""
    program = (
        "from cutpoint.wire.protocol import messages\n"
        "from cutpoint.wire.reading import Unreadable, reader\n"
        "from cutpoint.wire import frames\n"
        "from cutpoint.exceptions import RemoteProtocolError\n"
        "assert isinstance(reader(messages.ModelConfigRequest)(bytes([10, 1, 255])), Unreadable)\n"
        "try:\n"
        "    frames.parse_response(bytes([10, 1, 255]))\n"
        "except RemoteProtocolError:\n"
        "    print('refused')\n"
    )
    environment = {**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": implementation}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "refused\n", done.stderr
