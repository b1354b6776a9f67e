"""A net of a published table, measured: its floats as papers send them, its pixels as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import (
    CodecSpeed,
    Coding,
    CostTable,
    CutTable,
    HostCosts,
    table_of_nodes,
)
from cutpoint.cost.calibration import Calibration
from cutpoint.cost.tolerance import Tolerance
from cutpoint.graph import Cut, Graph, device_only, server_only
from cutpoint.planning import compile_table, cuts_to_hold
from cutpoint.wire.codecs.registry import LOSSLESS

Seconds = NDArray[np.float64]


@dataclass(frozen=True)
class CodecFacts:
    """
    What codecs make of a net's values, and what they take on this host.

    Parameters
    ----------
    calibration
        Bytes by value, and errors by cut.
    tolerance
        What is allowed of those.
    encode, decode
        Speed of each codec by its name.
    """

    calibration: Calibration
    tolerance: Tolerance | None = None
    encode: Mapping[str, CodecSpeed] = field(default_factory=dict)
    decode: Mapping[str, CodecSpeed] = field(default_factory=dict)

    def codings(self, graph: Graph, factor: float, *, is_exact: bool = False) -> tuple[Coding, ...]:
        """
        Give the codecs as planning sees them, for a device that is slower by a factor.

        Parameters
        ----------
        is_exact
            Only those that lose nothing.
        """
        return tuple(
            self._coding(codec, graph, factor)
            for codec in self.calibration.codecs
            if codec in self.encode and codec in self.decode and (codec in LOSSLESS or not is_exact)
        )

    def is_struck(self, cut_id: str, codec: str) -> bool:
        """Tell whether a codec loses more at a cut than is allowed."""
        return self.calibration.is_struck(cut_id, codec, self.tolerance)

    def _coding(self, codec: str, graph: Graph, factor: float) -> Coding:
        sent = self.calibration.sent_bytes(codec, graph)
        raw = {name: float(graph.values[name].size_bytes) for name in sent}
        times_s = [
            {name: slower * max(speed.time_s(raw[name], sent[name]), 0.0) for name in sent}
            for slower, speed in ((factor, self.encode[codec]), (1.0, self.decode[codec]))
        ]
        return Coding(codec, sent, times_s[0], times_s[1])


@dataclass(frozen=True)
class PaperNet:
    """
    One net, both as it was published with (floats are sent) and as a camera feeds it (pixels).

    The second is the first behind its preprocessing; both have the seconds of one measurement,
    so that they differ in nothing else.

    Parameters
    ----------
    name
        In the zoo.
    floats, pixels
        The graphs, optimised as they run.
    pixel_s
        CPU seconds of each node of `pixels` on one thread of this host, in its order.
        Shape ``(n_nodes,)``.
    codecs
        Of the values of `pixels`.
    contention
        Wall time / CPU time while it was timed.
    """

    name: str
    floats: Graph
    pixels: Graph
    pixel_s: Seconds
    codecs: CodecFacts
    contention: float = 1.0

    @property
    def whole_s(self) -> float:
        """Seconds of the net on this host, its preprocessing aside."""
        return float(self.float_s.sum())

    @property
    def float_s(self) -> Seconds:
        """Seconds of each node of `floats`. Shape ``(n_nodes,)``."""
        # By what they make: values keep their names behind the preprocessing.
        seconds = {
            node.outputs[0]: float(time_s)
            for node, time_s in zip(self.pixels.nodes, self.pixel_s, strict=True)
        }
        return np.array([seconds[node.outputs[0]] for node in self.floats.nodes])

    def costs(self, factor: float) -> CostTable:
        """
        Give the costs that published planners see: floats travel, the device is slower.

        Parameters
        ----------
        factor
            How many times slower than this host the device is; the server is this host.
        """
        table = table_of_nodes(self.floats, [self.float_s, self.float_s])
        return replace(table, host_s=np.array([table.device_s * factor, table.server_s]))

    def float_table(self, factor: float, cuts: Sequence[Cut]) -> CutTable:
        """Give rows for cuts of `floats`, every value as it is."""
        costs = _costs_of(self.floats, self.float_s, cuts)
        return compile_table(self.floats, tuple(cuts), costs.times(factor), costs)

    def raw_table(self, factor: float, cuts: Sequence[Cut]) -> CutTable:
        """Give rows for cuts of `pixels`, every value as it is."""
        costs = _costs_of(self.pixels, self.pixel_s, cuts)
        return compile_table(
            self.pixels, tuple(cuts), costs.times(factor), costs, keeps_dominated=True
        )

    def pixel_table(self, factor: float, *, is_exact: bool = False) -> CutTable:
        """
        Give the rows that a session on `pixels` decides among, whatever dominates what.

        Parameters
        ----------
        is_exact
            Only those that lose nothing.
        """
        cuts = cuts_to_hold(self.pixels)
        costs = _costs_of(self.pixels, self.pixel_s, cuts)
        return compile_table(
            self.pixels,
            cuts,
            costs.times(factor),
            costs,
            codings=self.codecs.codings(self.pixels, factor, is_exact=is_exact),
            is_struck=self.codecs.is_struck,
            keeps_dominated=True,
        )


def _costs_of(graph: Graph, node_s: Seconds, cuts: Sequence[Cut]) -> HostCosts:
    """Add up the seconds of heads and tails."""
    whole_s = float(node_s.sum())
    known = {cut.id: cut for cut in (device_only(graph), server_only(graph), *cuts)}
    head_s = {
        cut_id: float(sum(node_s[node.index] for node in graph.nodes if cut.head >> node.index & 1))
        for cut_id, cut in known.items()
    }
    tail_s = {cut_id: max(whole_s - time_s, 0.0) for cut_id, time_s in head_s.items()}
    return HostCosts(whole_s, head_s, tail_s, frozenset())
