"""Messages as they come from a peer nobody vouches for: measured first, then parsed.

Parsed, a message may take a hundred times its bytes: an empty tensor is two bytes on
the wire. So what is not raw contents is small, and has few parts, before it is parsed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from cutpoint.exceptions import RemoteProtocolError

MAX_FIELDS = 4096
"""Parts of a message, on its first level: tensors, contents, parameters; no model has more."""

MAX_OTHER_BYTES = 2 << 20
"""Beside raw contents: names, shapes, parameters, the names of values to cut at."""

RAW_INPUT_CONTENTS = 7
"""Number of the field of ModelInferRequest that carries tensors."""

_CONTENT_TAG = RAW_INPUT_CONTENTS << 3 | 2
_TOO_MANY = f"a message has more than {MAX_FIELDS} parts: send fewer tensors and parameters"
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10


@dataclass(frozen=True)
class Unreadable:
    """
    Stands for a message that is none.

    Parameters
    ----------
    error
        What is wrong with it.
    """

    error: RemoteProtocolError


def reader(kind: Any, raw_field: int | None = None) -> Callable[[bytes], Any]:
    """
    Give what reads messages of a kind; it gives `Unreadable` for one that is none.

    gRPC answers an error of its own reader with a code that names no cause.

    Parameters
    ----------
    raw_field
        Number of the field that carries tensors, whose bytes are bounded elsewhere.
    """

    def read(raw: bytes) -> Any:
        try:
            check_size(raw, raw_field)
            return kind.FromString(raw)
        except RemoteProtocolError as error:
            return Unreadable(error)
        except (DecodeError, UnicodeDecodeError):  # the latter from protobuf without its C part
            words = f"the bytes are no {kind.DESCRIPTOR.name} of the Open Inference Protocol"
            return Unreadable(RemoteProtocolError(words))

    return read


class Apart:
    """
    A request whose raw contents lie where they came in: reads like the message itself.

    Parameters
    ----------
    message
        All but the raw contents.
    raw_input_contents
        Those, in their order; each is a view of the bytes that came, at any address.
    """

    __slots__ = ("_message", "raw_input_contents")

    def __init__(self, message: Any, raw_input_contents: list[memoryview]) -> None:
        self._message = message
        self.raw_input_contents = raw_input_contents

    def __getattr__(self, name: str) -> Any:
        return getattr(self._message, name)

    def __repr__(self) -> str:
        return f"<Apart: {len(self.raw_input_contents)} raw contents>"


def request_reader(kind: Any) -> Callable[[bytes], Any]:
    """
    Give what reads requests as `Apart`, or `Unreadable`; their tensors are not copied for it.

    Parsed by the library they are copied into the message, and once more out of it.
    """
    read_rest = reader(kind, RAW_INPUT_CONTENTS)

    def read(raw: bytes) -> Any:
        view = memoryview(raw)
        try:
            spans = _contents(raw)
        except RemoteProtocolError as error:
            return Unreadable(error)
        begins = [0, *(end for _, _, end in spans)]
        ends = [*(at for at, _, _ in spans), len(raw)]
        gaps = zip(begins, ends, strict=True)
        rest = read_rest(b"".join(view[begin:end] for begin, end in gaps))
        if isinstance(rest, Unreadable):
            return rest
        return Apart(rest, [view[begin:end] for _, begin, end in spans])

    return read


def _contents(raw: bytes) -> list[tuple[int, int, int]]:
    """Give where each raw content begins, its bytes begin, and both end."""
    spans = []
    for num_fields, field in enumerate(_fields(raw), start=1):
        if num_fields > MAX_FIELDS:
            raise RemoteProtocolError(_TOO_MANY)
        at, number, begin, end = field
        # Written in another way the library may or may not take it: it is left to that.
        if number == RAW_INPUT_CONTENTS and raw[at] == _CONTENT_TAG:
            spans.append((at, begin, end))
    return spans


def check_size(raw: bytes, raw_field: int | None = None) -> None:
    """
    Refuse a message that would take far more memory parsed than it has bytes.

    Raises
    ------
    RemoteProtocolError
        If it has too many parts, too much beside its tensors, or is none at all.
    """
    other_bytes = 0
    for num_fields, (_, number, begin, end) in enumerate(_fields(raw), start=1):
        if number != raw_field:
            other_bytes += end - begin
        if num_fields > MAX_FIELDS:
            raise RemoteProtocolError(_TOO_MANY)
        if other_bytes > MAX_OTHER_BYTES:
            raise RemoteProtocolError(
                f"a message has more than {MAX_OTHER_BYTES} bytes beside its raw contents: "
                "send every tensor in raw_input_contents"
            )


def _fields(raw: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Give begin, number, begin of its content and end of each field on the first level."""
    position, end = 0, len(raw)
    while position < end:
        at = position
        tag, position = _varint(raw, position)
        kind = tag & 7
        if kind == _LENGTH:
            size_bytes, position = _varint(raw, position)
        elif kind == _VARINT:
            size_bytes = _varint(raw, position)[1] - position
        elif kind in (_FIXED32, _FIXED64):
            size_bytes = 4 if kind == _FIXED32 else 8
        else:
            raise RemoteProtocolError("a message has a part of a kind that the protocol has not")
        begin, position = position, position + size_bytes
        if position > end:
            raise RemoteProtocolError("a message ends in the middle of a part")
        yield at, tag >> 3, begin, position


def _varint(raw: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    for byte in raw[position : position + _LONGEST_VARINT]:
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise RemoteProtocolError("a message has a number that does not end")
