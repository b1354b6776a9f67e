from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cutpoint.cost import CutTable, predict
from cutpoint.graph import Graph, candidate_cuts, cut_at
from cutpoint.planning import shortlist
from cutpoint.policies import Cutpoint, Situation
from cutpoint.simulation.virtual_record import virtual_record

Decide = Callable[..., Situation]

# With a wait of w at the server and an endless upload rate, server-only takes 0.4 + w
# beside the download, the cut at a 1.3 + w, and device-only 4.
# At one byte per second device-only is the soonest by far.
FAST = 1e12


def cuts_of(policy: Cutpoint, *situations: Situation) -> list[str]:
    """Give the placement decided in each situation in turn."""
    return [policy.decide(situation).placement for situation in situations]


def test_candidates_are_the_shortlist(graph: Graph) -> None:
    """It asks for the few cuts that can ever be the best."""
    candidates = Cutpoint().candidates(graph)
    assert tuple(candidates) == shortlist(graph, candidate_cuts(graph))
    assert [cut_at(graph, "a")] == list(candidates)


@pytest.mark.parametrize(
    ("rate", "wait_s", "row"),
    [(FAST, 0.0, 1), (100.0, 0.0, 2), (100.0, 3.0, 0), (1.0, 0.0, 0), (None, 0.0, 0)],
)
def test_from_scratch_the_soonest_is_taken(
    rate: float | None, wait_s: float, row: int, situation_of: Decide
) -> None:
    """Without a present cut, the row that answers soonest is taken at once."""
    situation = situation_of(rate, wait_s=wait_s)
    prediction = predict(situation.table, situation.conditions)
    assert row == int(prediction.latency_s.argmin())
    plan = Cutpoint().decide(situation)
    assert (situation.table.cuts[row].id, prediction.parts(row)) == (plan.cut, plan.predicted)


def test_a_gain_below_the_least_is_not_worth_a_change(situation_of: Decide) -> None:
    """A row that sends more and saves less than 5 % is never taken, however long it lasts."""
    policy = Cutpoint()
    slightly = situation_of(FAST, wait_s=3.45)  # server-only takes 3.85, device-only 4.0
    alone = situation_of(None)
    assert cuts_of(policy, alone, *[slightly] * 10) == ["device"] * 11


def test_a_large_gain_is_taken_at_once(situation_of: Decide) -> None:
    """A row that saves more than staying may ever cost is taken when it is first seen."""
    better = situation_of(FAST, wait_s=3.1)  # server-only takes 3.5, device-only 4.0
    assert cuts_of(Cutpoint(), situation_of(1.0), better) == ["device", "server"]


def test_a_small_gain_is_taken_when_it_has_been_missed_twice(situation_of: Decide) -> None:
    """A row that saves between 5 and 10 % is taken once 10 % of an inference were lost."""
    better = situation_of(FAST, wait_s=3.3)  # server-only takes 3.7, device-only 4.0
    decided = cuts_of(Cutpoint(), situation_of(1.0), better, better)
    assert decided == ["device", "device", "server"]


def test_to_send_less_is_decided_at_once(situation_of: Decide) -> None:
    """A row that sends less needs to save 2 % only, and no second look."""
    policy = Cutpoint()
    slower = situation_of(FAST, wait_s=3.7)  # server-only takes 4.1, device-only 4.0
    assert cuts_of(policy, situation_of(FAST), slower) == ["server", "device"]


def test_a_relief_that_is_none_is_not_worth_a_change(situation_of: Decide) -> None:
    """A row that sends less and saves less than 2 % is never taken."""
    hardly = situation_of(FAST, wait_s=3.65)  # server-only takes 4.05, device-only 4.0
    assert cuts_of(Cutpoint(), situation_of(FAST), *[hardly] * 10) == ["server"] * 11


def test_what_was_lost_before_the_present_row_was_the_best_counts_for_nothing(
    situation_of: Decide,
) -> None:
    """Once there is nothing to gain, what staying has cost is forgotten."""
    slow, better = situation_of(1.0), situation_of(FAST, wait_s=3.3)
    decided = cuts_of(Cutpoint(), slow, better, slow, better, slow, better, better)
    assert decided == ["device"] * 6 + ["server"]


def test_what_was_lost_is_spent_by_a_change(situation_of: Decide) -> None:
    """After a change the next one has to be paid for anew."""
    slow, better = situation_of(1.0), situation_of(FAST, wait_s=3.3)
    decided = cuts_of(Cutpoint(), slow, better, better, slow, better, better)
    assert decided == ["device", "device", "server", "device", "device", "server"]


def test_what_may_be_lost_is_a_choice(situation_of: Decide) -> None:
    """With nothing to lose every gain worth having is taken at once, with more a later one."""
    slow, better = situation_of(1.0), situation_of(FAST, wait_s=3.3)
    assert cuts_of(Cutpoint(most_lost=0.0), slow, better) == ["device", "server"]
    decided = cuts_of(Cutpoint(most_lost=0.2), slow, better, better, better)
    assert decided == ["device"] * 3 + ["server"]


def test_the_least_gain_is_a_choice(situation_of: Decide) -> None:
    """With a least gain of 30 % a gain of 25 % is not taken."""
    better = situation_of(FAST, wait_s=2.6)  # server-only takes 3.0, device-only 4.0
    decided = cuts_of(Cutpoint(least_gain=0.3), situation_of(1.0), better, better, better)
    assert decided == ["device"] * 4


def test_the_least_relief_is_a_choice(situation_of: Decide) -> None:
    """With a least relief of 30 % a row that sends less and saves 20 % is not taken."""
    better = situation_of(FAST, wait_s=4.6)  # server-only takes 5.0, device-only 4.0
    decided = cuts_of(Cutpoint(least_relief=0.3), situation_of(FAST), better, better, better)
    assert decided == ["server"] * 4


def test_twice_as_long_is_left_at_once(situation_of: Decide) -> None:
    """A present row that takes more than twice the best is left however much may be lost."""
    for policy, first, then in (
        (Cutpoint(most_lost=100.0), situation_of(1.0), situation_of(FAST, wait_s=1.5)),
        (Cutpoint(least_relief=0.9), situation_of(FAST), situation_of(FAST, wait_s=7.7)),
    ):
        before, after = cuts_of(policy, first, then)
        assert before != after


def test_what_was_lost_is_spent_by_leaving_at_once(situation_of: Decide) -> None:
    """What counts for one change does not count for the next, however the first came about."""
    slow, better = situation_of(1.0), situation_of(FAST, wait_s=3.3)
    much_better = situation_of(FAST, wait_s=1.5)  # server-only takes 1.9, device-only 4.0
    decided = cuts_of(Cutpoint(), slow, better, much_better, slow, better, better)
    assert decided == ["device", "device", "server", "device", "device", "server"]


def test_exactly_twice_as_long_is_not_left_at_once(
    situation_of: Decide, table_of: Callable[..., CutTable]
) -> None:
    """Twice the best, and no more, is still a matter of what may be lost."""
    ends = table_of((4, 0, 0, 0, 0), (0, 4, 0, 1, 0))
    slow, half = situation_of(0.1, among=ends), situation_of(FAST, wait_s=2.0, among=ends)
    policy = Cutpoint(most_lost=0.9)
    assert cuts_of(policy, slow, half, half) == ["device", "device", "server"]


def test_exactly_the_least_gain_is_too_little(
    situation_of: Decide, table_of: Callable[..., CutTable]
) -> None:
    """A row has to save more than the least gain or relief, not just as much."""
    ends = table_of((4, 0, 0, 0, 0), (0, 4, 0, 1, 0))
    slow, half = situation_of(0.1, among=ends), situation_of(FAST, wait_s=2.0, among=ends)
    fast, twice = (situation_of(1e18, wait_s=wait_s, among=ends) for wait_s in (1.0, 8.0))
    assert cuts_of(Cutpoint(least_gain=0.5), slow, *[half] * 4) == ["device"] * 5
    assert cuts_of(Cutpoint(least_relief=0.5), fast, *[twice] * 4) == ["server"] * 5


def test_a_jitter_between_two_rows_is_not_followed(situation_of: Decide) -> None:
    """Where two rows take turns at being a little better, a row that sends less is kept."""
    turns = [situation_of(FAST, wait_s=wait_s) for wait_s in (3.9, 3.3)]  # 4.3 or 3.7 against 4.0
    assert cuts_of(Cutpoint(), situation_of(FAST), *turns * 20) == ["server"] + ["device"] * 40


def test_a_row_that_cannot_be_used_is_left_at_once(situation_of: Decide) -> None:
    """A server that cannot be used is left at once, and taken up again at once."""
    policy = Cutpoint()
    lost, back = situation_of(None), situation_of(FAST)
    assert cuts_of(policy, back, lost, lost, back) == ["server", "device", "device", "server"]


def test_a_present_row_the_table_has_not_counts_for_nothing(
    graph: Graph, situation_of: Decide, table_of: Callable[..., CutTable]
) -> None:
    """Where the present cut left the table, the soonest of the others is taken at once."""
    policy = Cutpoint()
    split = policy.decide(situation_of(100.0))
    ends = table_of((4, 0, 0, 0, 0), (0, 4, 3.9, 0, 0))
    assert cut_at(graph, "a").id == split.cut
    assert policy.decide(situation_of(FAST, among=ends)).placement == "server"


def test_a_plan_without_a_server_says_why(situation_of: Decide) -> None:
    """Device-only has a note where there was no choice, and none where it was the best."""
    notes = [Cutpoint().decide(situation_of(rate)).note for rate in (FAST, 1.0, None)]
    assert notes[:2] == [None, None]
    assert notes[2]


def test_inputs_of_other_sizes_are_decided_apart(situation_of: Decide) -> None:
    """What was chosen for short inputs holds nobody back on long ones, and the reverse."""
    policy = Cutpoint()
    short = replace(situation_of(FAST, wait_s=3.9), bucket=(("length", 6),))  # 4.0 against 4.3
    long = replace(situation_of(FAST, wait_s=3.0), bucket=(("length", 18),))  # 4.0 against 3.4
    assert cuts_of(policy, *[short, long] * 3) == ["device", "server"] * 3


def test_many_sizes_are_not_remembered_for_ever(situation_of: Decide) -> None:
    """However many buckets there are, memory is bounded and every decision is sound."""
    policy = Cutpoint()
    situations = [replace(situation_of(FAST), bucket=(("length", i),)) for i in range(200)]
    assert cuts_of(policy, *situations) == ["server"] * 200
    assert len(policy._memories) <= 64


@pytest.fixture
def coded(table: CutTable) -> CutTable:
    """Give the table with the cut at a as uint8 too: a byte instead of four, 0.05 s to encode."""
    rows = [0, 1, 2, 3, 2]
    columns = ("head_s", "rest_s", "tail_s", "down_bytes")
    return replace(
        table,
        cuts=tuple(table.cuts[row] for row in rows),
        codecs=("raw", "raw", "raw", "raw", "uint8"),
        encode_s=np.array([0.0, 0.0, 0.0, 0.0, 0.05]),
        up_bytes=np.array([0.0, 256.0, 4.0, 8.0, 1.0]),
        **{name: getattr(table, name)[rows] for name in columns},
    )


def test_a_codec_is_chosen_like_a_cut(coded: CutTable, situation_of: Decide) -> None:
    """On a slow link the cut is taken encoded, on a faster one raw."""
    plans = [Cutpoint().decide(situation_of(rate, among=coded)) for rate in (10.0, 170.0)]
    assert [plan.cut for plan in plans] == [coded.cuts[2].id] * 2
    assert [plan.codec for plan in plans] == ["uint8", "raw"]


def test_the_codec_is_part_of_what_is_present(coded: CutTable, situation_of: Decide) -> None:
    """A codec is changed like a cut: for a gain worth it, and once staying has cost enough."""
    policy = Cutpoint()
    slow, fast = (situation_of(rate, among=coded) for rate in (4.0, 170.0))
    slightly = situation_of(60.0, among=coded)  # raw takes 1.367 s, uint8 1.367 s and a little
    assert [policy.decide(each).codec for each in (slow, slightly, slightly)] == ["uint8"] * 3
    eager = Cutpoint(least_gain=0.01, most_lost=0.04, least_relief=0.01)
    assert [eager.decide(each).codec for each in (slow, fast, fast)] == ["uint8", "uint8", "raw"]


def test_a_codec_that_is_withdrawn_is_left_at_once(
    coded: CutTable, table: CutTable, situation_of: Decide
) -> None:
    """Where the present row left the table, the cut's raw row may be the next, until it is back."""
    policy = Cutpoint()
    decided = [policy.decide(situation_of(10.0, among=each)) for each in (coded, table, coded)]
    assert [plan.codec for plan in decided] == ["uint8", "raw", "uint8"]
    assert decided[0].cut == decided[1].cut


def test_a_link_that_spreads_is_taken_as_slow_as_its_quantile(situation_of: Decide) -> None:
    """Where times spread, what sends most loses first; a link taken as it is believed does not."""
    near = situation_of(300.0)  # server-only takes 1.253 s, the cut at a 1.313
    assert near.conditions.link is not None
    link = replace(near.conditions.link, spread=1.0)
    wide = replace(near, conditions=replace(near.conditions, link=link))
    assert cuts_of(Cutpoint(quantile=0.9), near) == ["server"]
    assert cuts_of(Cutpoint(quantile=0.9), wide) == ["split"]
    assert cuts_of(Cutpoint(quantile=0.5), wide) == ["server"]
    assert Cutpoint(quantile=0.9).decide(wide).predicted == predict(
        wide.table, wide.conditions
    ).parts(2)


def test_where_the_device_computes_on_a_race_is_what_counts(situation_of: Decide) -> None:
    """A row whose server path is too slow is no worse than the device alone, so it may be sent."""
    slow = situation_of(FAST, wait_s=3.9)  # server-only takes 4.3 s, the cut at a 5.2, alone 4.0
    assert cuts_of(Cutpoint(), slow) == ["device"]
    assert slow.conditions.link is not None
    link = replace(slow.conditions.link, spread=0.8)
    raced = replace(slow, hedge="always", conditions=replace(slow.conditions, link=link))
    assert cuts_of(Cutpoint(), raced) == ["server"]


def test_no_race_makes_a_barred_row_one_to_take(situation_of: Decide) -> None:
    """What may not be sent is not, though the device would answer anyway."""
    raced = replace(situation_of(FAST), hedge="always")
    private = replace(raced, table=replace(raced.table, may_send_inputs=False))
    assert cuts_of(Cutpoint(), private) == ["split"]
    assert cuts_of(Cutpoint(), replace(situation_of(None), hedge="always")) == ["device"]


def old(situation: Situation, age_s: float | None, at_s: float) -> Situation:
    """Give a situation at a time, of a server whose load was heard of so long ago."""
    conditions = replace(situation.conditions, load_age_s=age_s)
    return replace(situation, at_s=at_s, conditions=conditions)


def ended(policy: Cutpoint, situation: Situation) -> str:
    """Decide, and let it end as predicted; gives the placement."""
    plan = policy.decide(situation)
    row = situation.table.find(plan.cut, plan.codec)
    policy.observe(
        virtual_record(
            1, situation.at_s, plan, plan.predicted, situation.conditions, situation.table, row or 0
        )
    )
    return plan.placement


@pytest.mark.parametrize(("age_s", "tries"), [(60.0, True), (0.5, False)])
def test_a_server_not_heard_of_for_a_while_is_tried_at_a_bounded_cost(
    age_s: float, tries: bool, situation_of: Decide
) -> None:
    """Believed to lose a quarter each, trials lose a hundredth of the time and no more."""
    policy, num = Cutpoint(), 400
    loaded = situation_of(FAST, wait_s=4.6)  # server-only takes 5.0 s, device-only 4.0
    placements = [ended(policy, old(loaded, age_s, at_s=0.001 * index)) for index in range(num)]
    spent = placements.count("server") * 1.0
    assert spent <= 0.01 * num * 4.0
    assert (spent > 0) == tries


def test_a_link_that_only_probes_have_crossed_is_tried(situation_of: Decide) -> None:
    """Nothing was offloaded for long: if the link is four times faster, that is worth a trial."""
    policy = Cutpoint()
    slow = situation_of(60.0)  # server-only takes 4.67 s, the cut at a 1.37
    ends = replace(
        slow.table,
        tail_s=np.array([0.0, 0.4, 9.0, 9.0]),
    )
    placements = [ended(policy, replace(slow, table=ends, at_s=1.0 * index)) for index in range(60)]
    assert placements[:3] == ["device"] * 3
    assert 1 <= placements.count("server") <= 4
