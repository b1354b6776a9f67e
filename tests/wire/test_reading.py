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
)

read = reader(messages.ModelInferRequest, RAW_INPUT_CONTENTS)


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
