"""Damage to model files, seeded, and four small models to do it to."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper
from tests.execution.hostile_files import with_functions

_SIZES = (0, 1, -1, 2, 3, 7, 127, 2**16, 2**31 - 1, 2**31, 2**40, 2**62, -(2**62))


def models(folder: Path, six_convs: bytes) -> dict[str, Path]:
    """Write one model of each kind, in folders of their own."""
    contents = {
        "cnn": six_convs,
        "control": _control().SerializeToString(),
        "functions": _functions().SerializeToString(),
    }
    paths = {}
    for kind, content in contents.items():
        paths[kind] = folder / kind / "model.onnx"
        paths[kind].parent.mkdir()
        paths[kind].write_bytes(content)
    paths["external"] = folder / "external" / "model.onnx"
    paths["external"].parent.mkdir()
    onnx.save_model(
        _perceptron(), paths["external"], save_as_external_data=True, location="w.bin",
        size_threshold=0,
    )  # fmt: skip
    return paths


def mutated(content: bytes, seed: int) -> bytes:
    """Give a copy with the damage of this seed; never the content itself."""
    draw = random.Random(seed)
    while True:
        kind = draw.choice((_flip, _flip, _set, _move, _truncate, _splice, _splice))
        damaged = content
        for _ in range(draw.choice((1, 1, 2, 4))):
            damaged = kind(damaged, draw) or damaged
        if damaged != content:
            return damaged


def _flip(content: bytes, draw: random.Random) -> bytes:
    damaged = bytearray(content)
    damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
    return bytes(damaged)


def _set(content: bytes, draw: random.Random) -> bytes:
    damaged = bytearray(content)
    damaged[draw.randrange(len(damaged))] = draw.choice((0, 1, 127, 128, 255))
    return bytes(damaged)


def _move(content: bytes, draw: random.Random) -> bytes:
    size = draw.randrange(1, 65)
    begin, target = draw.randrange(len(content)), draw.randrange(len(content))
    block = content[begin : begin + size]
    return content[:target] + block + content[target + draw.choice((0, len(block))) :]


def _truncate(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content)) or 1]


def _splice(content: bytes, draw: random.Random) -> bytes:
    """Change one field of the parsed file, so that it still parses."""
    try:
        model = onnx.ModelProto.FromString(content)
    except DecodeError:
        return _flip(content, draw)
    places = [(message, field) for message in _messages(model) for field, _ in message.ListFields()]
    if not places:
        return _flip(content, draw)
    message, field = draw.choice(places)
    if field.is_repeated:
        _splice_list(getattr(message, field.name), field, draw)
    elif field.message_type is not None or draw.random() < 0.2:
        message.ClearField(field.name)
    else:
        try:
            setattr(message, field.name, _other(getattr(message, field.name), places, draw))
        except ValueError:  # no such enumerator, or too large for the field
            message.ClearField(field.name)
    return model.SerializeToString()


def _splice_list(values: Any, field: Any, draw: random.Random) -> None:
    at, other = draw.randrange(len(values)), draw.randrange(len(values))
    if draw.random() < 0.3:
        del values[at]
    elif field.message_type is not None:
        values.add().CopyFrom(values[at])
    elif isinstance(values[at], int) and draw.random() < 0.5:
        values[at] = draw.choice(_SIZES)
    else:
        values[at] = values[other]


def _other(value: Any, places: list[tuple[Any, Any]], draw: random.Random) -> Any:
    """Give a value of the same type: an odd number, or another text of the file."""
    if isinstance(value, bool | float):
        return type(value)(not value)
    if isinstance(value, int):
        return draw.choice(_SIZES) % 128 if abs(value) < 128 else draw.choice(_SIZES)
    texts = [getattr(m, f.name) for m, f in places if not f.is_repeated]
    return draw.choice([text for text in texts if isinstance(text, type(value))])


def _messages(message: Any) -> Iterator[Any]:
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if field.is_repeated else (value,):
                yield from _messages(inner)


def _control() -> onnx.ModelProto:
    return onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]>
    control (float[4, 8] x) => (float[4, 8] y) {
        go = Constant <value = bool {1}> ()
        turns = Constant <value = int64 {3}> ()
        a = Tanh (x)
        b = Loop (turns, go, a) <body = step (int64 turn, bool going, float[4, 8] before)
            => (bool on, float[4, 8] after) {
            on = Identity (going)
            half = Constant <value = float {0.5}> ()
            scaled = Mul (before, half)
            after = Add (scaled, x)
        }>
        c = Relu (b)
        total = ReduceSum <keepdims = 0> (c)
        zero = Constant <value = float {0.0}> ()
        some = Greater (total, zero)
        d = If (some) <then_branch = one () => (float[4, 8] p) { p = Sigmoid (c) },
                       else_branch = two () => (float[4, 8] q) { q = Neg (c) }>
        e = Softmax (d)
        y = Add (e, x)
    }""")


def _functions() -> onnx.ModelProto:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("me", 1)]

    def function(name: str, *nodes: onnx.NodeProto) -> onnx.FunctionProto:
        return helper.make_function("me", name, ["a"], ["b"], nodes, opsets)

    node = helper.make_node
    outer = function(
        "Outer",
        node("Inner", ["a"], ["m"], domain="me"),
        node("Relu", ["m"], ["n"]),
        node("Inner", ["n"], ["b"], domain="me"),
    )
    inner = function("Inner", node("Tanh", ["a"], ["t"]), node("Add", ["a", "t"], ["b"]))
    model = with_functions(outer, inner)
    call = model.graph.node[0]
    call.output[0] = "h"
    model.graph.node.extend([node("Sin", ["h"], ["g"]), node("Outer", ["g"], ["y"], domain="me")])
    return model


def _perceptron() -> onnx.ModelProto:
    model = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]>
    perceptron (float[1, 32] x) => (float[1, 8] y) {
        a = MatMul (x, w0)
        b = Add (a, b0)
        c = Relu (b)
        d = MatMul (c, w1)
        e = Softmax (d)
        y = Identity (e)
    }""")
    rng = np.random.default_rng(3)
    for name, shape in {"w0": (32, 64), "b0": (64,), "w1": (64, 8)}.items():
        weight = rng.standard_normal(shape, dtype=np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(weight, name))
    assert model.graph.initializer[0].data_type == TensorProto.FLOAT
    return model
