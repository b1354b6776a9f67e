"""One net of the zoo, measured: seconds of its blocks, and bytes of its values on photographs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import CostTable, cost_table_of
from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import Arrays, Graph, blocks_of
from cutpoint.lab.activations import activations
from cutpoint.lab.photos import Pixels, normalised, photos
from cutpoint.lab.shares.host_times import HostTimes, time_codecs_on, total_bytes, undisturbed
from cutpoint.lab.zoo import ZOO, write
from cutpoint.profiling import measure
from cutpoint.profiling.made_up_values import made_up_values
from cutpoint.records import Profile
from cutpoint.wire.codecs import Codec
from cutpoint.wire.tensors import TensorSpec

SAME, GPU_LIKE = "same CPU", "GPU-like"
SERVERS = (SAME, GPU_LIKE)
"""Kinds of server: one as fast as the measured host, and an assumed accelerator."""

_GPU_FLOPS_PER_S = 8e12
_GPU_BYTES_PER_S = 500e9
_GPU_KERNEL_S = 8e-6

_LARGE_BYTES = 250e6
"""Nets whose values are more are looked at on fewer pictures."""

_QUIET = 1.1
"""Wall time / CPU time up to which the shares of the nodes are taken as they are."""

_NUM_TIMED = 12
_LARGEST_TIMED_BYTES = 4 << 20
"""Codecs are timed on so many values of a net, none larger: no cut worth having sends as much."""


@dataclass(frozen=True)
class MeasuredNet:
    """
    Everything that is compared of one net.

    Parameters
    ----------
    name
        In the zoo.
    graph
        Optimised, as it runs.
    costs
        By kind of server; host 0 is this machine.
    sent_bytes
        By codec and value, mean over the pictures.
    picture_bytes
        Of an input picture by codec, mean over the pictures.
    num_pixels
        Of the input.
    after_relu
        Values that a Relu made.
    contention
        Wall time / CPU time while the net was timed.
    num_pictures
        The bytes are means of so many.
    times
        Of codecs, timed on values and pictures of this net.
    """

    name: str
    graph: Graph
    costs: Mapping[str, CostTable]
    sent_bytes: Mapping[str, Mapping[str, float]]
    picture_bytes: Mapping[str, float]
    num_pixels: int
    after_relu: frozenset[str]
    contention: float
    num_pictures: int
    times: HostTimes

    @property
    def whole_s(self) -> float:
        """Seconds of the whole net on this machine."""
        return float(self.costs[SAME].device_s.sum())

    def ratio(self, codec: str, values: frozenset[str] | None = None) -> float:
        """Give the mean of bytes sent / raw bytes over values; over all by default."""
        sent = self.sent_bytes[codec]
        ratios = [
            size / self.graph.size_bytes((name,))
            for name, size in sent.items()
            if values is None or name in values
        ]
        return float(np.mean(ratios)) if ratios else float("nan")


@dataclass(frozen=True)
class Effort:
    """
    How much is measured.

    Parameters
    ----------
    num_pictures
        At most; two where a net's values are large.
    repeats
        Timed runs of a net.
    codecs_s
        About what timing codecs may take for one net.
    attempts
        How often a net is timed at most, while other work disturbs it.
    """

    num_pictures: int = 3
    repeats: int = 6
    codecs_s: float = 1.0
    attempts: int = 2


def measure_net(
    name: str,
    folder: Path,
    codecs: Sequence[Codec],
    picture_codecs: Sequence[Codec],
    prepare_s_per_pixel: float,
    effort: Effort,
    listener: Callable[[str], None],
) -> MeasuredNet:
    """
    Build a net, time it on one thread, and encode its values on photographs.

    Parameters
    ----------
    folder
        For its file meanwhile.
    prepare_s_per_pixel
        As `time_preparation` gives it.
    listener
        Told what is done now.
    """
    listener(f"{name}: building")
    path = write(name, folder / f"{name}.onnx")
    try:
        graph = load_graph(ModelFile.open(path))
    finally:
        path.unlink()
    height, width = ZOO[name].image[1:]
    pictures = photos(effort.num_pictures, height, width)
    listener(f"{name}: timing")
    profile = _quietest(graph, _feed(graph, pictures[:1]), effort)
    costs = _costs(graph, cost_table_of(graph, undisturbed(profile), undisturbed(profile)))
    names = values_between(costs[SAME])
    if graph.size_bytes(names) > _LARGE_BYTES:
        pictures = pictures[:2]
    listener(f"{name}: encoding {len(names)} values")
    sent_bytes, some = _sent_bytes(graph, names, pictures, codecs)
    return MeasuredNet(
        name=name,
        graph=graph,
        costs=costs,
        sent_bytes=sent_bytes,
        picture_bytes={codec.name: _picture_bytes(codec, pictures) for codec in picture_codecs},
        num_pixels=height * width,
        after_relu=frozenset(each for each in names if _is_after_relu(graph, each)),
        contention=profile.contention,
        num_pictures=len(pictures),
        times=time_codecs_on(
            codecs,
            [*made_up_values(), *some],
            picture_codecs,
            list(pictures),
            prepare_s_per_pixel=prepare_s_per_pixel,
            budget_s=effort.codecs_s,
        ),
    )


def values_between(costs: CostTable) -> tuple[str, ...]:
    """Give the values that a split may send: those that blocks hand to each other."""
    return tuple(
        value.name
        for value in costs.values
        if value.producer is not None and value.consumers and value.may_cross
    )


def gpu_like_s(graph: Graph) -> NDArray[np.float64]:
    """
    Give what an assumed accelerator takes for each block.

    A fused kernel takes 8 µs and what is longer of its operations at 8 TFLOP/s and its
    values and weights at 500 GB/s.
    """
    seconds = []
    for block in blocks_of(graph):
        nodes = [node for node in graph.nodes if block.nodes >> node.index & 1]
        inside = {name for node in nodes for name in node.outputs}
        read = {name for node in nodes for name in node.inputs} - inside
        wanted = [name for name in inside if _leaves(graph, name, block.nodes)]
        moved = graph.size_bytes((*read, *wanted)) + sum(node.weight_bytes for node in nodes)
        flops = sum(node.flops for node in nodes)
        seconds.append(_GPU_KERNEL_S + max(flops / _GPU_FLOPS_PER_S, moved / _GPU_BYTES_PER_S))
    return np.array(seconds)


def _quietest(graph: Graph, feed: Arrays, effort: Effort) -> Profile:
    """Time the net until nothing disturbs it, and if that does not come keep the best."""
    profiles: list[Profile] = []
    while len(profiles) < effort.attempts:
        timed = measure(graph, cuts=(), num_threads=1, repeats=effort.repeats, feed=feed)
        profiles.append(timed)
        if timed.contention <= _QUIET:
            break
    return min(profiles, key=lambda each: each.contention)


def _costs(graph: Graph, same: CostTable) -> dict[str, CostTable]:
    gpu = replace(same, host_s=np.array([same.device_s, gpu_like_s(graph)]))
    return {SAME: same, GPU_LIKE: gpu}


def _feed(graph: Graph, pictures: Pixels) -> Arrays:
    return {graph.inputs[0]: normalised(pictures)}


def _sent_bytes(
    graph: Graph, names: Sequence[str], pictures: Pixels, codecs: Sequence[Codec]
) -> tuple[dict[str, dict[str, float]], list[NDArray[np.generic]]]:
    """Give bytes by codec and value, and some of the values: of many sizes, not too large."""
    sent: dict[str, dict[str, float]] = {codec.name: {} for codec in codecs}
    feeds = [_feed(graph, pictures[index : index + 1]) for index in range(len(pictures))]
    by_size: dict[int, NDArray[np.generic]] = {}
    for _, values in activations(graph, feeds, [*graph.inputs, *names]):
        for name, array in values.items():
            for codec in codecs:
                if codec.takes(TensorSpec.of(name, array)):
                    sizes, size_bytes = sent[codec.name], total_bytes(codec.blocks(array))
                    sizes[name] = sizes.get(name, 0.0) + size_bytes / len(feeds)
            if array.nbytes <= _LARGEST_TIMED_BYTES:
                by_size[array.nbytes] = array
    timed = [by_size[size_bytes] for size_bytes in sorted(by_size)]
    chosen = np.unique(np.linspace(0, len(timed) - 1, _NUM_TIMED).round().astype(int))
    return sent, [timed[index] for index in chosen]


def _picture_bytes(codec: Codec, pictures: Pixels) -> float:
    return float(np.mean([total_bytes(codec.blocks(picture)) for picture in pictures]))


def _is_after_relu(graph: Graph, name: str) -> bool:
    producer = graph.values[name].producer
    return producer is not None and graph.nodes[producer].op_type == "Relu"


def _leaves(graph: Graph, name: str, nodes: int) -> bool:
    return name in graph.outputs or bool(graph.consumers_of(name) & ~nodes)
