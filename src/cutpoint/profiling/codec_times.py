"""Time codecs on this host, on values it has or on made-up ones."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median, median_low

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import CodecError
from cutpoint.profiling.made_up_values import made_up_values
from cutpoint.records import RAW, Sample, SampleKind
from cutpoint.wire.chunks import Assembly, Chunker
from cutpoint.wire.codecs import Buffer, Codec
from cutpoint.wire.encoded import Encoded
from cutpoint.wire.tensors import TensorSpec

_BUDGET_S = 0.3
_FEWEST_ROUNDS, _MOST_ROUNDS = 2, 9
_SEED = 0

_BEFORE_ENCODING_S, _BEFORE_DECODING_S = 0.01, 0.003
_EVICTED_BYTES = 8 << 20
"""What comes before a codec runs: a head, other processes meanwhile, and memory enough to fill a
core's own caches; a few milliseconds in which pieces come in."""

_COLD_TASKS, _COLD_RUNS = 1, 3

BOTH: tuple[SampleKind, ...] = ("encode", "decode")
"""What a codec does: a host that does but one of it need not wait for the other to be timed."""

_HAS_FINE_CPU_CLOCK = time.get_clock_info("thread_time").resolution <= 1e-6
"""Some systems count CPU time in ticks longer than any codec takes."""


def time_codecs(
    codecs: Iterable[Codec],
    values: Iterable[NDArray[np.generic]] | None = None,
    *,
    budget_s: float = _BUDGET_S,
    slowdown: float = 1.0,
    with_pauses: bool = True,
    kinds: Collection[SampleKind] = BOTH,
) -> tuple[Sample, ...]:
    """
    Encode and decode values on this host and tell what each took.

    Every codec meets its smallest value once before anything counts. Rounds over all codecs and
    values follow, each in an order of its own: so no value stays in the cache, and what disturbs
    one disturbs all.

    In an inference a codec runs once, long after it ran last: its instructions have to come from
    memory again, which for all but large values takes longer than the work. So each codec is
    also run after a pause and right again, and what the first run took longer is added.

    What counts is the CPU time of this thread where that is less than the wall time: the rest is
    others', who held the core.

    Parameters
    ----------
    codecs
        To be timed.
    values
        To be encoded; by default those of `made_up_values`.
    budget_s
        No round begins after this time, but two are run whatever they take.
    slowdown
        Of the device that is emulated: durations are multiplied by it.
    with_pauses
        Whether to add what a pause adds; without, times are those of one run among many.
    kinds
        What is wanted: ``encode``, ``decode``, or both.

    Returns
    -------
    tuple of Sample
        One ``encode`` and one ``decode``, where wanted, per codec and value it can encode, each
        the median of its runs and what a pause adds to it.
    """
    arrays = tuple(made_up_values() if values is None else values)
    specs = tuple(TensorSpec.of("", array) for array in arrays)
    tasks = [
        _Task(codec, array, spec)
        for codec in codecs
        for array, spec in zip(arrays, specs, strict=True)
        if codec.takes(spec)
    ]
    for task in _first_of_each(tasks):
        task.warm_up()
    rng = np.random.default_rng(_SEED)
    began_s = time.perf_counter()
    for number in range(_MOST_ROUNDS):
        if number >= _FEWEST_ROUNDS and time.perf_counter() - began_s > budget_s:
            break
        for index in rng.permutation(len(tasks)):
            tasks[index].time()
    added = _added_by_pause(tasks, kinds) if with_pauses else {}
    samples = (sample for task in tasks for sample in task.samples(added, slowdown))
    return tuple(sample for sample in samples if sample.kind in kinds)


@dataclass
class _Task:
    """One codec and one value, with the seconds that each run took."""

    codec: Codec
    array: NDArray[np.generic]
    spec: TensorSpec
    encoded_bytes: int = 0
    encode_s: list[float] = field(default_factory=list)
    decode_s: list[float] = field(default_factory=list)

    def run(self) -> tuple[float, float]:
        """Encode and decode once; what joins the pieces is no part of either."""
        pieces: list[Buffer] = []
        encode_s = _busy_s(lambda: pieces.extend(self._encode()))
        # As bytes come off a wire: in one block, none of them where the encoder wrote them.
        whole = bytearray().join(pieces)
        self.encoded_bytes = len(whole)
        return encode_s, _busy_s(lambda: self.codec.decode(self.spec, whole))

    def after_pause(
        self, memory: NDArray[np.uint8], kinds: Collection[SampleKind]
    ) -> tuple[float, float]:
        """Give how much longer encoding and decoding take after a pause than right again."""
        encode_s = self._encoded_after_pause(memory) if "encode" in kinds else 0.0
        return encode_s, self._decoded_after_pause(memory) if "decode" in kinds else 0.0

    def _encoded_after_pause(self, memory: NDArray[np.uint8]) -> float:
        _pause(_BEFORE_ENCODING_S, memory)
        return _first_more_s(self._encode)

    def _decoded_after_pause(self, memory: NDArray[np.uint8]) -> float:
        encoded = Encoded(self.spec, self.codec.name, self._encode()).make_all()
        _pause(_BEFORE_DECODING_S, memory)
        # What is decoded has just come: whatever puts pieces together has run, and they are near.
        arriving = Assembly((self.spec,), "", codec_named=lambda _: self.codec)
        for chunk in Chunker((encoded,)).all():
            arriving.add(chunk)
        (arrived,) = arriving.undecoded()
        return _first_more_s(arrived.decode)

    def _encode(self) -> list[Buffer]:
        return list(self.codec.blocks(self.array))

    def warm_up(self) -> None:
        """Run once, if that can be done, and forget what it took."""
        with suppress(CodecError):
            self.run()

    def time(self) -> None:
        """Run once and keep what it took; a value that cannot be encoded has no times."""
        with suppress(CodecError):
            encode_s, decode_s = self.run()
            self.encode_s.append(encode_s)
            self.decode_s.append(decode_s)

    def samples(self, added: "_Added", slowdown: float) -> tuple[Sample, ...]:
        if not self.encode_s:
            return ()
        encode_s, decode_s = added.get(self.codec.name, (0.0, 0.0))
        return (
            self._sample("encode", self.encode_s, encode_s, slowdown),
            self._sample("decode", self.decode_s, decode_s, slowdown),
        )

    def _sample(
        self, kind: SampleKind, runs: list[float], added_s: float, slowdown: float
    ) -> Sample:
        # Of two runs the quicker: a disturbance never makes one quick.
        busy_s = median_low(runs) + added_s
        return Sample(
            kind,
            self.codec.name,
            busy_s * slowdown,
            busy_s,
            size_bytes=self.array.nbytes,
            encoded_bytes=self.encoded_bytes,
        )


_Added = Mapping[str, tuple[float, float]]
"""Seconds that a pause adds to encoding and decoding, by codec."""


def _added_by_pause(tasks: Sequence[_Task], kinds: Collection[SampleKind]) -> _Added:
    """Run middling values of each codec after a pause and right again, and compare."""
    by_codec: dict[str, list[_Task]] = {}
    for task in tasks:
        if task.encode_s and task.codec.name != RAW:
            by_codec.setdefault(task.codec.name, []).append(task)
    memory = np.zeros(_EVICTED_BYTES, np.uint8)
    added = {}
    for name, found in by_codec.items():
        found.sort(key=lambda task: task.array.nbytes)
        middle = found[len(found) // 2 :][:_COLD_TASKS]
        pairs = [task.after_pause(memory, kinds) for task in middle for _ in range(_COLD_RUNS)]
        encode_s, decode_s = (max(median(each), 0.0) for each in zip(*pairs, strict=True))
        added[name] = encode_s, decode_s
    return added


def _pause(duration_s: float, memory: NDArray[np.uint8]) -> None:
    time.sleep(duration_s)
    np.add(memory, 1, out=memory)


def _first_of_each(tasks: Iterable[_Task]) -> Iterable[_Task]:
    """Give the smallest value of each codec."""
    smallest: dict[str, _Task] = {}
    for task in tasks:
        held = smallest.setdefault(task.codec.name, task)
        if task.array.nbytes < held.array.nbytes:
            smallest[task.codec.name] = task
    return smallest.values()


def _first_more_s(call: Callable[[], object]) -> float:
    first_s, again_s = _busy_s(call), _busy_s(call)
    return first_s - again_s


def _busy_s(call: Callable[[], object]) -> float:
    """Give what a call takes this thread, whoever else holds the core meanwhile."""
    began_s, began_cpu_s = time.perf_counter(), time.thread_time()
    call()
    cpu_s, wall_s = time.thread_time() - began_cpu_s, time.perf_counter() - began_s
    return min(wall_s, cpu_s) if _HAS_FINE_CPU_CLOCK else wall_s
