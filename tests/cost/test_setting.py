"""A setting drops terms of the objective, and nothing else."""

from math import inf

from cutpoint.cost import FULL, Setting, latency_of, overlapped_latency_of
from cutpoint.records import Conditions, LinkConditions, LoadConditions, Parts
from cutpoint.testing import SHAPES, cost_table

CONDITIONS = Conditions(LinkConditions(10.0, 5.0, 0.5, 0.25), LoadConditions(3.0, 2.0), 4.0)
TABLE = cost_table(SHAPES["chain"], [1, 2, 3, 4], [1, 1, 1, 1], [20, 40, 60, 10], 100)


def latency(setting: Setting) -> Parts:
    """Give the parts of the cut in the middle."""
    return latency_of(TABLE, (0, 0, 1, 1), setting.seen(CONDITIONS))


def test_everything_counts_by_default() -> None:
    """G head, a + s/B, W, k tail, a_down + s_out/B_down: by hand."""
    assert Parts(12.0, 0.0, 4.5, 3.0, 4.0, 2.25) == latency(FULL)


def test_each_term_can_be_left_out() -> None:
    """A term that does not count is zero, or one."""
    assert latency(Setting(message=False)).upload_s == 4.0
    assert latency(Setting(waiting=False)).wait_s == 0.0
    assert latency(Setting(load=False)).tail_s == 2.0
    assert latency(Setting(device_load=False)).head_s == 3.0
    assert latency(Setting(returning=False)).download_s == 0.0
    assert latency(Setting(server=False)).tail_s == 0.0


def test_a_dead_link_stays_dead() -> None:
    """No setting brings a link back."""
    assert (
        latency_of(TABLE, (0, 0, 1, 1), Setting(message=False).seen(Conditions())).upload_s == inf
    )


def test_overlap_hides_what_is_sent_meanwhile() -> None:
    """The first value leaves while the second block computes."""
    towers = cost_table(SHAPES["two towers"], [1, 4, 0, 0, 0], [0] * 5, [10, 40, 10, 1, 1], 1)
    conditions = Conditions(LinkConditions(10.0, inf, 0.0, 0.0))
    first = overlapped_latency_of(towers, 0b11, (0, 1), conditions)
    last = overlapped_latency_of(towers, 0b11, (1, 0), conditions)
    # First block 0 (1 s, then 1 s of link), block 1 until 5 s, 4 s of link: 9 s in all.
    assert (first.head_s, first.upload_s) == (5.0, 4.0)
    # The other way round: 4 s, link until 8 s, block 0 at 5 s, its link until 9 s.
    assert (last.head_s, last.upload_s) == (5.0, 4.0)
