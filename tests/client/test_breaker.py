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
    for repeat in range(12):
        at_s = 100.0 * repeat
        breaker.failed(at_s, "late")
        ends = [t for t in np.arange(0, 6, 0.01) if breaker.reason(at_s + t) == "late"]
        pauses.append(ends[-1] + 0.01)
    assert all(0.5 * 0.25 * 2**n <= pause + 0.01 for n, pause in enumerate(pauses[:4]))
    assert max(pauses) <= 5.01
    assert pauses[4] > 2 * pauses[0]


def test_requests_that_fail_together_count_once():
    """Eight late answers of one moment are one failure more, not eight."""
    breaker = Breaker(np.random.default_rng(0))
    for _ in range(8):
        breaker.failed(0.0, "late")
    assert breaker.reason(0.26) is None


def test_a_longer_pause_is_not_shortened():
    """Being told to wait a moment does not end a pause that lasts longer."""
    breaker = Breaker(np.random.default_rng(0))
    breaker.hold(0.0, 3.0, "late")
    breaker.hold(0.0, 0.1, "overloaded")
    assert breaker.reason(1.0) == "late"


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
