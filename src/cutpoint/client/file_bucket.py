"""What is known of one model at one bucket of sizes, when its pictures come as files."""

from collections.abc import Collection
from dataclasses import replace
from math import log2
from threading import Lock

import numpy as np

from cutpoint.client.decoding import NO_DECODING, Decoding
from cutpoint.client.encoded_inputs import EncodedInputs
from cutpoint.client.file_times import FileTimes
from cutpoint.client.shape_bucket import ShapeBucket
from cutpoint.cost import CutTable, HostCosts
from cutpoint.estimation import SlowdownEstimator
from cutpoint.graph import Cut, Graph
from cutpoint.graph.size_bucket import Bucket
from cutpoint.records import RAW

_STEPS_PER_DOUBLING = 4
"""Files whose sizes differ by less than a fifth are planned alike."""

_MOST_BUCKETS = 64


class FileBucket:
    """
    A bucket of sizes, its tables as they are for image files of one kind and size.

    Where the server computes everything and decodes such files, they cross as they came and cost
    nothing here. Every other row begins with decoding them on this device.

    Parameters
    ----------
    bucket
        Of the sizes: what is learnt of hosts is the same for it.
    inputs
        The first files.
    decode_s
        What decoding them takes on this device.
    file_bytes
        That is counted with for all files of this bucket.
    """

    def __init__(
        self, bucket: ShapeBucket, inputs: EncodedInputs, decode_s: float, file_bytes: float
    ) -> None:
        self.graph: Graph = bucket.graph
        self.device: HostCosts = bucket.device
        self.slowdown: SlowdownEstimator = bucket.slowdown
        kinds = tuple(sorted(inputs.codecs.items()))
        self.key: Bucket = (
            *bucket.key,
            *((f"{name} as {codec}", round(file_bytes)) for name, codec in kinds),
        )
        self._bucket = bucket
        self._codecs = dict(kinds)
        self._raw_bytes = inputs.raw_bytes
        self._decode_s = decode_s
        self._file_bytes = file_bytes
        self._made: tuple[CutTable, Decoding, CutTable] | None = None

    def __repr__(self) -> str:
        return f"<FileBucket of {self._bucket!r}: {self._codecs}>"

    @property
    def edition(self) -> object:
        """Another one whenever tables given before are outdated."""
        return self._bucket.edition

    def table(
        self,
        costs: HostCosts | None,
        tails: Collection[str],
        server: str = "",
        decoding: Decoding = NO_DECODING,
    ) -> CutTable:
        """Give the table of what both hosts hold; see `ShapeBucket.table`."""
        plain = self._bucket.table(costs, tails, server, decoding)
        made = self._made
        if made is None or made[0] is not plain or made[1] is not decoding:
            made = self._made = plain, decoding, self._with_files(plain, decoding)
        return made[2]

    def observe_server(self, cut: Cut, idle_s: float, server: str = "") -> None:
        """Learn what a tail takes on the idle server; see `ShapeBucket.observe_server`."""
        self._bucket.observe_server(cut, idle_s, server)

    def _with_files(self, plain: CutTable, decoding: Decoding) -> CutTable:
        passes = np.zeros(len(plain.cuts), dtype=bool)
        if all(map(decoding.takes, self._codecs.values())):
            passes[:] = [self._passes_files(plain, row) for row in range(len(plain.cuts))]
        saved_bytes = self._raw_bytes - self._file_bytes
        return replace(
            plain,
            rest_s=plain.rest_s + np.where(passes, self._decode_s, 0.0),
            encode_s=plain.encode_s + np.where(passes, 0.0, self._decode_s),
            tail_s=plain.tail_s + np.where(passes, self._decoded_there_s(decoding), 0.0),
            up_bytes=np.maximum(plain.up_bytes - np.where(passes, saved_bytes, 0.0), 0.0),
        )

    def _passes_files(self, table: CutTable, row: int) -> bool:
        cut = table.cuts[row]
        if cut.placement != "server":
            return False
        codecs = dict(zip(cut.crossing, table.codecs_of(row), strict=True))
        return all(codecs.get(name, RAW) == RAW for name in self._codecs)

    def _decoded_there_s(self, decoding: Decoding) -> float:
        """Give what the server takes; as long as this device, where it does not tell."""
        share = 1 / len(self._codecs)
        total_s = 0.0
        for codec in self._codecs.values():
            speed = decoding.speed(codec)
            total_s += (
                self._decode_s * share
                if speed is None
                else max(speed.time_s(self._raw_bytes * share, self._file_bytes * share), 0.0)
            )
        return total_s


AnyBucket = ShapeBucket | FileBucket
"""Of inputs that are arrays, or that came as files."""


class FileBuckets:
    """
    Gives the bucket of inputs that came as files, made when it is first met.

    Parameters
    ----------
    times
        What decoding takes on this device.
    """

    def __init__(self, times: FileTimes) -> None:
        self.times = times
        self._met: dict[tuple[object, ...], FileBucket] = {}
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<FileBuckets: {len(self._met)} met>"

    def of(self, bucket: ShapeBucket, inputs: EncodedInputs) -> FileBucket:
        """
        Give the bucket of files.

        Parameters
        ----------
        bucket
            Of the sizes of their pixels.

        Raises
        ------
        FeedError
            If a file is damaged, and is the first of its kind.
        """
        decode_s = self.times.time_s(inputs)
        step = round(_STEPS_PER_DOUBLING * log2(max(inputs.file_bytes, 1)))
        codecs = tuple(sorted(inputs.codecs.items()))
        key = bucket.key, codecs, step, decode_s / inputs.raw_bytes
        with self._lock:
            found = self._met.get(key)
            if found is None or found.slowdown is not bucket.slowdown:
                while len(self._met) >= _MOST_BUCKETS:
                    del self._met[next(iter(self._met))]
                nominal_bytes = 2.0 ** (step / _STEPS_PER_DOUBLING)
                found = self._met[key] = FileBucket(bucket, inputs, decode_s, nominal_bytes)
            return found
