"""Ways to spoil a whole request, one name each; what they make is judged by what it is then."""

import struct
from collections.abc import Callable
from random import Random
from typing import Any

from tests.hostile.valid import CANARY, texts

Mutation = Callable[[Any, Random], None]

DIMENSIONS = (
    0, 1, 2, 3, 4, 64, -1, -(2**63), 2**31, 2**31 - 1, 2**32 + 1, 2**60, 2**60 + 2, 2**62, 2**63 - 1
)  # fmt: skip
SHAPES = ([16, 2**60 + 2], [4, 2**60 + 2], [2**32, 2**32], [0, 2**62, 2**62], [], [1] * 33, [0])
NAMES = (
    "", " ", "..", "../etc", "../../etc/passwd", "a/../b", "/etc/passwd", "%2e%2e", "%2e%2e%2fetc",
    "six_convs/1", "six_convs/../words", "six_convs.", "six_convs..", "six_convs.a.b",
    "SIX_CONVS", "six_convs ", "six_convs\0", "\0", "\r\nfoo: bar", "\x1b[2J", "x" * 10_000,
    "😀" * 3000, "ñ" * 100, "\u202egnp", "C:\\Windows", "file:///etc/passwd", "${jndi:ldap://x}",
    "'; DROP TABLE models; --", "__class__", "con", "{0}", "%s%n%x", f"{CANARY}\n{CANARY}",
)  # fmt: skip
DATATYPES = (
    "BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT64", "FP16", "FP32", "FP64", "BF16",
    "BYTES", "INT4", "UINT4", "INT2", "FLOAT8_E4M3FN", "FLOAT4_E2M1FN", "COMPLEX64", "COMPLEX128",
    "", "fp32", "TYPE_FP32", "object", "O", "V8", "float32", "<f4", "datetime64", "\0", "x" * 5000,
)  # fmt: skip


def rename_model(request: Any, rng: Random) -> None:
    """Ask for a model of an odd name, or a path."""
    request.model_name = rng.choice(NAMES)


def odd_version(request: Any, rng: Random) -> None:
    """Ask for an odd version."""
    request.model_version = rng.choice(NAMES)


def odd_id(request: Any, rng: Random) -> None:
    """Name the request oddly."""
    request.id = rng.choice(NAMES)


def rename_input(request: Any, rng: Random) -> None:
    """Name an input that is none."""
    rng.choice(request.inputs).name = rng.choice(NAMES)


def lying_type(request: Any, rng: Random) -> None:
    """Name another type; the bytes stay."""
    rng.choice(request.inputs).datatype = rng.choice(DATATYPES)


def lying_shape(request: Any, rng: Random) -> None:
    """Name a shape that overflows, is empty, or has too many dimensions."""
    rng.choice(request.inputs).shape[:] = rng.choice(SHAPES)


def random_shape(request: Any, rng: Random) -> None:
    """Name any dimensions."""
    shape = [rng.choice(DIMENSIONS) for _ in range(rng.randrange(7))]
    rng.choice(request.inputs).shape[:] = shape


def one_dimension(request: Any, rng: Random) -> None:
    """Change one dimension."""
    tensor = rng.choice(request.inputs)
    if tensor.shape:
        tensor.shape[rng.randrange(len(tensor.shape))] = rng.choice(DIMENSIONS)


def empty_batch(request: Any, rng: Random) -> None:
    """Send tensors without a row, honestly described."""
    for which, tensor in enumerate(request.inputs):
        if tensor.shape and which < len(request.raw_input_contents) and rng.random() < 0.7:
            tensor.shape[0] = 0
            request.raw_input_contents[which] = b""


def many_dimensions(request: Any, rng: Random) -> None:
    """Name ever so many dimensions."""
    rng.choice(request.inputs).shape[:] = [1] * rng.choice((33, 64, 1000, 20_000))


def cut_bytes(request: Any, rng: Random) -> None:
    """Send less than the shape says."""
    which = rng.randrange(len(request.raw_input_contents))
    raw = request.raw_input_contents[which]
    request.raw_input_contents[which] = raw[: rng.randrange(len(raw) + 1)]


def more_bytes(request: Any, rng: Random) -> None:
    """Send more than the shape says."""
    which = rng.randrange(len(request.raw_input_contents))
    request.raw_input_contents[which] += rng.randbytes(rng.choice((1, 4, 1000, 1_000_000)))


def other_numbers(request: Any, rng: Random) -> None:
    """Send any bytes of the right number: not a number, infinite, subnormal, no text."""
    which = rng.randrange(len(request.raw_input_contents))
    request.raw_input_contents[which] = rng.randbytes(len(request.raw_input_contents[which]))


def not_numbers(request: Any, rng: Random) -> None:
    """Send NaN, or infinity."""
    which = rng.randrange(len(request.raw_input_contents))
    size = len(request.raw_input_contents[which])
    pattern = struct.pack("<f", rng.choice((float("nan"), float("inf"), -float("inf"), 1e-45)))
    request.raw_input_contents[which] = (pattern * (size // 4 + 1))[:size]


def drop_input(request: Any, rng: Random) -> None:
    """Leave out an input, its bytes or both."""
    if rng.random() < 0.7:
        del request.inputs[-1:]
    if rng.random() < 0.7:
        del request.raw_input_contents[-1:]


def double_input(request: Any, rng: Random) -> None:
    """Send an input twice, or a thousand times."""
    times = rng.choice((1, 1, 2, 1000, 5000))
    first, raw = request.inputs[0], request.raw_input_contents[0]
    request.inputs.extend([first] * times)
    request.raw_input_contents.extend([raw[:16]] * times)


def foreign_input(request: Any, rng: Random) -> None:
    """Send a tensor that nobody asked for."""
    shape = [rng.choice(DIMENSIONS) for _ in range(rng.randrange(4))]
    name, datatype = rng.choice(NAMES), rng.choice(DATATYPES)
    request.inputs.add(name=name, datatype=datatype, shape=shape)
    if rng.random() < 0.8:
        request.raw_input_contents.append(rng.randbytes(rng.randrange(64)))


def swap_inputs(request: Any, rng: Random) -> None:
    """Send the bytes in another order than the tensors."""
    contents = list(request.raw_input_contents)
    rng.shuffle(contents)
    request.raw_input_contents[:] = contents


def typed_contents(request: Any, rng: Random) -> None:
    """Send numbers in typed fields, beside raw contents or instead of them."""
    tensor = rng.choice(request.inputs)
    tensor.contents.fp32_contents.extend([1.0] * rng.choice((1, 12, 1000)))
    tensor.contents.int64_contents.extend([2**62] * rng.randrange(3))
    tensor.contents.bytes_contents.extend([b"x" * 100] * rng.randrange(3))
    del request.raw_input_contents[rng.randrange(len(request.raw_input_contents)) :]


def lying_texts(request: Any, rng: Random) -> None:
    """Send texts whose lengths lie, that are no text, or that are far too many."""
    liar = rng.choice(
        (
            struct.pack("<I", 2**32 - 1) + b"abc",
            struct.pack("<I", 3) + b"ab",
            struct.pack("<I", 4) + b"\xff\xfe\xff\xfe",
            texts("a", "b") + b"\x01",
            texts(*["" for _ in range(10_000)]),
            texts(*[CANARY for _ in range(rng.randrange(5))]),
            b"\0\0\0",
            b"",
        )
    )
    which = rng.randrange(len(request.raw_input_contents))
    request.raw_input_contents[which] = liar
    if rng.random() < 0.3:
        request.inputs[min(which, len(request.inputs) - 1)].datatype = "BYTES"


def ask_for_outputs(request: Any, rng: Random) -> None:
    """Ask for outputs that are not there, or for one very often."""
    name = rng.choice((*NAMES, "classes", "brightest", "scaled"))
    for _ in range(rng.choice((1, 1, 2, min(5000, 3_000_000 // (len(name) + 1))))):
        request.outputs.add(name=name)


def odd_parameter(request: Any, rng: Random) -> None:
    """Set a parameter of any type to any value."""
    key = rng.choice(
        ("sha256", "cutpoint_kind", "remaining_s", "value", "values", "offset", "total_bytes",
         "timeout", "sequence_id", "priority", "binary_data_output", *NAMES)
    )  # fmt: skip
    kind = rng.choice(("string_param", "int64_param", "bool_param", "double_param", "uint64_param"))
    value = {
        "string_param": rng.choice((*NAMES, CANARY, "chunk", "probe", "0" * 64)),
        "int64_param": rng.choice(DIMENSIONS),
        "bool_param": rng.random() < 0.5,
        "double_param": rng.choice((float("nan"), float("inf"), -1.0, 1e308, 5e-324)),
        "uint64_param": 2**64 - 1,
    }[kind]
    setattr(request.parameters[key], kind, value)


def many_parameters(request: Any, rng: Random) -> None:
    """Send ever so many parameters."""
    for number in range(rng.choice((100, 5000))):
        request.parameters[f"p{number}"].string_param = CANARY


def big_words(request: Any, rng: Random) -> None:
    """Send megabytes of names."""
    target = rng.choice(("model_name", "model_version", "id"))
    setattr(request, target, "y" * rng.choice((100_000, 3_000_000)))


def big_tensor(request: Any, rng: Random) -> None:
    """Send megabytes where kilobytes are due, honestly described."""
    size = rng.choice((1 << 20, 4 << 20))
    request.inputs[0].datatype = "FP32"
    request.inputs[0].shape[:] = [size // 4]
    request.raw_input_contents[0] = bytes(size)


def everything_empty(request: Any, _: Random) -> None:
    """Say nothing at all."""
    request.Clear()


MUTATIONS: tuple[Mutation, ...] = (
    rename_model, odd_version, odd_id, rename_input, lying_type, lying_shape, random_shape,
    one_dimension, empty_batch, many_dimensions, cut_bytes, more_bytes, other_numbers, not_numbers,
    drop_input,
    double_input, foreign_input, swap_inputs, typed_contents, lying_texts, ask_for_outputs,
    odd_parameter, many_parameters, big_words, big_tensor, everything_empty,
)  # fmt: skip


def applied(mutation: Mutation, request: Any, rng: Random) -> None:
    """Spoil a request, if there is anything left of it to spoil in this way."""
    if request.inputs and request.raw_input_contents:
        mutation(request, rng)
