"""Watching over one server: suspected at once, given up when silent, taken up again."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition

import numpy as np
import onnxruntime
import pytest
from tests.client.conftest import running_server, save
from tests.client.test_framed import mean_model

from cutpoint import InferenceSession
from cutpoint.client.offload import Offload, OffloadRequest
from cutpoint.client.standing import Standing
from cutpoint.client.supervisor import Supervisor
from cutpoint.estimation import LinkEstimator
from cutpoint.exceptions import (
    ConnectError,
    CutpointError,
    DeadlineExceededError,
    ModelMismatchError,
    NotReadyError,
)
from cutpoint.graph import server_only
from cutpoint.inference import Answered, OffloadFailed, PatienceEnded
from cutpoint.lab.equivalence import is_equal
from cutpoint.lab.proxy import LinkProxy
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.units import from_mbit_per_s
from cutpoint.wire.chunks import Assembly, Chunker

pytestmark = pytest.mark.alone


class FakeTransport:
    """A connection that is heard when it is told to be."""

    ended: str | None = None
    waits_since_s: float | None = 0.0

    def __init__(self) -> None:
        self.last_heard_s = time.perf_counter()
        self.num_measured = self.num_probed = 0
        self.is_silent = False
        self.closed: list[str] = []

    def probe(self) -> None:
        """Take note."""
        self.num_probed += 1

    def is_probing(self) -> bool:
        """Probe for nobody."""
        return True

    def measure(self) -> None:
        """Be heard, unless silent."""
        self.num_measured += 1
        if not self.is_silent:
            self.last_heard_s = time.perf_counter()

    def close(self, reason: str) -> None:
        """End."""
        self.closed.append(reason)


class FakeServer:
    """Health service and connector in one: answers, or fails, as it is told."""

    def __init__(self) -> None:
        self.error: CutpointError | None = None
        self.transports: list[FakeTransport] = []
        self.checks_s: list[float] = []
        self.timeouts_s: list[float] = []
        self.attempts_s: list[float] = []
        self.num_reopened = 0
        self.measured: list[FakeTransport] = []

    def check(self, timeout_s: float) -> None:
        """Be healthy, or not."""
        self.checks_s.append(time.perf_counter())
        self.timeouts_s.append(timeout_s)
        if self.error is not None:
            raise self.error

    def connect(self) -> FakeTransport:
        """Connect."""
        self.attempts_s.append(time.perf_counter())
        self.transports.append(FakeTransport())
        return self.transports[-1]

    def measure(self, transport: FakeTransport, timeout_s: float) -> None:
        """Take note."""
        self.measured.append(transport)

    def renewed(self, transport: FakeTransport) -> None:
        """Have nothing new."""

    def reopen(self) -> None:
        """Take note."""
        self.num_reopened += 1

    def reset(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Watched:
    """A supervisor of a fake server, and what it wrote down."""

    def __init__(self, error: CutpointError | None = None) -> None:
        self.server = FakeServer()
        self.server.error = error
        self.reopened_s: list[float] = []
        self.recovered_s: list[float] = []
        self.standing = Standing("fake:1", time.perf_counter, Condition())
        self.supervisor = Supervisor(
            "fake:1",
            self.standing,
            self.server,
            self.server,
            link=LinkEstimator(),
            clock=time.perf_counter,
            on_reopened=self.reopened_s.append,
            on_recovered=self.recovered_s.append,
            rng=np.random.default_rng(0),
        )

    def until(self, condition: Callable[[], object], timeout_s: float = 5.0) -> float:
        """Wait until something is true; gives how long it took."""
        began_s = time.perf_counter()
        while not condition():
            assert time.perf_counter() - began_s < timeout_s
            time.sleep(0.001)
        return time.perf_counter() - began_s


@pytest.fixture
def watched() -> Iterator[Watched]:
    """Give a supervisor that has connected."""
    watched = Watched()
    watched.until(lambda: watched.standing.transport)
    yield watched
    watched.supervisor.close()


def test_a_doubt_is_cleared_by_a_check_that_began_after_it(watched: Watched):
    """Nothing may be sent until then, and that is a matter of a check, not of the next round."""
    at_s = time.perf_counter()
    watched.standing.suspect(at_s, "an answer is late", is_late=True)
    assert "late; it is being checked" in watched.standing.trouble
    watched.standing.wake()
    watched.until(lambda: watched.standing.trouble is None)
    assert any(check_s >= at_s for check_s in watched.server.checks_s)
    assert watched.server.measured  # a stall is no measure of the link


def test_an_answer_that_is_wrong_says_nothing_of_the_link(watched: Watched):
    """It is checked that the server lives, and the link is believed as before."""
    watched.standing.suspect(time.perf_counter(), "the accelerator is gone", is_late=False)
    watched.standing.wake()
    watched.until(lambda: watched.standing.trouble is None)
    assert watched.server.measured == []


def test_a_check_that_began_before_a_doubt_clears_nothing():
    """The answer to an older question says nothing of what has happened since."""
    standing = Standing("fake:1", lambda: 9.0, Condition())
    standing.opened(FakeTransport())
    standing.suspect(5.0, "late", is_late=True)
    standing.suspect(4.0, "late, too", is_late=True)  # told of in another order
    standing.passed(4.9)
    assert standing.trouble is not None
    standing.passed(5.1)
    assert standing.trouble is None
    assert standing.calm_since_s == 9.0


def test_the_first_missed_check_keeps_requests_back_and_the_third_ends_it(watched: Watched):
    """A silent server gets no more requests after one check, and is given up after three."""
    transport = watched.server.transports[0]
    watched.server.error = DeadlineExceededError("no answer")
    watched.until(lambda: watched.standing.trouble is not None)
    assert watched.standing.transport is transport
    watched.until(lambda: watched.standing.transport is None)
    assert transport.closed == ["no answer"]
    assert watched.server.num_reopened >= 3  # TCP backs off: each check on a fresh connection


def test_a_stream_that_is_heard_is_not_ended_by_its_own_checks(watched: Watched):
    """Behind a long upload every check is late: while answers come none of them counts."""
    transport = watched.server.transports[0]
    watched.server.error = DeadlineExceededError("behind an upload")
    began = len(watched.server.checks_s)

    def hear() -> bool:
        transport.last_heard_s = time.perf_counter() + 1.0
        return len(watched.server.checks_s) >= began + 5

    watched.until(hear)
    assert watched.standing.transport is transport
    assert watched.standing.trouble is None


def test_a_silent_stream_of_a_healthy_server_is_opened_anew(watched: Watched):
    """Its connection died without a word: the health check, on its own, would never see it."""
    transport = watched.server.transports[0]
    transport.is_silent = True
    watched.standing.suspect(time.perf_counter(), "late", is_late=True)
    watched.standing.wake()
    watched.until(lambda: len(watched.server.transports) == 2)
    assert transport.num_measured >= 1
    assert "its stream is silent" in transport.closed[0]
    watched.until(lambda: watched.standing.trouble is None)


def test_one_that_says_it_is_not_ready_may_end_what_is_under_way(watched: Watched):
    """A server that drains gets no more requests; those it has are not torn from it."""
    transport = watched.server.transports[0]
    watched.server.error = NotReadyError("it drains")
    began = len(watched.server.checks_s)
    watched.until(lambda: len(watched.server.checks_s) >= began + 5)
    assert watched.standing.transport is transport
    assert "it drains" in watched.standing.trouble
    watched.server.error = None
    watched.until(lambda: watched.standing.trouble is None)


def test_what_was_agreed_on_is_agreed_on_anew(watched: Watched):
    """A request that is told of another model ends the connection and begins it again."""
    watched.standing.outdate(ModelMismatchError("another model"))
    assert watched.standing.trouble == "another model"
    watched.standing.wake()
    watched.until(lambda: len(watched.server.transports) == 2)
    watched.until(lambda: watched.standing.trouble is None)
    assert len(watched.reopened_s) == 1


def test_a_server_that_missed_checks_has_recovered_when_one_passes(watched: Watched):
    """One that answers the first check after a doubt was slow at most, and is not said to have."""
    watched.standing.suspect(time.perf_counter(), "late", is_late=True)
    watched.standing.wake()
    watched.until(lambda: watched.standing.trouble is None)
    assert watched.recovered_s == []
    watched.server.error = DeadlineExceededError("late")
    watched.until(lambda: watched.supervisor._misses)
    watched.server.error = None
    watched.until(lambda: watched.standing.trouble is None)
    assert len(watched.recovered_s) == 1


def test_a_server_that_is_heard_is_hardly_checked():
    """While nothing is awaited its health is asked for every two seconds, not four times in one."""
    watched = Watched()
    watched.until(lambda: watched.standing.transport)
    transport = watched.server.transports[0]
    transport.waits_since_s = None
    watched.until(lambda: transport.num_probed >= 2)
    began = len(watched.server.checks_s)
    watched.until(lambda: transport.num_probed >= 7)  # 1.25 s
    assert len(watched.server.checks_s) - began <= 1
    transport.waits_since_s = 0.0
    began_s, began = time.perf_counter(), len(watched.server.checks_s)
    watched.until(lambda: len(watched.server.checks_s) >= began + 2)
    assert time.perf_counter() - began_s < 1.5
    watched.supervisor.close()


def test_attempts_are_spread(watched: Watched):
    """They begin at a tenth of a second and are never further apart than one second."""
    watched.server.error = ConnectError("refused")
    watched.until(lambda: watched.standing.transport is None)
    began = len(watched.server.checks_s)
    watched.until(lambda: len(watched.server.checks_s) >= began + 4)
    gaps = np.diff(watched.server.checks_s[began:])
    assert gaps.min() > 0.05
    assert gaps.max() < 1.5
    assert len(set(np.round(gaps, 4))) == len(gaps)


def test_a_first_connection_over_tls_by_satellite_is_given_its_time():
    """Four round trips of 600 ms are 2.4 s."""
    watched = Watched(DeadlineExceededError("late"))
    watched.supervisor._num_attempts = 10
    watched.until(lambda: max(watched.server.timeouts_s, default=0.0) >= 2.4)
    watched.supervisor.close()


def test_a_connection_that_is_made_again_is_given_what_its_round_trip_explains(watched: Watched):
    """An attempt that begins just before a link heals does not hold up the next one for long."""
    watched.server.error = DeadlineExceededError("late")
    watched.until(lambda: watched.standing.transport is None)
    watched.supervisor._num_attempts = 10
    num_checks = len(watched.server.timeouts_s)
    watched.until(lambda: len(watched.server.timeouts_s) >= num_checks + 2)
    assert max(watched.server.timeouts_s) <= 2.0


def test_it_ends_at_once_whatever_it_is_doing():
    """Closing does not wait for pauses."""
    watched = Watched()
    watched.server.error = ConnectError("refused")
    began_s = time.perf_counter()
    watched.supervisor.close()
    assert time.perf_counter() - began_s < 1.0
    assert not watched.supervisor._thread.is_alive()


@contextmanager
def link_to(address: str, rate: float | None = None, **settings: float) -> Iterator[LinkProxy]:
    """Give a link to a server."""
    up = None if rate is None else RateSchedule.constant(rate)
    with LinkProxy(address, up=up, down=up, **settings) as link:
        yield link


def test_a_long_round_trip_is_no_failure(model_path, feed):
    """200 ms there and back, as over a satellite: it connects, and stays connected."""
    with (
        running_server(model_path) as address,
        link_to(address, delay_s=0.1) as link,
        InferenceSession(model_path, server=link.address, policy="server") as session,
    ):
        session.wait_until_ready(15)
        transport = session._engine.server._standing.transport
        while session.last_record is None or session.last_record.placement != "server":
            session.run(None, feed)
        assert session._engine.server._standing.transport is transport


@pytest.mark.soak
def test_a_long_upload_over_a_link_with_a_deep_queue_arrives(tmp_path):
    """A megabyte takes two seconds: nothing gives the connection up meanwhile."""
    path = save(tmp_path / "large.onnx", mean_model(250_000))
    feed = {"x": np.ones((1, 250_000), np.float32)}
    with (
        running_server(path) as address,
        link_to(address, from_mbit_per_s(4.0), queue_s=1.5) as link,
        InferenceSession(path, server=link.address) as session,
    ):
        session.wait_until_ready(15)
        server = session._engine.server
        transport = server._standing.transport
        offload = server.offload(server_only(session.graph), feed, None)
        now_s, began_s = 0.0, time.perf_counter()
        while not isinstance(event := offload.next_event(now_s + 15.0, now_s), Answered):
            assert not isinstance(event, (OffloadFailed, PatienceEnded))
        assert offload.outputs["y"] == 250_000
        assert time.perf_counter() - began_s > 1.5
        assert server._standing.transport is transport


def test_a_partition_affects_few_requests_and_ends_with_it(model_path, feed):
    """After one late answer nothing is sent; when the link is back the server is used again."""
    expected = onnxruntime.InferenceSession(str(model_path)).run(None, feed)[0]
    with (
        running_server(model_path) as address,
        link_to(address, delay_s=0.005) as link,
        InferenceSession(model_path, server=link.address, policy="server", slowdown=500) as session,
    ):
        session.wait_until_ready(15)
        session.run(None, feed)
        assert session.last_record.placement == "server"
        link.partition()
        records = []
        while len(records) < 12:
            assert is_equal(session.run(None, feed)[0], expected)
            records.append(session.last_record)
        assert all(record.placement == "device" for record in records)
        assert [record.attempts for record in records[1:]] == [0] * 11
        link.heal()
        until_s = time.perf_counter() + 10
        while session.last_record.placement == "device":
            assert time.perf_counter() < until_s
            assert is_equal(session.run(None, feed)[0], expected)


@pytest.mark.parametrize(("heard_after_s", "is_left_alone"), [(0.01, False), (-0.01, True)])
def test_a_link_that_is_slow_is_not_the_servers_failure(
    model_path, feed, heard_after_s, is_left_alone
):
    """An upload called off while pieces were acknowledged is no reason to leave the server."""
    with (
        running_server(model_path) as address,
        InferenceSession(model_path, server=address) as session,
    ):
        session.wait_until_ready(15)
        server = session._engine.server
        for _ in range(3):
            request = OffloadRequest("tiny", {}, Chunker(tuple(feed.items())), Assembly((), "test"))
            offload = Offload(1, request)
            transport = server._standing.transport
            offload.began_at_s = transport.last_heard_s - heard_after_s
            server.cancel(offload, session._engine._clock())
        at_s = session._engine._clock()
        assert (server._breaker.reason(at_s) is not None) == is_left_alone
