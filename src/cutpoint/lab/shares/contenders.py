"""What competes for one inference: the two ends with the input as it travels, and the splits."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cutpoint.cost import AS_IT_IS, Coding, CostTable, CutTable, Limits, predict
from cutpoint.lab.shares.grid import Grid
from cutpoint.lab.shares.host_times import HostTimes
from cutpoint.lab.shares.measured_net import SAME, MeasuredNet
from cutpoint.lab.shares.plain_rows import PlainRows, joined, split_rows
from cutpoint.lab.shares.tally import Latencies
from cutpoint.planning import compiled_table
from cutpoint.records import RAW, Conditions

FLOAT32, UINT8, PNG, JPEG, CAMERA = "float32", "uint8", "png", "jpeg", "camera jpeg"
INPUTS = (FLOAT32, UINT8, PNG, JPEG, CAMERA)
"""How a picture reaches a server that does everything: as the floats of the net (to which the
codecs of the set apply as well), as pixels, as a PNG or JPEG that the device makes (or as
pixels, where that is sooner), or as the JPEG that the camera gave, which the device has to decode
before it can compute anything itself."""

PICTURE_CODECS: Mapping[str, str] = {PNG: "png", JPEG: "jpeg:90", CAMERA: "jpeg:90"}
"""Codec of each kind of input that is neither floats nor pixels."""

CODEC_SETS: Mapping[str, tuple[str, ...]] = {
    "raw": (RAW,),
    "lossless": (RAW, "zstd"),
    "float16": (RAW, "float16"),
    "uint8": (RAW, "float16", "uint8"),
    "uint8+zstd": (RAW, "float16", "uint8", "uint8+zstd"),
    "uint4+zstd": (RAW, "float16", "uint8", "uint8+zstd", "uint4+zstd"),
}
"""Codecs that crossing values may take, by the name of the last: each set has those before it."""

CODECS = tuple(dict.fromkeys(codec for codecs in CODEC_SETS.values() for codec in codecs))
"""All of them."""


@dataclass(frozen=True)
class Assumptions:
    """
    What is counted beside the net, its values and the link.

    Parameters
    ----------
    has_codec_times
        Whether encoding and decoding take time.
    has_preparation
        Whether making floats of pixels does.
    jpeg_bytes
        Of every input picture as a JPEG; ``None`` for as many as were measured.
    relu_shrink
        How many times smaller values behind a Relu are encoded than they were measured.
    """

    has_codec_times: bool = True
    has_preparation: bool = True
    jpeg_bytes: float | None = None
    relu_shrink: float = 1.0


AS_MEASURED = Assumptions()


class Contenders:
    """
    The rows of one net, compiled once per server and codec.

    Parameters
    ----------
    net
        As it was measured.
    assumptions
        What of that is counted.
    """

    def __init__(self, net: MeasuredNet, assumptions: Assumptions = AS_MEASURED) -> None:
        times = net.times
        self.net = net
        self._assumptions = assumptions
        prepare_s = times.prepare_s_per_pixel if assumptions.has_preparation else 0.0
        self._prepare_s = prepare_s * net.num_pixels
        self._times = times if assumptions.has_codec_times else HostTimes({}, {}, 0.0)
        self._known: dict[tuple[str, str], PlainRows] = {}

    def splits(self, server: str, coding: str, codec: str) -> PlainRows:
        """
        Give the splits that may beat device-only, with their values raw or under one codec.

        Cuts that send the input beside other values are no splits here.

        Parameters
        ----------
        server
            One of `SERVERS`.
        coding
            One of `INPUTS`.
        codec
            One of `CODECS`.
        """
        if (server, codec) not in self._known:
            self._known[server, codec] = split_rows(self._table(server, codec))
        return self._known[server, codec].with_more_head(self._before_s(coding))

    def best_split(
        self, server: str, codecs: tuple[str, ...], conditions: Conditions
    ) -> tuple[str, ...]:
        """Give what crosses the soonest split under conditions; nothing if there is none."""
        found: list[tuple[float, tuple[str, ...]]] = []
        for codec in codecs:
            table = self._table(server, codec)
            latency_s = predict(table, conditions).latency_s
            found += [
                (float(latency_s[row]), cut.crossing)
                for row, cut in enumerate(table.cuts)
                if cut.placement == "split"
            ]
        return min(found, default=(0.0, ()))[1]

    def work_before(self, size_bytes: float, codec: str) -> float:
        """
        Give the share of the work that is done before values are smaller than so many bytes.

        Parameters
        ----------
        codec
            Of the values, which may also travel raw.

        Returns
        -------
        float
            1 where no cut sends less.
        """
        splits = self.splits(SAME, UINT8, codec)
        done_s = (splits.head_s - self._before_s(UINT8))[splits.up_bytes < size_bytes]
        return float(done_s.min(initial=self.net.whole_s)) / self.net.whole_s

    def ends(self, server: str, coding: str, codecs: tuple[str, ...]) -> PlainRows:
        """
        Give device-only first, then server-only in every way that the input may travel.

        Parameters
        ----------
        codecs
            That crossing values may take.
        """
        costs = self.net.costs[server]
        rows = [_end(costs, head_s=float(costs.device_s.sum()) + self._before_s(coding))]
        if coding == FLOAT32:
            rows += [self._sent_floats(costs, codec) for codec in codecs]
        elif coding == UINT8:
            rows.append(self._sent_pixels(costs))
        elif coding == CAMERA:
            rows.append(self._sent_picture(costs, coding, is_encoded=True))
        else:
            rows += [self._sent_picture(costs, coding), self._sent_pixels(costs)]
        return joined(rows)

    def latencies(self, server: str, coding: str, codecs: tuple[str, ...], grid: Grid) -> Latencies:
        """
        Give the best of each kind at each point, in the grid's shape.

        Parameters
        ----------
        codecs
            That values may take, and floats of the input.
        """
        ends_s = self.ends(server, coding, codecs).latency_s(grid)
        splits_s = [self.splits(server, coding, codec).best_s(grid) for codec in codecs]
        columns = ends_s[:, 0], ends_s[:, 1:].min(axis=1), np.min(splits_s, axis=0)
        return Latencies(*(column.reshape(grid.shape) for column in columns))

    def _table(self, server: str, codec: str) -> CutTable:
        return compiled_table(
            self.net.graph,
            self.net.costs[server],
            limits=Limits(min_depth=1),
            codecs=(self._coding(codec),),
        )

    def _before_s(self, coding: str) -> float:
        """Give what the device does before the first node, if that runs there."""
        if coding != CAMERA:
            return self._prepare_s
        return self._prepare_s + self._decode_picture_s(coding)

    def _sent_floats(self, costs: CostTable, codec: str) -> PlainRows:
        # The floats are there: they were made on the device, whoever computes with them.
        coded, (name, *_) = self._coding(codec), self.net.graph.inputs
        raw_bytes = float(self.net.graph.size_bytes((name,)))
        return _end(
            costs,
            head_s=self._prepare_s,
            encode_s=coded.encode_s.get(name, 0.0),
            up_bytes=coded.sent_bytes.get(name, raw_bytes),
            decode_s=coded.decode_s.get(name, 0.0),
        )

    def _sent_pixels(self, costs: CostTable) -> PlainRows:
        return _end(costs, up_bytes=self._pixel_bytes, decode_s=self._prepare_s)

    def _sent_picture(
        self, costs: CostTable, coding: str, *, is_encoded: bool = False
    ) -> PlainRows:
        codec, size_bytes = PICTURE_CODECS[coding], self._picture_bytes(coding)
        encode_s = self._times.encode_s(codec, self._pixel_bytes, size_bytes)
        return _end(
            costs,
            encode_s=0.0 if is_encoded else encode_s,
            up_bytes=size_bytes,
            decode_s=self._decode_picture_s(coding) + self._prepare_s,
        )

    @property
    def _pixel_bytes(self) -> float:
        return 3.0 * self.net.num_pixels

    def _picture_bytes(self, coding: str) -> float:
        fixed = self._assumptions.jpeg_bytes
        if fixed is not None and coding != PNG:
            return fixed
        return self.net.picture_bytes[PICTURE_CODECS[coding]]

    def _decode_picture_s(self, coding: str) -> float:
        codec = PICTURE_CODECS[coding]
        return self._times.decode_s(codec, self._pixel_bytes, self._picture_bytes(coding))

    def _coding(self, codec: str) -> Coding:
        if codec == RAW:
            return AS_IT_IS
        shrink = self._assumptions.relu_shrink
        sent = {
            name: size / (shrink if name in self.net.after_relu else 1.0)
            for name, size in self.net.sent_bytes[codec].items()
        }
        return self._times.coding(codec, self.net.graph, sent)


def _end(
    costs: CostTable,
    *,
    head_s: float = 0.0,
    encode_s: float = 0.0,
    up_bytes: float | None = None,
    decode_s: float = 0.0,
) -> PlainRows:
    """Give device-only, or server-only where something is sent."""
    is_sent = up_bytes is not None
    return PlainRows(
        head_s=np.array([head_s]),
        encode_s=np.array([encode_s]),
        tail_s=np.array([float(costs.server_s.sum()) + decode_s if is_sent else 0.0]),
        up_bytes=np.array([up_bytes or 0.0]),
        down_bytes=np.array([float(costs.wiring.returned_bytes.sum()) if is_sent else 0.0]),
        is_offloaded=np.array([is_sent]),
        num_values=np.array([int(is_sent)]),
    )
