"""Model files that nobody should load: a corpus, each with who refuses it and why."""

import os
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnx.parser
from onnx import TensorProto, helper

INSIDE = "inside"
OUTSIDE = "outside"
CANARY = "secret.bin"
"""Beside the model's folder, 64 bytes that no load may read."""

_FLOAT = TensorProto.FLOAT
_INT64 = TensorProto.INT64


class HostileFile(NamedTuple):
    """
    One file of the corpus.

    Parameters
    ----------
    name
        Of the attack.
    build
        Writes it into a folder beside which the canary lies; gives what is handed to
        `ModelFile.open`.
    refused_by
        ``parse`` before anything runs, or the ``worker`` that tries it out.
    reason
        Regular expression found in the error.
    """

    name: str
    build: Callable[[Path], str | bytes]
    refused_by: str
    reason: str


def lay_out(folder: Path) -> Path:
    """Make the model's folder and the canary beside it; give the model's folder."""
    inside, outside = folder / INSIDE, folder / OUTSIDE
    inside.mkdir()
    outside.mkdir()
    (outside / CANARY).write_bytes(b"\x01" * 64)
    return inside


def _parsed(text: str, opsets: str = '"" : 17') -> onnx.ModelProto:
    return onnx.parser.parse_model(f"<ir_version: 8, opset_import: [{opsets}]>\nmodel {text}")


def _written(content: bytes) -> Callable[[Path], str]:
    def build(folder: Path) -> str:
        path = folder / "model.onnx"
        path.write_bytes(content)
        return str(path)

    return build


def _model(model: onnx.ModelProto) -> Callable[[Path], str]:
    return _written(model.SerializeToString())


def _text(text: str) -> Callable[[Path], str]:
    return _model(_parsed(text))


# Programs that are small and take all there is.

_GROWS = {
    "ConstantOfShape bomb": "big = Constant <value = int64[1] {1099511627776}> () "
    "z = ConstantOfShape (big) s = ReduceSum <keepdims = 0> (z) y = Add (x, s)",
    "Expand bomb": "big = Constant <value = int64[2] {1048576, 1048576}> () "
    "one = Constant <value = float {1.0}> () w = Mul (x, one) z = Expand (w, big) "
    "s = ReduceSum <keepdims = 0> (z) y = Add (x, s)",
    "Tile bomb": "big = Constant <value = int64[1] {17179869184}> () z = Tile (x, big) "
    "s = ReduceSum <keepdims = 0> (z) y = Add (x, s)",
    "Range bomb": "a = Constant <value = float {0.0}> () b = Constant <value = float {9e12}> () "
    "c = Constant <value = float {1.0}> () z = Range (a, b, c) "
    "s = ReduceSum <keepdims = 0> (z) y = Add (x, s)",
    "Pad bomb": "big = Constant <value = int64[2] {0, 17179869184}> () z = Pad (x, big) "
    "s = ReduceSum <keepdims = 0> (z) y = Add (x, s)",
    "Resize bomb": "f = Constant <value = float[1] {17179869184.0}> () z = Resize (x, , f) "
    "s = ReduceSum <keepdims = 0> (z) y = Add (x, s)",
}

_BODY = """body = step (int64 turn, bool going, float[1] before) => (bool on, float[1] after) {
    on = Identity (going)
    after = Tanh (before)
}"""


def _loop(trips: str) -> str:
    return f"""(float[1] x) => (float[1] y) {{
        go = Constant <value = bool {{1}}> ()
        {trips}
        y = Loop (n, go, x) <{_BODY}>
    }}"""


def _folded_loop() -> str:
    """Give a loop of constants: it could run while the model is loaded, not when called."""
    return f"""(float[1] x) => (float[1] y) {{
        go = Constant <value = bool {{1}}> ()
        start = Constant <value = float[1] {{1.0}}> ()
        n = Constant <value = int64 {{4611686018427387904}}> ()
        z = Loop (n, go, start) <{_BODY}>
        y = Add (x, z)
    }}"""


def _long_scan() -> onnx.ModelProto:
    """Give a Scan over 2**62 rows that take no byte at all."""
    return _parsed("""(float[1] x) => (float[1] y) {
        rows = Constant <value = int64[2] {4611686018427387904, 0}> ()
        nothing = ConstantOfShape (rows)
        y = Scan (x, nothing) <num_scan_inputs = 1,
            body = step (float[1] before, float[0] row) => (float[1] after) {
                after = Tanh (before)
            }>
    }""")


def _growing_loop() -> str:
    """Give a loop that doubles its state in every turn."""
    return """(float[N] x) => (float[M] y) {
        go = Constant <value = bool {1}> ()
        n = Constant <value = int64 {60}> ()
        y = Loop (n, go, x) <body = step (int64 turn, bool going, float[K] before)
            => (bool on, float[L] after) {
            on = Identity (going)
            after = Concat <axis = 0> (before, before)
        }>
    }"""


# Structure that unfolds, or never ends.


def _function(name: str, *called: str) -> onnx.FunctionProto:
    """Give a function that passes its argument through others, one after the other."""
    values = ["a", *(f"v{i}" for i in range(len(called) - 1)), "b"]
    nodes = [
        helper.make_node(each, [values[i]], [values[i + 1]], domain="" if each == "Relu" else "me")
        for i, each in enumerate(called)
    ]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("me", 1)]
    return helper.make_function("me", name, ["a"], ["b"], nodes, opsets)


def with_functions(*functions: onnx.FunctionProto) -> onnx.ModelProto:
    """Give a model that calls the first of its functions."""
    model = _parsed(
        f"(float[4] x) => (float[4] y) {{ y = me.{functions[0].name} (x) }}", '"" : 17, "me" : 1'
    )
    model.functions.extend(functions)
    return model


def _billion_laughs() -> onnx.ModelProto:
    levels = [_function(f"L{i}", *[f"L{i + 1}"] * 10) for i in range(30)]
    return with_functions(*levels, _function("L30", "Relu"))


def _recursive() -> onnx.ModelProto:
    return with_functions(_function("F", "G"), _function("G", "Relu", "F"))


def _chain(num_nodes: int) -> onnx.ModelProto:
    model = _parsed("(float[1] v0) => (float[1] y) { y = Relu (v0) }")
    del model.graph.node[:]
    for i in range(num_nodes):
        made = "y" if i == num_nodes - 1 else f"v{i + 1}"
        model.graph.node.add(op_type="Relu", input=[f"v{i}"], output=[made])
    return model


def _nested(depth: int) -> bytes:
    """Give an If in an If in an If, written from the inside out as the wire format has it."""

    def field(number: int, content: bytes) -> bytes:
        return _varint(number << 3 | 2) + _varint(len(content)) + content

    leaf = helper.make_node("Identity", ["x"], ["r"])
    graph = helper.make_graph(
        [leaf], "g", [], [helper.make_tensor_value_info("r", _FLOAT, [1])]
    ).SerializeToString()
    rest = field(12, helper.make_tensor_value_info("r", _FLOAT, [1]).SerializeToString())
    for _ in range(depth):
        branches = b"".join(
            field(
                5,
                field(1, name)
                + field(6, graph if name == b"then_branch" else b"")
                + b"\xa0\x01\x05",
            )
            for name in (b"then_branch", b"else_branch")
        )
        node = field(1, b"c") + field(2, b"r") + field(4, b"If") + branches
        graph = field(1, node) + field(2, b"g") + rest
    return b"\x08\x08" + field(7, graph) + field(8, b"\x0a\x00\x10\x11")


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    parts.append(number)
    return bytes(parts)


# Tensors that lie, and data files that are none.


def _weighted(tensor: TensorProto) -> onnx.ModelProto:
    model = _parsed("(float[16] x) => (float[16] y) { y = Add (x, w) }")
    tensor.name = "w"
    model.graph.initializer.append(tensor)
    return model


def _tensor(sizes: list[int], data: bytes = b"\0" * 64) -> TensorProto:
    return TensorProto(dims=sizes, data_type=_FLOAT, raw_data=data)


def _external(location: str, **entries: int) -> TensorProto:
    tensor = TensorProto(dims=[16], data_type=_FLOAT, data_location=TensorProto.EXTERNAL, name="w")
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def _referring(
    location: str, prepare: Callable[[Path], object] = lambda _: None, **entries: int
) -> Callable[[Path], str]:
    def build(folder: Path) -> str:
        prepare(folder)
        return _model(_weighted(_external(location, **entries)))(folder)

    return build


def _absolute(folder: Path) -> str:
    return _model(_weighted(_external(str(folder.parent / OUTSIDE / CANARY))))(folder)


def _data(folder: Path) -> None:
    (folder / "w.bin").write_bytes(b"\0" * 64)


def _in_attribute() -> onnx.ModelProto:
    model = _parsed("(float[16] x) => (float[16] y) { y = Add (x, x) }")
    constant = helper.make_node("Constant", [], ["w"], value=_external(f"../{OUTSIDE}/{CANARY}"))
    model.graph.node.insert(0, constant)
    model.graph.node[1].input[1] = "w"
    return model


def _in_subgraph() -> onnx.ModelProto:
    model = _parsed("""(float[16] x, bool c) => (float[16] y) {
        y = If (c) <then_branch = one () => (float[16] a) { a = Add (x, w) },
                    else_branch = two () => (float[16] b) { b = Relu (x) }>
    }""")
    branch = next(a for a in model.graph.node[0].attribute if a.name == "then_branch")
    branch.g.initializer.append(_external(f"../{OUTSIDE}/{CANARY}"))
    return model


def _in_function() -> onnx.ModelProto:
    function = _function("F", "Relu")
    constant = helper.make_node("Constant", [], ["w"], value=_external(f"../{OUTSIDE}/{CANARY}"))
    function.node.insert(0, constant)
    return with_functions(function)


def _in_sparse() -> onnx.ModelProto:
    model = _parsed("(float[16] x) => (float[16] y) { y = Relu (x) }")
    sparse = model.graph.sparse_initializer.add(dims=[16])
    sparse.values.CopyFrom(_external(f"../{OUTSIDE}/{CANARY}"))
    sparse.indices.CopyFrom(helper.make_tensor("i", _INT64, [16], range(16)))
    return model


def _huge_sparse() -> onnx.ModelProto:
    model = _parsed("(float[16] x) => (float[16] y) { y = Relu (x) }")
    sparse = model.graph.sparse_initializer.add(dims=[1 << 40])
    sparse.values.CopyFrom(helper.make_tensor("s", _FLOAT, [1], [1.0]))
    sparse.indices.CopyFrom(helper.make_tensor("i", _INT64, [1], [0]))
    return model


def _as_bytes(folder: Path) -> bytes:
    _data(folder)
    return _weighted(_external("w.bin")).SerializeToString()


def _huge_input() -> onnx.ModelProto:
    model = _parsed("(float[16] x) => (float[16] y) { y = Relu (x) }")
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1 << 50
    return model


def _good() -> bytes:
    weight = helper.make_tensor("w", _FLOAT, [16], np.arange(16, dtype=np.float32))
    return _weighted(weight).SerializeToString()


def _files() -> Iterable[HostileFile]:
    memory = "memory|Failed to allocate|bytes|invalid|overflow|exceed|SIG|negative"
    for name, nodes in _GROWS.items():
        text = f"(float[1] x) => (float[1] y) {{ {nodes} }}"
        yield HostileFile(name, _text(text), "worker", memory)
    endless = _loop("n = Constant <value = int64 {9223372036854775807}> ()")
    yield HostileFile("Loop without end", _text(endless), "worker", "not done within")
    trips = _loop("n = Constant <value = int64 {4611686018427387904}> ()")
    yield HostileFile("Loop of 2**62 turns", _text(trips), "worker", "not done within")
    yield HostileFile("Loop of constants", _text(_folded_loop()), "worker", "not done within")
    yield HostileFile("Scan of 2**62 rows", _model(_long_scan()), "worker", "not done|" + memory)
    yield HostileFile("Loop that doubles", _text(_growing_loop()), "worker", memory)
    yield HostileFile(
        "input too large", _model(_huge_input()), "worker", memory + "|cannot be made up"
    )
    yield HostileFile(
        "billion laughs", _model(_billion_laughs()), "parse", "nodes with its functions"
    )
    yield HostileFile("recursive functions", _model(_recursive()), "parse", "calls itself")
    yield HostileFile("200,000 nodes", _model(_chain(200_000)), "parse", "over the limit")
    yield HostileFile("If nested 20 deep", _written(_nested(20)), "parse", "nested deeper")
    yield HostileFile("If nested 5,000 deep", _written(_nested(5_000)), "parse", "not an ONNX")
    yield from _lying_tensors()
    yield from _escapes()
    yield from _broken()


def _lying_tensors() -> Iterable[HostileFile]:
    lies = {
        "huge sizes, little data": (_tensor([1 << 20, 1 << 10]), "do not agree"),
        "too much data": (_tensor([4]), "do not agree"),
        "negative sizes": (_tensor([-4, -4]), "negative"),
        "sizes that overflow": (_tensor([1 << 62, 1 << 62]), "overflows"),
        "sizes that overflow to the right number": (_tensor([1 << 33, 1 << 31, 16]), "overflows"),
        "unknown element type": (TensorProto(dims=[1], data_type=77, raw_data=b"\0"), "type 77"),
    }
    for name, (tensor, reason) in lies.items():
        yield HostileFile(name, _model(_weighted(tensor)), "parse", reason)
    yield HostileFile("sparse tensor of 4 TB", _model(_huge_sparse()), "parse", "over the limit")


def _escapes() -> Iterable[HostileFile]:
    canary = f"../{OUTSIDE}/{CANARY}"
    outside = "data file .* refused|is refused"

    def linked(folder: Path) -> None:
        (folder / "w.bin").symlink_to(folder.parent / OUTSIDE / CANARY)

    def linked_folder(folder: Path) -> None:
        (folder / "sub").symlink_to(folder.parent / OUTSIDE, target_is_directory=True)

    def hard_linked(folder: Path) -> None:
        os.link(folder.parent / OUTSIDE / CANARY, folder / "w.bin")

    def pretended(folder: Path) -> None:
        (folder / "*" / "_ORT_MEM_ADDR_").mkdir(parents=True)
        (folder / "*" / "_ORT_MEM_ADDR_" / "*").write_bytes(b"\0" * 64)

    builds: dict[str, tuple[Callable[[Path], str | bytes], str]] = {
        "data file above": (_referring(canary), outside),
        "data file above, by a detour": (_referring(f"./sub/../{canary}"), outside),
        "data file at an absolute path": (_absolute, outside),
        "data file a device": (_referring("/dev/zero"), outside),
        "data file a symbolic link": (_referring("w.bin", linked), "symbolic link"),
        "data file in a linked folder": (
            _referring(f"sub/{CANARY}", linked_folder),
            "symbolic link",
        ),
        "data file a hard link": (_referring("w.bin", hard_linked), "hard link"),
        "data file a folder": (_referring("sub", lambda f: (f / "sub").mkdir()), "not a regular"),
        "data file a pipe": (
            _referring("w.bin", lambda f: os.mkfifo(f / "w.bin")),
            "not a regular",
        ),
        "data file not there": (_referring("w.bin"), "cannot be read"),
        "data in the process's memory": (
            _referring("*/_ORT_MEM_ADDR_/*", pretended, offset=4096, length=64),
            outside,
        ),
        "offset behind the end": (_referring("w.bin", _data, offset=32), "are not those"),
        "negative offset": (_referring("w.bin", _data, offset=-4), "negative"),
        "negative length": (_referring("w.bin", _data, length=-64), "negative"),
        "data file above in an attribute": (_model(_in_attribute()), outside),
        "data file above in a sub-graph": (_model(_in_subgraph()), outside),
        "data file above in a function": (_model(_in_function()), outside),
        "data file above in a sparse tensor": (_model(_in_sparse()), outside),
        "bytes with a data file": (_as_bytes, "give its path"),
    }
    for name, (build, reason) in builds.items():
        yield HostileFile(name, build, "parse", reason)


def _broken() -> Iterable[HostileFile]:
    good = _good()
    cyclic = _parsed("(float[4] x) => (float[4] y) { a = Add (x, b) b = Relu (a) y = Relu (b) }")
    twice = _parsed("(float[4] x) => (float[4] y) { y = Relu (x) y = Tanh (x) }")
    dangling = _parsed("(float[4] x) => (float[4] y) { y = Add (x, nowhere) }")
    contradictory = _parsed("(float[4] x) => (float[5] y) { y = Relu (x) }")
    no_model = "not an ONNX model"
    contents = {
        "cut short": (good[: len(good) // 2], f"{no_model}|do not agree"),
        "empty": (b"", no_model),
        "random bytes": (random.Random(0).randbytes(4096), no_model),
        "JSON": (b'{"irVersion": "8", "graph": {"node": []}}', no_model),
        "cyclic graph": (cyclic.SerializeToString(), "topologically"),
        "duplicate outputs": (twice.SerializeToString(), "SSA|already"),
        "input from nowhere": (dangling.SerializeToString(), "nowhere"),
        "contradicting shapes": (contradictory.SerializeToString(), "disagree"),
    }
    for name, (content, reason) in contents.items():
        yield HostileFile(name, _written(content), "parse", reason)
    unknown = "(float[4] x) => (float[4] y) { y = NoSuchOperator (x) }"
    yield HostileFile("unknown operator", _text(unknown), "worker", "NoSuchOperator")


HOSTILE_FILES = tuple(_files())
