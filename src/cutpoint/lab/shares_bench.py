"""Where a split beats both ends and by how much: every net over links, devices and codecs."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from cutpoint.execution.quantiser import runtime_quantiser
from cutpoint.lab.shares.comparison import Comparing, Comparison
from cutpoint.lab.shares.contenders import (
    CODEC_SETS,
    CODECS,
    INPUTS,
    JPEG,
    PICTURE_CODECS,
    UINT8,
    Contenders,
)
from cutpoint.lab.shares.grid import USUAL_LINKS
from cutpoint.lab.shares.host_times import time_preparation
from cutpoint.lab.shares.measured_net import (
    GPU_LIKE,
    SERVERS,
    Effort,
    MeasuredNet,
    measure_net,
)
from cutpoint.lab.shares.tally import Latencies, Tally
from cutpoint.lab.zoo import ZOO
from cutpoint.profiling import read_environment
from cutpoint.records import RAW, Environment
from cutpoint.wire.codecs import codec_named

QUICK_MODELS = ("squeezenet", "mobilenet_v2", "resnet18")
"""Seconds each."""

USUAL_SET = "uint8+zstd"
"""The codecs that a session with a tolerance will mostly have."""

COMPARED_INPUTS, COMPARED_SETS = (UINT8, JPEG), ("raw", USUAL_SET)
"""The inputs and sets of codecs of the tables by condition."""

_TYPICAL_PIXELS = 224 * 224
"""Speeds are stated for the pixels of such a picture, or as many floats as it has."""

Listener = Callable[[str], None]


@dataclass(frozen=True)
class NetRow:
    """
    What was measured of one net.

    Parameters
    ----------
    model
        Its name.
    whole_s
        Of the whole net here, on one thread, undisturbed.
    gpu_like_s
        Of the whole net on the assumed accelerator.
    contention
        Wall time / CPU time while it was timed.
    pixel_bytes
        Of the input as 8-bit pixels.
    picture_bytes
        Of the input by picture codec: mean over photographs.
    ratios
        By codec, bytes sent / raw bytes: mean over the values that may cross.
    num_pictures
        Photographs that these are means of.
    before_pixels, before_jpeg
        Share of the work that is done before the values of a cut, with the codecs of `USUAL_SET`,
        have fewer bytes than the input as pixels, and as a JPEG.
    """

    model: str
    whole_s: float
    gpu_like_s: float
    contention: float
    pixel_bytes: float
    picture_bytes: Mapping[str, float]
    ratios: Mapping[str, float]
    num_pictures: int
    before_pixels: float
    before_jpeg: float


@dataclass(frozen=True)
class CodecRow:
    """
    What a codec takes here.

    Parameters
    ----------
    codec
        Its name.
    encode_s, decode_s
        Of a value of 602 KB that is encoded as well as a net's values on the mean; of a picture
        of 224 x 224 for those of pictures. Medians over the nets.
    """

    codec: str
    encode_s: float
    decode_s: float


@dataclass(frozen=True)
class ShareRow:
    """One net, way of the input and set of codecs, over all servers and conditions."""

    model: str
    coding: str
    codecs: str
    tally: Tally


@dataclass(frozen=True)
class ServerRow:
    """One kind of server, way of the input and set of codecs, over all nets and conditions."""

    server: str
    coding: str
    codecs: str
    tally: Tally


@dataclass(frozen=True)
class ConditionRow:
    """One link and device, over all nets, servers, loads and round trips."""

    coding: str
    codecs: str
    bandwidth_bytes_per_s: float
    device_slowdown: float
    tally: Tally


@dataclass(frozen=True)
class LinkRow:
    """One net and link, over all devices, servers, loads and round trips."""

    model: str
    coding: str
    bandwidth_bytes_per_s: float
    tally: Tally


@dataclass(frozen=True)
class SharesBench:
    """
    Everything that came out of one run, and where.

    Parameters
    ----------
    nets, codecs
        What was measured.
    shares, servers
        By net or kind of server, input and codecs.
    conditions
        By link and device; `COMPARED_INPUTS`, `COMPARED_SETS`.
    links
        By net and link; `COMPARED_INPUTS`, the codecs of `USUAL_SET`.
    comparison
        With the reference.
    prepare_s
        From pixels to floats, of a picture of 224 x 224.
    environment
        Where it was measured.
    """

    nets: tuple[NetRow, ...]
    codecs: tuple[CodecRow, ...]
    shares: tuple[ShareRow, ...]
    servers: tuple[ServerRow, ...]
    conditions: tuple[ConditionRow, ...]
    links: tuple[LinkRow, ...]
    comparison: Comparison
    prepare_s: float
    environment: Environment

    def total(self, coding: str, codecs: str, model: str | None = None) -> Tally:
        """Add up over all nets, or of one."""
        return sum(
            (
                row.tally
                for row in self.shares
                if (row.coding, row.codecs) == (coding, codecs) and model in (None, row.model)
            ),
            Tally(),
        )

    def of_server(self, server: str, coding: str, codecs: str) -> Tally:
        """Add up over all nets with one kind of server."""
        key = (server, coding, codecs)
        return sum(
            (row.tally for row in self.servers if (row.server, row.coding, row.codecs) == key),
            Tally(),
        )

    def at(
        self,
        coding: str,
        codecs: str,
        bandwidth_bytes_per_s: float | None = None,
        device_slowdown: float | None = None,
    ) -> Tally:
        """Add up over all links and devices, or of one of them."""
        return sum(
            (
                row.tally
                for row in self.conditions
                if (row.coding, row.codecs) == (coding, codecs)
                and bandwidth_bytes_per_s in (None, row.bandwidth_bytes_per_s)
                and device_slowdown in (None, row.device_slowdown)
            ),
            Tally(),
        )


def run_shares_bench(
    models: Sequence[str] | None = None,
    *,
    quick: bool = False,
    listener: Listener = lambda _: None,
) -> SharesBench:
    """
    Measure nets and codecs on this host, and compare splits with the ends under every condition.

    Parameters
    ----------
    models
        Names in the zoo; all of it by default, three small ones if it shall be quick.
    quick
        Fewer pictures and runs as well.
    listener
        Told what is done now.

    Raises
    ------
    ModelError
        If there is no such net.
    MissingDependencyError, CodecError
        If scikit-learn, Pillow, Zstandard, SciPy or OR-Tools is not installed.
    """
    names = tuple(models or (QUICK_MODELS if quick else ZOO))
    effort = Effort(num_pictures=2, repeats=3, codecs_s=0.3, attempts=1) if quick else Effort()
    codecs = [codec_named(name, runtime_quantiser()) for name in CODECS if name != RAW]
    picture_codecs = [codec_named(name) for name in dict.fromkeys(PICTURE_CODECS.values())]
    listener("preparing a picture: timing")
    prepare_s_per_pixel = time_preparation()
    counting = _Counting()
    with TemporaryDirectory(prefix="cutpoint-bench-") as folder:
        for number, name in enumerate(names, 1):
            counting.add(
                measure_net(
                    name,
                    Path(folder),
                    codecs,
                    picture_codecs,
                    prepare_s_per_pixel,
                    effort,
                    _numbered(listener, number, len(names)),
                )
            )
    return counting.result(prepare_s_per_pixel * _TYPICAL_PIXELS)


class _Counting:
    """Adds up one net after the other, so that none has to stay in memory."""

    def __init__(self) -> None:
        self._nets: list[NetRow] = []
        self._speeds: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        self._shares: defaultdict[tuple[str, str, str], Tally] = defaultdict(Tally)
        self._servers: defaultdict[tuple[str, str, str], Tally] = defaultdict(Tally)
        self._conditions: defaultdict[tuple[str, str, float, float], Tally] = defaultdict(Tally)
        self._links: defaultdict[tuple[str, str, float], Tally] = defaultdict(Tally)
        self._comparing = Comparing()

    def add(self, net: MeasuredNet) -> None:
        contenders = Contenders(net)
        self._nets.append(_net_row(contenders))
        for codec, took_s in _codec_times_s(net):
            self._speeds[codec].append(took_s)
        self._comparing.add(net)
        for server in SERVERS:
            for coding in INPUTS:
                for name, codecs in CODEC_SETS.items():
                    found = contenders.latencies(server, coding, codecs, USUAL_LINKS)
                    self._shares[net.name, coding, name] += found.tally
                    self._servers[server, coding, name] += found.tally
                    if coding in COMPARED_INPUTS and name in COMPARED_SETS:
                        self._add_conditions(net.name, coding, name, found)

    def result(self, prepare_s: float) -> SharesBench:
        return SharesBench(
            nets=tuple(self._nets),
            codecs=tuple(
                CodecRow(codec, *(float(each) for each in np.median(took_s, axis=0)))
                for codec, took_s in self._speeds.items()
            ),
            shares=tuple(ShareRow(*key, tally) for key, tally in self._shares.items()),
            servers=tuple(ServerRow(*key, tally) for key, tally in self._servers.items()),
            conditions=tuple(ConditionRow(*key, tally) for key, tally in self._conditions.items()),
            links=tuple(LinkRow(*key, tally) for key, tally in self._links.items()),
            comparison=self._comparing.result(),
            prepare_s=prepare_s,
            environment=read_environment(providers=("CPUExecutionProvider",), num_threads=1),
        )

    def _add_conditions(self, model: str, coding: str, codecs: str, latencies: Latencies) -> None:
        for i, bandwidth in enumerate(USUAL_LINKS.bandwidths_bytes_per_s):
            for j, slowdown in enumerate(USUAL_LINKS.device_slowdowns):
                found = latencies.at(i, j).tally
                self._conditions[coding, codecs, bandwidth, slowdown] += found
                if codecs == USUAL_SET:
                    self._links[model, coding, bandwidth] += found


def _codec_times_s(net: MeasuredNet) -> Iterator[tuple[str, tuple[float, float]]]:
    """Yield what encoding and decoding take of a typical value, or of a picture, by codec."""
    pixel_bytes = 3.0 * _TYPICAL_PIXELS
    ratios = {codec: (4 * pixel_bytes, net.ratio(codec)) for codec in net.sent_bytes}
    for codec, size_bytes in net.picture_bytes.items():
        ratios[codec] = (pixel_bytes, size_bytes / (3.0 * net.num_pixels))
    for codec, (raw_bytes, ratio) in ratios.items():
        sizes = (raw_bytes, ratio * raw_bytes)
        yield codec, (net.times.encode_s(codec, *sizes), net.times.decode_s(codec, *sizes))


def _net_row(contenders: Contenders) -> NetRow:
    net = contenders.net
    pixel_bytes, jpeg_bytes = 3.0 * net.num_pixels, net.picture_bytes[PICTURE_CODECS[JPEG]]
    return NetRow(
        model=net.name,
        whole_s=net.whole_s,
        gpu_like_s=float(net.costs[GPU_LIKE].server_s.sum()),
        contention=net.contention,
        pixel_bytes=pixel_bytes,
        picture_bytes=net.picture_bytes,
        ratios={codec: net.ratio(codec) for codec in net.sent_bytes},
        num_pictures=net.num_pictures,
        before_pixels=contenders.work_before(pixel_bytes, USUAL_SET),
        before_jpeg=contenders.work_before(jpeg_bytes, USUAL_SET),
    )


def _numbered(listener: Listener, number: int, count: int) -> Listener:
    return lambda text: listener(f"{number}/{count} {text}")
