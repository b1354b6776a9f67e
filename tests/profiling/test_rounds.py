"""Rounds: what is read off runs in turns."""

import pytest

from cutpoint.execution import SegmentRun, Segments
from cutpoint.graph import Cut, Graph, sample_feed
from cutpoint.profiling import Round, Rounds
from cutpoint.profiling.rounds import rounds_of

CPU = ("CPUExecutionProvider",)
GPU = ("CUDAExecutionProvider", "CPUExecutionProvider")


def a_round(
    whole_s: float, chain_s: float, cpu_s: float = 1.0, unstretched_s: float | None = None
) -> Round:
    """Give a round whose chain takes the same wall and CPU time, in two segments."""
    part = SegmentRun("part", chain_s / 2, chain_s / 2)
    stated = whole_s if unstretched_s is None else unstretched_s
    return Round(SegmentRun("whole", whole_s, cpu_s), (part, part), stated)


def test_excess_is_relative_to_the_whole_beside() -> None:
    """Segments that cost a tenth more in every round have an excess of a tenth."""
    rounds = Rounds(tuple(a_round(9.0, 1.1 * cpu_s, cpu_s) for cpu_s in (1.0, 3.0, 0.5)), CPU)
    assert rounds.excess == pytest.approx(0.1)


def test_noise_makes_no_excess() -> None:
    """Segments that cost more in half of the rounds only are not found dear."""
    rounds = Rounds(tuple(a_round(1.0, chain_s) for chain_s in (1.0, 2.0, 1.0, 2.0)), CPU)
    assert rounds.excess == pytest.approx(0.0)


def test_accelerators_are_compared_by_wall_time() -> None:
    """Where the processor only waits, wall time is compared and no contention is told."""
    rounds = Rounds((a_round(4.0, 5.0), a_round(4.0, 5.0)), GPU)
    assert rounds.excess == pytest.approx(0.25)
    assert rounds.contention == 1.0


def test_contention_is_of_the_quickest_runs() -> None:
    """The quickest quarter of the runs decides; the sleep of an emulated device is not in it."""
    quiet = [a_round(4.4, 1.0, unstretched_s=1.4) for _ in range(2)]
    loud = [a_round(9.0, 1.0, unstretched_s=6.0) for _ in range(6)]
    assert Rounds((*loud, *quiet), CPU).contention == pytest.approx(1.4)


def test_a_coarse_clock_is_no_division_by_zero() -> None:
    """Runs too short for the CPU clock are compared by wall time, and state no contention."""
    rounds = Rounds((a_round(2.0, 3.0, cpu_s=0.0),), CPU)
    assert rounds.excess == pytest.approx(0.5)
    assert rounds.contention == 1.0


def test_no_round_is_a_mistake() -> None:
    """Nothing can be read off no round."""
    with pytest.raises(ValueError, match="at least one"):
        Rounds((), CPU)


@pytest.mark.parametrize("is_threaded", [False, True])
def test_turns(graph: Graph, cuts: tuple[Cut, ...], is_threaded: bool) -> None:
    """Each round runs the whole, then every segment in order; the sleep is taken off once."""
    whole, chain = Segments(graph, (), slowdown=2.0), Segments(graph, cuts)
    feed = sample_feed(graph)
    rounds = list(rounds_of(whole, chain, feed, 3, is_threaded=is_threaded))
    assert len(rounds) == 3
    for each in rounds:
        assert [run.segment for run in each.chain] == [segment.id for segment in chain.segments]
        assert 0 < each.unstretched_s < each.whole.duration_s
        assert each.whole.cpu_s > 0
