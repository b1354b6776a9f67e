"""Times of codecs kept between starts: taken again where one of them, tried out, has changed."""

import hashlib
import logging
import platform
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.execution.file_cache import FileCache
from cutpoint.profiling.codec_times import BOTH, time_codecs
from cutpoint.profiling.environment import read_environment
from cutpoint.records import FORMAT_VERSION, Sample, SampleKind
from cutpoint.wire.codecs import Codec

_log = logging.getLogger(__name__)

_LIBRARIES = ("numpy", "zstandard", "pillow")

_ALIKE = 2.0
"""Kept times are believed if what is tried out now is within this factor of them."""

_BUDGET_S = 0.1
"""For rounds beyond the two that count at the least: a start waits for it."""

_TRIED_BYTES = 16 * 1024
"""What is tried out is as large at least, if anything is: less is mostly the clock."""

_PARTED_BYTES = 4 * 1024
"""A part of less would be of hardly any bytes."""


def codec_times_or_recall(
    codecs: Iterable[Codec],
    values: Iterable[NDArray[np.generic]],
    cache: FileCache | None,
    *,
    slowdown: float = 1.0,
    kinds: Collection[SampleKind] = BOTH,
) -> tuple[Sample, ...]:
    """
    Give what codecs take on this host, as it was kept from an earlier start, or take and keep it.

    What is kept is of one machine, its libraries, these codecs and these very values. Before it
    is believed one codec is timed on one value; where that takes another time than what was kept,
    all are timed.

    Parameters
    ----------
    codecs, values, slowdown, kinds
        As for `time_codecs`.
    cache
        Where; ``None`` always times.
    """
    codecs, values = tuple(codecs), tuple(values)
    if not codecs or not values:
        return ()
    measure = partial(time_codecs, slowdown=slowdown, kinds=kinds)
    if cache is None:
        return measure(codecs, values, budget_s=_BUDGET_S)
    key = {**_key(codecs, values, slowdown), "kinds": sorted(kinds)}
    kept: tuple[Sample, ...] | None = cache.read(key, tuple[Sample, ...])
    if kept and _is_alike(kept, codecs, values, measure):
        return kept
    taken = measure(codecs, values, budget_s=_BUDGET_S)
    cache.write(key, taken)
    return taken


def values_to_time(values: Iterable[NDArray[np.generic]], most: int = 4) -> tuple[Any, ...]:
    """
    Choose few of many values that stand for the others: of each type, from small to large.

    Where all of a type are of one size, a part of one is added: of two sizes can be told how
    time grows, which sizes that come later need.

    Parameters
    ----------
    values
        Inputs and what crosses cuts.
    most
        Of one type.
    """
    by_type: dict[str, dict[int, NDArray[np.generic]]] = {}
    for value in values:
        if value.nbytes:
            by_type.setdefault(str(value.dtype), {}).setdefault(value.nbytes, value)
    chosen = []
    for of_type in by_type.values():
        sizes = sorted(of_type)
        picked = np.unique(np.linspace(0, len(sizes) - 1, min(most, len(sizes))).round())
        if len(sizes) == 1 and sizes[0] >= _PARTED_BYTES:
            chosen.append(_part_of(of_type[sizes[0]]))
        chosen += [of_type[sizes[int(index)]] for index in picked]
    return tuple(chosen)


def _part_of(value: NDArray[np.generic]) -> NDArray[np.generic]:
    """Give the first eighth of an array along its longest side."""
    axis = int(np.argmax(value.shape))
    part = np.split(value, [max(value.shape[axis] // 8, 1)], axis)[0]
    return np.ascontiguousarray(part)


def _key(codecs: Sequence[Codec], values: Sequence[Any], slowdown: float) -> dict[str, Any]:
    return {
        "what": "times of codecs",
        "format_version": FORMAT_VERSION,
        "codecs": [codec.name for codec in codecs],
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "values": [_digest(value) for value in values],
        "host": platform.node(),
        "environment": read_environment(providers=(), num_threads=1, emulated_slowdown=slowdown),
    }


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "none"


def _digest(value: Any) -> str:
    content = repr(value.tolist()).encode() if value.dtype == object else value.tobytes()
    return f"{value.dtype} {value.shape} {hashlib.sha256(content).hexdigest()}"


def _is_alike(
    kept: Sequence[Sample],
    codecs: Sequence[Codec],
    values: Sequence[Any],
    measure: Callable[..., tuple[Sample, ...]],
) -> bool:
    """Time one codec on one value, and compare with what was kept of the two."""
    large = [value for value in values if value.nbytes >= _TRIED_BYTES] or [*values]
    tried = min(large, key=lambda value: value.nbytes)
    by_subject = {(s.kind, s.subject, s.size_bytes): s.duration_s for s in kept}
    for codec in reversed(codecs):
        for now in measure((codec,), (tried,), budget_s=0.0):
            kept_s = by_subject.get((now.kind, now.subject, now.size_bytes), 0.0)
            is_alike = now.duration_s <= _ALIKE * kept_s and kept_s <= _ALIKE * now.duration_s
            if not is_alike:
                _log.info("%s %s: %.6f s were kept", now.kind, now.subject, kept_s)
            return is_alike  # by how one is encoded the machine is judged
    return False
