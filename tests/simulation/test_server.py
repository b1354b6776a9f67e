"""A queue with a bound, on the virtual clock."""

from cutpoint.simulation.scenario import ServerSpec
from cutpoint.simulation.server import Job, SimulatedServer
from cutpoint.simulation.virtual_clock import VirtualClock


class Counter:
    """A server, and what became of the jobs it was given."""

    def __init__(self, spec: ServerSpec) -> None:
        self.clock = VirtualClock()
        self.server = SimulatedServer(self.clock, spec)
        self.ended: list[tuple[float, float]] = []
        self.failed: list[str] = []

    def submit(self, at_s: float, idle_s: float, wait_s: float = 0.0, **settings: float) -> Job:
        """Submit a job at a time."""
        job = Job(idle_s, **settings, ended=self._note, failed=self.failed.append)
        self.clock.later(at_s, lambda _: self.server.submit(job, wait_s))
        return job

    def _note(self, job: Job) -> None:
        self.ended.append((job.began_s, job.ended_s))


def test_requests_run_in_the_order_in_which_they_came() -> None:
    """One per worker; a slow-down stretches what runs."""
    counter = Counter(ServerSpec(num_workers=2))
    for at_s in (0.0, 0.1, 0.2):
        counter.submit(at_s, 1.0, slowdown=2.0)
    counter.clock.run(until=10.0)
    assert counter.ended == [(0.0, 2.0), (0.1, 2.1), (2.0, 4.0)]


def test_one_too_many_is_told_when_to_come_again() -> None:
    """A worker and twice as many that wait; then the rest of the work is the hint."""
    counter = Counter(ServerSpec())
    assert counter.server.retry_after_s() is None
    for _ in range(3):
        counter.submit(0.0, 0.5)
    counter.clock.run(until=0.1)
    assert counter.server.retry_after_s() == 1.5
    counter.clock.run(until=0.6)
    assert counter.server.retry_after_s() is None
    assert counter.server.num_refused == 1


def test_who_is_on_the_way_takes_a_place() -> None:
    """Nobody is let in to be refused behind the door."""
    counter = Counter(ServerSpec(max_waiting=0))
    counter.server.num_coming += 1
    assert counter.server.retry_after_s() == 0.01


def test_what_is_of_no_use_is_not_run() -> None:
    """Neither what was cancelled while it waited, nor what cannot be in time."""
    counter = Counter(ServerSpec())
    counter.submit(0.0, 1.0)
    cancelled = counter.submit(0.1, 1.0)
    counter.submit(0.2, 1.0, deadline_s=1.5)
    counter.submit(0.3, 1.0, deadline_s=2.5)
    counter.clock.later(0.5, lambda _: setattr(cancelled, "is_cancelled", True))
    counter.clock.run(until=9.0)
    assert counter.ended == [(0.0, 1.0), (1.0, 2.0)]
    assert len(counter.failed) == 1


def test_a_wait_of_the_world_comes_before_the_queue() -> None:
    """It holds no worker."""
    counter = Counter(ServerSpec())
    counter.submit(0.0, 1.0, wait_s=0.5)
    counter.submit(0.1, 0.2)
    counter.clock.run(until=9.0)
    assert counter.ended == [(0.1, 0.1 + 0.2), (0.5, 1.5)]


def test_what_it_held_dies_with_it() -> None:
    """Connections are told, with when it is back; then it serves again."""
    counter = Counter(ServerSpec(down=((1.0, 3.0),)))
    told: list[float] = []
    counter.server.on_death(told.append)
    counter.submit(0.5, 1.0)
    counter.submit(0.6, 1.0)
    counter.submit(0.9, 1.0, wait_s=0.5)
    counter.submit(4.0, 1.0)
    counter.clock.run(until=2.0)
    assert counter.server.is_dead
    counter.clock.run(until=9.0)
    assert (told, counter.ended) == ([3.0], [(4.0, 5.0)])
