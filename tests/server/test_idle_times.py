"""What is believed of the idle server where requests are of many sizes."""

from hypothesis import given
from hypothesis import strategies as st

from cutpoint.server.idle_times import IdleTimes


@given(st.lists(st.floats(1e-6, 10), min_size=1, max_size=200))
def test_the_quickest_run_stands_for_the_idle_server(times_s: list[float]) -> None:
    """A slower run does not move it; a quicker one does."""
    idle = IdleTimes()
    believed = [idle.observe("cut", 1000, time_s) for time_s in times_s]
    assert believed == [min(times_s[: i + 1]) for i in range(len(times_s))]


def test_sizes_and_tails_are_apart() -> None:
    """A short request says nothing of a long one, nor one tail of another."""
    idle = IdleTimes()
    idle.observe("a", 1000, 0.1)
    assert idle.observe("a", 2000, 0.5) == 0.5
    assert idle.observe("b", 1000, 0.7) == 0.7
    assert idle.observe("a", 1010, 0.3) == 0.1
