"""Ways in which a file goes bad: bits that flip, ends that are missing, pieces of another one."""

import json
import random
from collections.abc import Iterator
from typing import Any

NUMBERS = (
    -1, 0, 1, 2**31, 2**63, 10**400, -0.0, 1e-320, 1e308, float("nan"), float("inf"), True, "1",
    None, [], {}, "", "\x00", "../../etc/passwd", "\ud800", "x" * 5000,
)  # fmt: skip


def mutated(content: bytes, other: bytes, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """
    Give `count` files that are each a damaged `content`, none of them equal to it.

    Every truncation at a power of two is among them if there is room; the others are flips of
    one to eight bits, splices with `other`, and edits after which it is still JSON.
    """
    rng = random.Random(seed)
    made = 0
    for size in (1 << power for power in range(-1 + len(content).bit_length() + 1)):
        if size < len(content) and made < count // 3:
            made += 1
            yield f"cut at {size}", content[:size]
    kinds = (_flipped, _spliced, _edited)
    while made < count:
        kind = kinds[made % len(kinds)]
        bad = kind(content, other, rng)
        if bad != content:
            made += 1
            yield f"{kind.__name__[1:]} {made}", bad


def _flipped(content: bytes, _: bytes, rng: random.Random) -> bytes:
    bad = bytearray(content)
    for _turn in range(rng.choice((1, 1, 1, 2, 8))):
        bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
    return bytes(bad)


def _spliced(content: bytes, other: bytes, rng: random.Random) -> bytes:
    first, second = rng.randrange(len(content)), rng.randrange(len(other) + 1)
    return rng.choice(
        (content[:first] + other[second:], content[:first] + content[first // 2 :], other)
    )


def _edited(content: bytes, other: bytes, rng: random.Random) -> bytes:
    """Change one entry of the JSON in it, wherever that begins, and write JSON again."""
    start = content.find(b"{")
    try:
        document = json.loads(content[start:])
    except ValueError:
        return _flipped(content, other, rng)
    _edit(document, rng)
    text = json.dumps(document, indent=rng.choice((None, 2)), ensure_ascii=True)
    return content[:start] + text.encode("utf-8")


def _edit(document: Any, rng: random.Random) -> None:
    """Walk down to one entry and change, double or drop it."""
    while True:
        keys = list(document) if isinstance(document, dict) else list(range(len(document)))
        key = rng.choice(keys)
        below = document[key]
        if isinstance(below, (dict, list)) and below and rng.random() < 0.9:
            document = below
            continue
        what = rng.randrange(4)
        if what == 0:
            del document[key]
        elif what == 1 and isinstance(document, list):
            document.append(below)
        elif isinstance(below, (int, float)) and what == 2:
            document[key] = below * rng.choice((-1, 2, 1e-9, 1e9, 1.0000001))
        else:
            document[key] = rng.choice(NUMBERS)
        return
