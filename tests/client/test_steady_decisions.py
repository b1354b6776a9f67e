"""A policy that looks at conditions alone is not asked again within a moment."""

import time

import pytest
from tests.client.conftest import running_server

from cutpoint import InferenceSession
from cutpoint.client import dispatch
from cutpoint.policies import Cutpoint

pytestmark = pytest.mark.alone


class Asked(Cutpoint):
    """Counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.num_asked = 0

    def decide(self, situation):
        """Decide, and count."""
        self.num_asked += 1
        return super().decide(situation)


class Eager(Asked):
    """A policy of somebody else's, that says nothing of being steady."""

    is_steady = False


@pytest.fixture
def session_of(model_path, monkeypatch: pytest.MonkeyPatch):
    """Give what opens a session, connected; a moment lasts a minute here."""
    monkeypatch.setattr(dispatch, "_STEADY_S", 60.0)
    opened = []

    def open_session(address: str, policy: Cutpoint) -> InferenceSession:
        session = InferenceSession(model_path, server=address, policy=policy)
        opened.append(session)
        session.wait_until_ready(20)
        return session

    yield open_session
    for session in opened:
        session.close()


def test_a_steady_policy_is_asked_once_in_a_moment(session_of, model_path, feed) -> None:
    """Every record has the plan, and its own time."""
    with running_server(model_path) as address:
        policy = Asked()
        session = session_of(address, policy)
        session.run(None, feed)
        first, asked = session.last_record, policy.num_asked
        for _ in range(5):
            session.run(None, feed)
        assert policy.num_asked == asked
        assert session.last_record.cut == first.cut
        assert session.last_record.at_s > first.at_s


def test_any_other_is_asked_each_time(session_of, model_path, feed) -> None:
    """Exploring, say, is its own affair."""
    with running_server(model_path) as address:
        policy = Eager()
        session = session_of(address, policy)
        for _ in range(5):
            session.run(None, feed)
        assert policy.num_asked >= 5


def test_a_server_that_goes_changes_the_decision_at_once(session_of, model_path, feed) -> None:
    """However short ago it was made: nothing is sent to who cannot be used."""
    with running_server(model_path) as address:
        policy = Asked()
        session = session_of(address, policy)
        session.run(None, feed)
        asked = policy.num_asked
    until_s = time.perf_counter() + 20
    while session._engine.server.unavailable is None and time.perf_counter() < until_s:
        time.sleep(0.01)
    session.run(None, feed)
    assert policy.num_asked == asked + 1
    assert session.last_record.planned == "device"
    assert session.last_record.conditions.unavailable is not None
