"""When a server is left alone, on a made-up clock."""

import numpy as np

from cutpoint.client.breaker import Breaker


def test_one_failure_is_forgiven():
    """A single miss keeps the server in use."""
    breaker = Breaker(np.random.default_rng(0))
    breaker.failed(1.0, "late")
    assert breaker.reason(1.0) is None


def test_failures_in_a_row_leave_it_alone_longer_and_longer():
    """The pause doubles with each failure, within jitter, and never passes five seconds."""
    breaker = Breaker(np.random.default_rng(0))
    breaker.failed(0.0, "late")
    pauses = []
    for _ in range(12):
        breaker.failed(0.0, "late")
        ends = [t for t in np.arange(0, 6, 0.01) if breaker.reason(t) == "late"]
        pauses.append(ends[-1] + 0.01)
    assert all(0.5 * 0.25 * 2**n <= pause + 0.01 for n, pause in enumerate(pauses[:4]))
    assert max(pauses) <= 5.01
    assert pauses[4] > 2 * pauses[0]


def test_an_answer_forgives_all():
    """After a success the count begins anew."""
    breaker = Breaker(np.random.default_rng(0))
    for _ in range(5):
        breaker.failed(0.0, "late")
    assert breaker.reason(0.0) == "late"
    breaker.succeeded()
    assert breaker.reason(0.0) is None
    breaker.failed(0.0, "late")
    assert breaker.reason(0.0) is None


def test_a_server_that_asks_for_time_gets_it():
    """An overloaded server is left alone for as long as it said."""
    breaker = Breaker(np.random.default_rng(0))
    breaker.hold(2.0, 0.5, "overloaded")
    assert breaker.reason(2.4) == "overloaded"
    assert breaker.reason(2.6) is None
