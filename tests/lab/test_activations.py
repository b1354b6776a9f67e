"""Values of a net are those it computes, however few are fetched at a time."""

from pathlib import Path

import numpy as np
import pytest

from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.graph import cut_at
from cutpoint.lab.activations import activations

NAMES = ["image", "relu0", "pool0", "pool2", "brightest"]


@pytest.mark.parametrize("held_bytes", [1 << 20, 20_000, 1])
def test_every_value_comes_once_per_feed(six_convs: Path, held_bytes: int) -> None:
    """In one run or in many, each is what the net makes of that feed, inputs as they were fed."""
    graph = load_graph(ModelFile.open(six_convs))
    rng = np.random.default_rng(0)
    feeds = [{"image": rng.standard_normal((1, 3, 64, 64), dtype=np.float32)} for _ in range(2)]
    found: list[dict[str, np.ndarray]] = [{}, {}]
    for position, values in activations(graph, feeds, NAMES, held_bytes):
        assert not found[position].keys() & values.keys()
        assert len(values) == 1 or sum(each.nbytes for each in values.values()) <= held_bytes
        found[position].update(values)
    whole = Segments(graph, [cut_at(graph, ["pool2"])])
    for feed, values in zip(feeds, found, strict=True):
        assert sorted(values) == sorted(NAMES)
        assert values["image"] is feed["image"]
        windows = values["relu0"].reshape(1, 8, 32, 2, 32, 2)
        assert (windows.max(axis=(3, 5)) == values["pool0"]).all()
        computed = whole.run(whole.segments, feed).values
        for name in ("pool2", "brightest"):
            assert values[name] == pytest.approx(computed[name], rel=1e-3, abs=1e-4)
