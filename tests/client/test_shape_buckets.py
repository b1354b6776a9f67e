"""Buckets of sizes: made when met, from the nearest profile, and not without end."""

from collections.abc import Callable

import numpy as np
import pytest

from cutpoint.client.decoding import Decoding
from cutpoint.client.shape_buckets import ShapeBuckets
from cutpoint.cost import Coding
from cutpoint.graph import DEVICE_ONLY, Cut, Graph, cut_at
from cutpoint.records import FORMAT_VERSION, Environment, Profile, Sample

TEXT = """(float[length,4] x) => (float[length,4] y) <float[4,4] w = {
    1,0,0,0, 0,1,0,0, 0,0,1,0, 0,0,0,1 }>
{ a = MatMul(x, w) b = Relu(a) c = MatMul(b, w) y = Relu(c) }"""


@pytest.fixture
def graph(graph_of: Callable[..., Graph]) -> Graph:
    """Give a chain of one open length, bound to 10."""
    return graph_of(TEXT, length=10)


@pytest.fixture
def cut(graph: Graph) -> Cut:
    """Give the cut in its middle."""
    return cut_at(graph, ["b"])


def profile(graph: Graph, length: int, whole_s: float) -> Profile:
    """Give a profile at a length."""
    environment = Environment("1", ("CPUExecutionProvider",), 1, "cpu", 1, None, False)
    return Profile(
        FORMAT_VERSION,
        graph.sha256,
        graph.name,
        "here",
        environment,
        (),
        (Sample("whole", "", whole_s),),
        1.0,
        sizes={"length": length},
    )


def buckets_of(graph: Graph, cut: Cut, *profiles: Profile) -> ShapeBuckets:
    """Give the buckets of a device with these profiles."""
    return ShapeBuckets(graph, [cut], profiles, holds_whole=False, may_send_inputs=True)


def feed(length: int) -> dict[str, np.ndarray]:
    """Give an input of a length."""
    return {"x": np.zeros((length, 4), np.float32)}


def test_like_sizes_share_a_bucket(graph: Graph, cut: Cut) -> None:
    """A bucket is made once, at the sizes first met in it."""
    buckets = buckets_of(graph, cut, profile(graph, 10, 1.0))
    assert buckets.of(feed(10)).graph is graph
    assert buckets.of(feed(100)) is buckets.of(feed(110)) is not buckets.of(feed(10))
    assert dict(buckets.of(feed(110)).graph.sizes) == {"length": 100}


@pytest.mark.parametrize(
    ("length", "whole_s"), [(10, 1.0), (20, 2.0), (400, 8.0), (800, 16.0), (150, 3.0)]
)
def test_the_nearest_profile_is_scaled(length: int, whole_s: float, graph: Graph, cut: Cut) -> None:
    """Costs of a length are those of the nearest measured one, by the operations."""
    buckets = buckets_of(graph, cut, profile(graph, 10, 1.0), profile(graph, 400, 8.0))
    found = buckets.of(feed(length)).device.head_s[DEVICE_ONLY]
    assert found == pytest.approx(whole_s)


def test_what_is_outdated_is_outdated_in_every_bucket(graph: Graph, cut: Cut) -> None:
    """A codec that is withdrawn is gone at all sizes, those met and those to come."""
    struck: set[str] = set()

    def half(graph: Graph, *_: object) -> list[Coding]:
        return [Coding("half", dict.fromkeys(graph.values, 1.0))]

    buckets = ShapeBuckets(
        graph,
        [cut],
        [profile(graph, 10, 1.0)],
        holds_whole=False,
        may_send_inputs=True,
        codings=half,
        is_struck=lambda _, codec: codec in struck,
    )
    costs = buckets.of(feed(10)).device

    def has_codec(length: int) -> bool:
        table = buckets.of(feed(length)).table(costs, {cut.id}, decoding=Decoding())
        return table.find(cut.id, "half") is not None

    editions = [buckets.of(feed(length)).edition for length in (10, 100)]
    assert [has_codec(10), has_codec(100)] == [True, True]
    struck.add("half")
    buckets.outdate()
    assert all(buckets.of(feed(10)).edition is not each for each in editions)
    assert [has_codec(10), has_codec(100), has_codec(1000)] == [False, False, False]


def test_buckets_are_not_remembered_without_end(graph: Graph, cut: Cut) -> None:
    """The oldest goes; what is met again is made again, the same."""
    buckets = buckets_of(graph, cut, profile(graph, 10, 1.0))
    first = buckets.of(feed(10))
    for step in range(70):
        buckets.of(feed(int(16 * 1.5**step) % 1_000_003 + step))
    assert len(buckets._met) <= 64
    assert buckets.of(feed(10)).device == first.device
