"""What crosses a cut, for people and for programs."""

from collections.abc import Sequence

from cutpoint.cost import CostTable, CostValue
from cutpoint.graph import DEVICE_ONLY, SERVER_ONLY, cut_id
from cutpoint.records import Placement
from cutpoint.units import format_size

MOST_NAMED = 2
"""So many values are named; of more one, and how many more there are."""


def crossing_values(table: CostTable, placement: Sequence[int]) -> tuple[CostValue, ...]:
    """Give the values that leave the device, sorted by name."""
    crossing = [
        value
        for value in table.values
        if (value.producer is None or placement[value.producer] == 0)
        and any(placement[consumer] for consumer in value.consumers)
    ]
    return tuple(sorted(crossing, key=lambda value: value.name))


def placement_word(placement: Sequence[int]) -> Placement:
    """Say where the blocks run: on the device, on servers, or split between them."""
    if not any(placement):
        return "device"
    return "server" if all(placement) else "split"


def id_of(table: CostTable, placement: Sequence[int]) -> str:
    """Give the id hosts agree on."""
    ends = {"device": DEVICE_ONLY, "server": SERVER_ONLY}
    word = placement_word(placement)
    return ends.get(word) or cut_id(value.name for value in crossing_values(table, placement))


def cut_name(table: CostTable, placement: Sequence[int], most_named: int = MOST_NAMED) -> str:
    """
    Name a placement for people.

    Parameters
    ----------
    most_named
        Largest number of crossing values that are all named.

    Returns
    -------
    str
        ``device-only``, ``server-only``, or the crossing values and their size; what a
        third host does is said behind it.
    """
    word = placement_word(placement)
    text = (
        f"{word}-only" if word != "split" else _named(crossing_values(table, placement), most_named)
    )
    if max(placement, default=0) < 2:
        return text
    handed = [
        value
        for value in table.values
        if value.producer is not None
        and placement[value.producer] == 1
        and any(placement[consumer] == 2 for consumer in value.consumers)
    ]
    return (
        f"{text}, then {_named(handed, most_named)}" if handed else f"{text}, all behind the server"
    )


def _named(values: Sequence[CostValue], most_named: int) -> str:
    size = format_size(sum(value.size_bytes for value in values))
    if len(values) > most_named:
        return f"{values[0].name} and {len(values) - 1} more ({size})"
    return f"{', '.join(value.name for value in values)} ({size})"
