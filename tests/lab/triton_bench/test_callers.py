"""The generator keeps as many requests under way as it is told."""

from threading import Condition

from cutpoint.lab.triton_bench.callers import Callers


class Door:
    """Lets callers in, and counts how many are inside; nobody leaves before it is opened."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.is_open = False
        self.changed = Condition()

    def __call__(self) -> None:
        """Come in, and leave when it is open."""
        with self.changed:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.is_open, 10)
            self.inside -= 1
            self.changed.notify_all()


def test_as_many_ask_at_once_as_are_wanted() -> None:
    """No fewer, no more; none when none is wanted."""
    door = Door()
    callers = Callers(door)
    callers.set(3)
    with door.changed:
        assert door.changed.wait_for(lambda: door.inside == 3, 10)
        assert not door.changed.wait_for(lambda: door.inside > 3, 0.05)
    callers.set(0)
    with door.changed:
        door.is_open = True
        door.changed.notify_all()
    with door.changed:
        assert door.changed.wait_for(lambda: door.inside == 0, 10)
    assert door.most == 3
