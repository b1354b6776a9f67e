"""Places in a trace."""

from cutpoint.lab.traces import default_traces, positions


def test_places_are_spread_over_the_whole_trace() -> None:
    """One in each equal part, by the seed."""
    trace = default_traces()[0]
    found = positions(trace, 12, seed=3)
    assert [int(each // 10) for each in found] == list(range(12))
    assert found == positions(trace, 12, seed=3)
    assert found != positions(trace, 12, seed=4)
