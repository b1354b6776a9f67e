"""What each message carries, worked out by hand."""

import pytest

from cutpoint.cost import CostTable
from cutpoint.cost.itinerary import Message, itinerary
from cutpoint.exceptions import CostError
from cutpoint.testing import SHAPES, cost_table


def table(shape: str = "chain", num_hosts: int = 2) -> CostTable:
    """Give a named shape whose block b sends 10 + b bytes; the input has 100."""
    size = len(SHAPES[shape])
    sizes = [10 + block for block in range(size)]
    ones = [1.0] * size
    behind = ones if num_hosts > 2 else None
    return cost_table(SHAPES[shape], ones, ones, sizes, 100, behind_s=behind)


def test_all_on_the_device_sends_nothing() -> None:
    """One leg, no message."""
    route = itinerary(table(), (0, 0, 0, 0))
    assert (list(route.legs), route.messages) == ([(0, (0, 1, 2, 3))], ())


def test_a_cut_sends_once_each_way() -> None:
    """Two legs, what crosses goes up, the output comes down."""
    route = itinerary(table(), (0, 0, 1, 1))
    assert route.legs == ((0, (0, 1)), (1, (2, 3)))
    assert route.messages == (Message(0, True, 11), Message(0, False, 13))


def test_several_values_leave_in_one_message() -> None:
    """A value used twice is sent once; all that crosses is one message."""
    route = itinerary(table("two towers"), (0, 0, 0, 1, 1))
    assert route.messages[0] == Message(0, True, 11 + 12)


def test_an_output_made_on_the_device_stays_there() -> None:
    """Only what the server makes comes back; the server answers in any case."""
    early = table("early output")
    assert itinerary(early, (0, 0, 1, 1)).messages == (
        Message(0, True, 10),
        Message(0, False, 13),
    )


def test_back_and_forth_pays_every_way() -> None:
    """A placement that returns is charged for each change of hosts."""
    route = itinerary(table(), (0, 1, 0, 1))
    assert [host for host, _ in route.legs] == [0, 1, 0, 1]
    assert [(m.is_up, m.size_bytes) for m in route.messages] == [
        (True, 10), (False, 11), (True, 12), (False, 13),
    ]  # fmt: skip


def test_a_value_for_the_host_behind_travels_both_links() -> None:
    """With nothing on the server between, what goes to the one behind passes through."""
    route = itinerary(table(num_hosts=3), (0, 0, 2, 2))
    assert route.messages == (
        Message(0, True, 11), Message(1, True, 11), Message(0, False, 13), Message(1, False, 13),
    )  # fmt: skip


def test_a_value_used_on_both_servers_passes_each_link_once() -> None:
    """The server keeps a copy of what it hands on."""
    route = itinerary(table("skip over a block", num_hosts=3), (0, 1, 1, 2))
    assert route.messages[0] == Message(0, True, 10)
    assert route.messages[1] == Message(1, True, 10 + 12)


@pytest.mark.parametrize("placement", [(0, 0, 0), (0, 0, 0, 2), (0, 0, 0, -1)])
def test_a_placement_that_does_not_fit_is_refused(placement: tuple[int, ...]) -> None:
    """One known host per block, no less and no other."""
    with pytest.raises(CostError, match="placement"):
        itinerary(table(), placement)
