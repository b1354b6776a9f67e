"""What is made of a table is made once, and not kept for ever."""

from collections.abc import Callable
from dataclasses import replace

from cutpoint.cost import CutTable
from cutpoint.policies import Situation
from cutpoint.policies.per_table import PerTable

Decide = Callable[..., Situation]


def test_it_is_made_once_for_each_table_and_server(table: CutTable, situation_of: Decide) -> None:
    """The same table at the same server is looked at once; another of either anew."""
    made: list[tuple[int, str]] = []

    def number(each: CutTable, server: str) -> int:
        made.append((id(each), server))
        return len(made)

    kept = PerTable(number)
    other = replace(table)
    first = situation_of(1.0)
    situations = [
        first,
        situation_of(9.0),
        replace(first, server=None),
        replace(first, table=other),
    ]
    assert [kept.of(each) for each in situations * 2] == [1, 1, 2, 3] * 2
    assert made == [(id(table), "edge:8001"), (id(table), ""), (id(other), "edge:8001")]


def test_the_oldest_go_first(table: CutTable, situation_of: Decide) -> None:
    """However many tables there are, memory is bounded; what is needed again is made again."""
    kept = PerTable(lambda each, _server: each)
    situations = [situation_of(1.0, among=replace(table)) for _ in range(200)]
    assert [kept.of(each) for each in situations] == [each.table for each in situations]
    assert len(kept._kept) <= 64
    assert kept.of(situations[0]) is situations[0].table
