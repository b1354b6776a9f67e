"""Ways to misuse the stream of frames: each gives the frames of one request, spoiled."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.hostile.mutations import DATATYPES, DIMENSIONS, NAMES, SHAPES
from tests.hostile.valid import CANARY, Base, array_of

from cutpoint.wire import frames
from cutpoint.wire.chunks import Chunker
from cutpoint.wire.protocol import CHUNK, KIND, messages, set_parameters

Attack = Callable[[Base, Random, str], list[Any]]


def pieces(base: Base, number: str, size: int) -> list[Any]:
    """Cut a valid request into frames of at most so many bytes."""
    tensors = [
        (tensor.name, array_of(tensor, raw))
        for tensor, raw in zip(base.request.inputs, base.request.raw_input_contents, strict=True)
    ]
    name = base.request.model_name
    made = [frames.chunk_request(name, 0, chunk, {}) for chunk in Chunker(tensors).all(size)]
    for frame in made:
        frame.id = number
    return made


def _some(base: Base, rng: Random, number: str) -> list[Any]:
    whole = base.request.ByteSize()
    return pieces(base, number, rng.choice((max(whole // 8, 1), max(whole // 3, 1), 65_536)))


def valid_request(base: Base, rng: Random, number: str) -> list[Any]:
    """Send what is right, so that others are among it."""
    return _some(base, rng, number)


def out_of_order(base: Base, rng: Random, number: str) -> list[Any]:
    """Shuffle the pieces."""
    made = _some(base, rng, number)
    rng.shuffle(made)
    return made


def doubled_piece(base: Base, rng: Random, number: str) -> list[Any]:
    """Send a piece twice."""
    made = _some(base, rng, number)
    made.insert(rng.randrange(len(made) + 1), rng.choice(made))
    return made


def missing_piece(base: Base, rng: Random, number: str) -> list[Any]:
    """Leave a gap."""
    made = _some(base, rng, number)
    del made[rng.randrange(len(made))]
    return made


def overlapping(base: Base, rng: Random, number: str) -> list[Any]:
    """Begin a piece before the last one ended, or behind it, or before zero."""
    made = _some(base, rng, number)
    rng.choice(made).parameters["offset"].int64_param = rng.choice((1, 3, -1, -(2**63), 2**63 - 1))
    return made


def after_the_last(base: Base, rng: Random, number: str) -> list[Any]:
    """Go on when all was said."""
    made = _some(base, rng, number)
    return [*made, *([made[-1]] * rng.randrange(1, 4))]


def wrong_totals(base: Base, rng: Random, number: str) -> list[Any]:
    """Lie about the number of tensors and of bytes."""
    made = _some(base, rng, number)
    for frame in made:
        key = rng.choice(("values", "value", "total_bytes"))
        frame.parameters[key].int64_param = rng.choice(DIMENSIONS)
    return made


def number_used_again(base: Base, rng: Random, number: str) -> list[Any]:
    """Begin anew under a number that is under way."""
    made = _some(base, rng, number)
    return [*made[: rng.randrange(len(made) + 1)], *made]


def unknown_kind(base: Base, rng: Random, number: str) -> list[Any]:
    """Send frames of a kind that is none."""
    frame = _some(base, rng, number)[0]
    set_parameters(frame.parameters, {KIND: rng.choice((*NAMES, 7, True, 1.5))})
    return [frame]


def cancel_of_nothing(base: Base, rng: Random, number: str) -> list[Any]:
    """Cancel what never was."""
    return [messages_of_kind("cancel", number) for _ in range(rng.randrange(1, 20))]


def cancel_in_the_middle(base: Base, rng: Random, number: str) -> list[Any]:
    """Cancel, and send the rest all the same."""
    made = _some(base, rng, number)
    made.insert(rng.randrange(len(made) + 1), messages_of_kind("cancel", number))
    return made


def probes(base: Base, rng: Random, number: str) -> list[Any]:
    """Measure the link again and again."""
    made = []
    for _ in range(rng.randrange(1, 40)):
        frame = messages_of_kind("probe", number)
        if rng.random() < 0.5:
            frame.raw_input_contents.append(bytes(rng.choice((0, 1, 2000, 40_000))))
        made.append(frame)
    return made


def odd_position(base: Base, rng: Random, number: str) -> list[Any]:
    """Give positions of other types, and no numbers."""
    made = _some(base, rng, number)
    key = rng.choice(
        ("value", "values", "offset", "total_bytes", "remaining_s", "sha256", "phases")
    )
    value: Any = rng.choice((float("nan"), float("inf"), 1e308, -1e308, "soon", "", CANARY, True))
    set_parameters(rng.choice(made).parameters, {key: value})
    return made


def lying_tensor(base: Base, rng: Random, number: str) -> list[Any]:
    """Describe the tensor differently, in one piece or in all."""
    made = _some(base, rng, number)
    for frame in made if rng.random() < 0.5 else [rng.choice(made)]:
        tensor = frame.inputs[0]
        match rng.randrange(4):
            case 0:
                tensor.shape[:] = rng.choice(SHAPES)
            case 1:
                tensor.datatype = rng.choice(DATATYPES)
            case 2:
                tensor.name = rng.choice(NAMES)
            case _:
                tensor.shape[:] = [rng.choice(DIMENSIONS) for _ in range(rng.randrange(5))]
    return made


def no_tensor(base: Base, rng: Random, number: str) -> list[Any]:
    """Send a piece of nothing, or of two things."""
    frame = _some(base, rng, number)[0]
    match rng.randrange(4):
        case 0:
            del frame.inputs[:]
        case 1:
            del frame.raw_input_contents[:]
        case 2:
            frame.raw_input_contents.extend([b"x"] * rng.choice((1, 1000)))
        case _:
            frame.inputs.extend([frame.inputs[0]] * 3)
    return [frame]


def odd_model(base: Base, rng: Random, number: str) -> list[Any]:
    """Ask for a model that is none, in the first piece or a later one."""
    made = _some(base, rng, number)
    rng.choice(made).model_name = rng.choice(NAMES)
    return made


def left_open(base: Base, rng: Random, number: str) -> list[Any]:
    """Begin and never end."""
    made = _some(base, rng, number)
    return made[:-1]


def announced_and_not_sent(base: Base, rng: Random, number: str) -> list[Any]:
    """Announce a huge tensor, and send a few bytes of it."""
    frame = _some(base, rng, number)[0]
    tensor = frame.inputs[0]
    if tensor.shape:
        tensor.shape[0] = rng.choice((2**20, 2**24, 2**28, 2**40, 2**60 + 2))
    frame.parameters["total_bytes"].int64_param = rng.choice((2**28, 2**31, 2**62))
    return [frame]


def empty_pieces(base: Base, rng: Random, number: str) -> list[Any]:
    """Send nothing, often, where something is due."""
    frame = _some(base, rng, number)[0]
    frame.raw_input_contents[:] = [b""]
    return [frame] * rng.randrange(1, 50)


def whole_request_spoiled(base: Base, rng: Random, number: str) -> list[Any]:
    """Send plain requests among the frames, some of them for nobody."""
    made = []
    for _ in range(rng.randrange(1, 5)):
        request = base.fresh()
        request.id = number
        if rng.random() < 0.6:
            request.model_name = rng.choice(NAMES)
        made.append(request)
    return made


def odd_number(base: Base, rng: Random, number: str) -> list[Any]:
    """Give a request a name that is no number."""
    made = _some(base, rng, number)
    word = rng.choice(NAMES)
    for frame in made:
        frame.id = word
    return made


def many_at_once(base: Base, rng: Random, number: str) -> list[Any]:
    """Begin more requests than one peer may have under way."""
    first = _some(base, rng, number)[0]
    made = []
    for index in range(40):
        frame = messages.ModelInferRequest()
        frame.CopyFrom(first)
        frame.id = f"{number}-{index}"
        made.append(frame)
    return made


def messages_of_kind(kind: str, number: str) -> Any:
    """Give a frame of a kind that carries nothing."""
    frame = messages.ModelInferRequest(id=number)
    set_parameters(frame.parameters, {KIND: kind})
    return frame


def huge_piece(base: Base, rng: Random, number: str) -> list[Any]:
    """Send a piece far larger than its tensor."""
    frame = _some(base, rng, number)[0]
    frame.raw_input_contents[:] = [bytes(rng.choice((100_000, 2_000_000)))]
    set_parameters(frame.parameters, {KIND: CHUNK})
    return [frame]


ATTACKS: tuple[Attack, ...] = (
    valid_request, out_of_order, doubled_piece, missing_piece, overlapping, after_the_last,
    wrong_totals, number_used_again, unknown_kind, cancel_of_nothing, cancel_in_the_middle, probes,
    odd_position, lying_tensor, no_tensor, odd_model, left_open, announced_and_not_sent,
    empty_pieces, whole_request_spoiled, odd_number, many_at_once, huge_piece,
)  # fmt: skip
