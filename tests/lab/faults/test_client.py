"""Clients whose every request is in the history."""

import numpy as np
import pytest

from cutpoint.exceptions import ConnectError
from cutpoint.lab.faults.client import ObservedClient, Traffic
from cutpoint.lab.faults.history import History
from cutpoint.lab.faults.invariants import violations
from cutpoint.records import Conditions, InferenceRecord, Parts


class FakeSession:
    """Doubles its input; wrongly or not at all where it is told so."""

    def __init__(self) -> None:
        self.is_wrong = False
        self.error: Exception | None = None
        self.last_record = InferenceRecord(
            1, 0.0, "server", "server", "cut", ("x",), "edge:1", Parts(), Parts(tail_s=0.5), (),
            0, 0, None, Conditions(None),
        )  # fmt: skip

    def run(self, _, feed):
        """Run."""
        if self.error is not None:
            raise self.error
        return [feed["x"] * (3 if self.is_wrong else 2)]


@pytest.fixture
def client() -> ObservedClient:
    """Give a client of such a session."""
    inputs = [{"x": np.full(3, value, np.float32)} for value in (1, 2)]
    expected = [feed["x"] * 2 for feed in inputs]
    return ObservedClient("c", FakeSession(), inputs, expected, History())


def test_right_wrong_and_failed_requests_are_told_apart(client):
    """The judge compares with the truth, not with what the session says."""
    assert client.run().is_right is True
    client.session.is_wrong = True
    assert client.run().is_right is False
    client.session.error = ConnectError("gone")
    failed = client.run()
    assert (failed.is_right, failed.error) == (None, "ConnectError: gone")
    assert [each.number for each in client.history.invoked] == [0, 1, 2]
    assert violations(client.history) == ["c 1: wrong answer", "c 2: ConnectError: gone"]


def test_waiting_for_a_request_has_an_end(client):
    """The last request is in the message."""
    assert client.run_until(lambda each: each.number == 2, 5.0).number == 2
    with pytest.raises(TimeoutError, match="no request was as wished"):
        client.run_until(lambda each: each.placement == "device", 0.01)


def test_traffic_goes_on_while_the_block_lasts(client):
    """What breaks it is told at the end."""
    with Traffic(client):
        while len(client.history.ended) < 5:
            pass
    client.session.error = RuntimeError("a bug")
    with pytest.raises(RuntimeError, match="a bug"), Traffic(client):
        pass
