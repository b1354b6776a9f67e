"""Valid requests, from which every malformed one is made, and what tells whether one still is."""

import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from cutpoint.wire.protocol import messages

SIZES = {"FP32": 4, "FP16": 2, "INT8": 1, "INT64": 8}
DTYPES = {"FP32": "float32", "FP16": "float16", "INT8": "int8", "INT64": "int64"}
CANARY = "CANARY-7f3a91"
"""Rides in tensors, parameters and tokens: no log may ever hold it."""


@dataclass(frozen=True)
class Base:
    """
    A valid request and what the server may be asked by one like it.

    Parameters
    ----------
    request
        The protocol's message.
    inputs
        Datatype and shape per input; ``None`` is any size, the same wherever it stands.
    outputs
        Names of what it makes.
    session
        Computes the answer without any of our code.
    """

    request: Any
    inputs: dict[str, tuple[str, tuple[int | None, ...]]]
    outputs: tuple[str, ...]
    session: Any

    def fresh(self) -> Any:
        """Give a copy to spoil."""
        copied = messages.ModelInferRequest()
        copied.CopyFrom(self.request)
        return copied

    def is_right(self, request: Any, sha256s: dict[str, str]) -> bool:
        """Tell whether a request still asks a question that has an answer."""
        # Asked for first: a map of messages adds what is only looked up.
        told = dict(request.parameters).get("sha256")
        digest = told and getattr(told, told.WhichOneof("parameter_choice") or "", "")
        asked = [tensor.name for tensor in request.outputs]
        names = [tensor.name for tensor in request.inputs]
        return (
            request.model_name == self.request.model_name
            and request.model_version in ("", "1")
            and sorted(names) == sorted(self.inputs)
            and len(request.raw_input_contents) == len(names)
            and all(map(self._fits, request.inputs, request.raw_input_contents))
            and len(set(asked)) == len(asked)
            and set(asked) <= set(self.outputs)
            and (not digest or str(digest) == sha256s[request.model_name])
        )

    def answer(self, request: Any) -> dict[str, Any]:
        """Compute what a right request asks for."""
        feed = {
            tensor.name: array_of(tensor, raw)
            for tensor, raw in zip(request.inputs, request.raw_input_contents, strict=True)
        }
        asked = [tensor.name for tensor in request.outputs] or list(self.outputs)
        return dict(zip(asked, self.session.run(asked, feed), strict=True))

    def _fits(self, tensor: Any, raw: bytes) -> bool:
        datatype, wanted = self.inputs[tensor.name]
        shape = tuple(tensor.shape)
        return (
            tensor.datatype == datatype
            and len(shape) == len(wanted)
            and all(
                size >= 0 and need in (None, size) for size, need in zip(shape, wanted, strict=True)
            )
            and (
                _num_texts(raw) == prod(shape)
                if datatype == "BYTES"
                else len(raw) == prod(shape) * SIZES[datatype]
            )
        )


def _num_texts(raw: bytes) -> int:
    """Give how many texts the bytes are; -1 if they are none."""
    count = at = 0
    while at < len(raw):
        if at + 4 > len(raw):
            return -1
        (size,) = struct.unpack_from("<I", raw, at)
        at += 4 + size
        if at > len(raw):
            return -1
        try:
            raw[at - size : at].decode()
        except ValueError:
            return -1
        count += 1
    return count


def texts(*words: str) -> bytes:
    """Write texts as the protocol does."""
    return b"".join(struct.pack("<I", len(w.encode())) + w.encode() for w in words)


def array_of(tensor: Any, raw: bytes) -> Any:
    """Read a tensor without any of our code."""
    if tensor.datatype != "BYTES":
        return np.frombuffer(raw, DTYPES[tensor.datatype]).reshape(tuple(tensor.shape))
    words, at = [], 0
    while at < len(raw):
        (size,) = struct.unpack_from("<I", raw, at)
        words.append(raw[at + 4 : at + 4 + size].decode())
        at += 4 + size
    return np.array(words, object).reshape(tuple(tensor.shape))


def bases(paths: list[Path]) -> list[Base]:
    """Give a valid request of each model that is known here."""
    rng = np.random.default_rng(7)
    image = rng.standard_normal((1, 3, 64, 64), dtype=np.float32)
    written = {
        "six_convs": {"image": ("FP32", (1, 3, 64, 64), (1, 3, 64, 64), image.tobytes())},
        "open_rows": {
            "table": ("FP32", (None, 4), (3, 4), rng.standard_normal((3, 4), np.float32).tobytes()),
            "scale": ("FP32", (4,), (4,), rng.standard_normal(4, np.float32).tobytes()),
        },
        "words": {
            "given": ("BYTES", (None,), (3,), texts("a", "", CANARY)),
            "weight": ("FP32", (None,), (3,), rng.standard_normal(3, np.float32).tobytes()),
        },
        "halves": {
            "half": ("FP16", (2, 3), (2, 3), np.ones((2, 3), np.float16).tobytes()),
            "small": ("INT8", (2, 3), (2, 3), np.ones((2, 3), np.int8).tobytes()),
        },
    }
    made = []
    for path in paths:
        if path.stem not in written:
            continue
        request = messages.ModelInferRequest(model_name=path.stem)
        for name, (datatype, _, shape, raw) in written[path.stem].items():
            request.inputs.add(name=name, datatype=datatype, shape=shape)
            request.raw_input_contents.append(raw)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        inputs = {name: each[:2] for name, each in written[path.stem].items()}
        outputs = tuple(output.name for output in session.get_outputs())
        made.append(Base(request, inputs, outputs, session))
    return made
