"""Who must run before whom."""

from cutpoint.planning.cuts.ancestry import ancestors, descendants, is_single, members, successors

DIAMOND = [0, 0b1, 0b1, 0b110]


def test_members_come_in_order() -> None:
    """A mask gives its vertices ascending."""
    assert list(members(0b101001)) == [0, 3, 5]
    assert list(members(0)) == []


def test_a_diamond_both_ways() -> None:
    """Ancestors and descendants include the vertex itself; successors do not."""
    assert ancestors(DIAMOND) == (0b1, 0b11, 0b101, 0b1111)
    assert descendants(DIAMOND) == (0b1111, 0b1010, 0b1100, 0b1000)
    assert successors(DIAMOND) == (0b110, 0b1000, 0b1000, 0)


def test_single() -> None:
    """None and one are single, two are not."""
    assert [is_single(mask) for mask in (0, 0b1, 0b100, 0b101)] == [True, True, True, False]
