"""The lot: every kind of row that is about as good as the best, and nothing else."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from cutpoint.cost import CutTable
from cutpoint.graph import Cut
from cutpoint.lab.prediction.drawn import Drawn, kind_of
from cutpoint.policies import Situation
from cutpoint.records import Conditions, LinkConditions

LINK = LinkConditions(1.0, 1.0, 0.0, 0.0)

ROWS = (
    ("device", "device-only", "raw", 10.0),
    ("server", "server-only", "raw", 19.0),
    ("server", "server-only", "zstd", 12.0),
    ("split", "near", "raw", 15.0),
    ("split", "near", "zstd", 16.0),
    ("split", "far", "raw", 25.0),
)
"""Place, cut, codec and latency."""


@pytest.fixture
def table() -> CutTable:
    """Give rows whose whole latency is time of the head or tail."""
    cuts = [
        Cut(place, cut, () if place == "device" else (cut,), 0, ()) for place, cut, _, _ in ROWS
    ]
    latency_s = np.array([each for *_, each in ROWS])
    on_device = np.array([cut.placement == "device" for cut in cuts])
    nothing = np.zeros(len(ROWS))
    return CutTable(
        cuts=tuple(cuts),
        head_s=np.where(on_device, latency_s, 0.0),
        rest_s=nothing,
        encode_s=nothing,
        tail_s=np.where(on_device, 0.0, latency_s),
        up_bytes=nothing,
        down_bytes=nothing,
        codecs=tuple(codec for _, _, codec, _ in ROWS),
    )


@pytest.fixture
def situation(table: CutTable) -> Situation:
    """Give a server that can be used."""
    return Situation(0.0, table, Conditions(LINK), "edge:8001")


def drawn(policy: Drawn, situation: Situation, times: int = 400) -> Counter[tuple[str, str]]:
    """Count the cuts and codecs that are taken."""
    plans = [policy.decide(situation) for _ in range(times)]
    return Counter((plan.cut, plan.codec) for plan in plans)


def test_every_row_near_the_best_is_taken(situation: Situation) -> None:
    """And none that takes more than twice as long."""
    taken = drawn(Drawn(seed=1), situation)
    assert set(taken) == {(cut, codec) for _, cut, codec, latency_s in ROWS if latency_s <= 20}


def test_kinds_have_equal_chances(situation: Situation, table: CutTable) -> None:
    """However many rows are of a kind."""
    taken: Counter[str] = Counter()
    for (cut, codec), number in drawn(Drawn(seed=1), situation).items():
        (row,) = (at for at, each in enumerate(ROWS) if (each[1], each[2]) == (cut, codec))
        taken[kind_of(table.cuts[row].placement, codec)] += number
    assert len(taken) == 5
    assert min(taken.values()) > 50


def test_the_same_seed_draws_the_same(situation: Situation) -> None:
    """In the same order."""
    one, other = (Drawn(seed=7) for _ in range(2))
    assert [one.decide(situation).cut for _ in range(50)] == [
        other.decide(situation).cut for _ in range(50)
    ]


def test_places_may_be_forbidden(situation: Situation) -> None:
    """The best of those that are left is what others are held against."""
    policy = Drawn(seed=1)
    policy.placements = frozenset(("server", "split"))
    assert not any(cut == "device-only" for cut, _ in drawn(policy, situation))
    policy.within = 1.0
    assert set(drawn(policy, situation)) == {("server-only", "zstd")}
    policy.placements = frozenset(("split",))
    assert set(drawn(policy, situation)) == {("near", "raw")}


def test_without_a_server_the_device_computes(situation: Situation) -> None:
    """Whatever was asked for; the plan says why."""
    policy = Drawn(seed=1)
    policy.placements = frozenset(("server", "split"))
    gone = replace(situation, conditions=Conditions(unavailable="it is gone"))
    plan = policy.decide(gone)
    assert (plan.placement, plan.note) == ("device", "it is gone")
