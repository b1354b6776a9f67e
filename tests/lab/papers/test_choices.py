"""What every policy runs in a cell."""

from dataclasses import replace

import numpy as np
import pytest

from cutpoint.cost import NO_LIMITS, every_head, predict
from cutpoint.exceptions import ExperimentError
from cutpoint.lab.papers.choices import CUTPOINT, EXACT, ORACLE, PUBLISHED, Chooser, Way
from cutpoint.lab.papers.links import links_of
from cutpoint.lab.papers.paper_net import PaperNet
from cutpoint.planning.schemes.dads_light import DADS_SETTING
from cutpoint.policies import policy_named


def test_nobody_is_quicker_than_the_oracle(chooser: Chooser) -> None:
    """And cutpoint, which knows the conditions, is as quick wherever its rows are the best."""
    for link in chooser.links:
        taken_s = {each.policy: each.latency_s for each in chooser.choices(link)}
        assert min(taken_s.values()) == taken_s[ORACLE]
        rows_s = predict(chooser.pixel_table, chooser.links[link]).latency_s
        assert taken_s[CUTPOINT] == pytest.approx(rows_s.min())
        assert taken_s[CUTPOINT] <= taken_s[EXACT]


def test_dads_plans_the_floats_as_published(chooser: Chooser) -> None:
    """Its cut is the best of all cuts of the float32 net, by the terms that it counts."""
    rows = every_head(chooser.net.costs(chooser.factor), NO_LIMITS, 1000)
    assert rows is not None
    for link, conditions in chooser.links.items():
        seen = DADS_SETTING.seen(conditions)
        best_s = predict(rows, seen).latency_s.min()
        cut = chooser.planned["dads", link]
        row = chooser.float_table.find(cut.id)
        assert row is not None
        assert predict(chooser.float_table, seen).latency_s[row] == pytest.approx(best_s)


def test_a_fixed_row_is_chosen_once_for_all_links(chooser: Chooser) -> None:
    """It is the same everywhere, and no row has a smaller geometric mean."""
    ways = {
        each.way for link in chooser.links for each in chooser.choices(link)
        if each.policy == "best fixed row"
    }  # fmt: skip
    (way,) = ways
    logs = [np.log(predict(chooser.pixel_table, each).latency_s) for each in chooser.links.values()]
    assert chooser.row_of(way) == int(np.argmin(np.sum(logs, axis=0)))


def test_a_session_can_be_told_to_run_a_way(chooser: Chooser) -> None:
    """The policy of a way asks for its cut, and for no other."""
    for policy in PUBLISHED:
        for link in chooser.links:
            way = Way("float32", chooser.planned[policy, link])
            named = policy_named(way.policy)
            wanted = [cut.id for cut in named.candidates(chooser.net.floats)]
            assert wanted == ([way.cut.id] if way.cut.placement == "split" else [])
    jpeg = next(each for each in chooser.choices("1.1 Mbit/s") if each.policy == "server-only jpeg")
    assert jpeg.way.policy == "server@jpeg:90"


def test_a_baseline_whose_codec_may_not_be_used_is_told(net: PaperNet) -> None:
    """There is no server-only JPEG where the tolerance strikes it."""
    strict = replace(net, codecs=replace(net.codecs, tolerance=None))
    with pytest.raises(ExperimentError, match="server-only jpeg:90"):
        Chooser(strict, 20.0, links_of([1.1])).choices("1.1 Mbit/s")
