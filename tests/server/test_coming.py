"""Requests on their way: each keeps a place, and none for long."""

from threading import Event

import pytest

from cutpoint.exceptions import OverloadedError
from cutpoint.server.catalog import Catalog
from cutpoint.server.coming import Coming
from cutpoint.server.data_plane import DataPlane
from cutpoint.server.scheduler import Scheduler


def test_a_place_is_kept_until_the_request_has_come() -> None:
    """Giving it back twice takes it from nobody else."""
    coming = Coming()
    first, second = coming.expect(0.0), coming.expect(0.01)
    assert coming.count(0.01) == 2
    first()
    first()
    assert coming.count(0.01) == 1
    second()
    assert coming.count(0.01) == 0


def test_a_place_is_not_kept_for_long() -> None:
    """Who takes long to upload has none, however many there are, and forgetting them is free."""
    coming = Coming()
    late = [coming.expect(0.0) for _ in range(1000)]
    coming.expect(1.0)
    assert coming.count(1.0) == 1
    for came in late:
        came()
    assert coming.count(1.0) == 1
    assert coming.count(2.0) == 0
    assert not coming._until_s


def test_requests_on_their_way_fill_the_queue() -> None:
    """One worker and two who wait: the fourth is refused before it uploads, with a hint."""
    plane = DataPlane(Catalog(), Scheduler(1, 2))
    came = [plane.check_room() for _ in range(3)]
    with pytest.raises(OverloadedError) as caught:
        plane.check_room()
    assert caught.value.retry_after_s > 0
    came[1]()
    plane.check_room()
    with pytest.raises(OverloadedError):
        plane.check_room()
    Event().wait(0.06)  # nothing came of them
    plane.check_room()
    plane.queue.close()
