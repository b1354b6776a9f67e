"""Several servers in order of preference: which one is used, and which one after it."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Event, Thread

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.client.conftest import running_server

from cutpoint import InferenceSession
from cutpoint.client.retry_budget import RetryBudget
from cutpoint.client.servers import Servers, addresses_of
from cutpoint.exceptions import ConnectError
from cutpoint.lab.equivalence import is_equal
from cutpoint.lab.proxy import LinkProxy

A, B, C = "a:1", "b:2", "c:3"

SLOWDOWN = 1500
"""Of a device that takes a tenth of a second for what a server answers in a fortieth."""


@dataclass
class Fake:
    """A connection that is as it is told to be."""

    address: str
    unavailable: str | None = None
    calm_since_s: float = float("-inf")


def servers_of(*connections: Fake) -> Servers:
    """Hold connections in this order."""
    by_address = {connection.address: connection for connection in connections}
    return Servers(
        tuple(by_address),
        lambda address, changed: by_address[address],
        clock=time.perf_counter,
        budget=RetryBudget(),
    )


def test_where_none_can_be_used_every_reason_is_given():
    """Who looks at the record sees what is wrong with each server, not with the first alone."""
    first, second = Fake(A, "a is dead"), Fake(B, "b is frozen")
    servers = servers_of(first, second)
    assert servers.unavailable(first) == "a is dead; b is frozen"
    second.unavailable = None
    assert servers.unavailable(first) == "a is dead"
    assert servers.unavailable(second) is None
    assert servers_of(first).unavailable(first) == "a is dead"


class TestAddresses:
    """One server, or several."""

    @pytest.mark.parametrize(
        "given", [f"{A},{B},{C}", f" {A} , {B},{C}", [A, B, C], (f"{A},{B}", C)]
    )
    def test_several(self, given):
        """Joined by commas or in a sequence, in their order."""
        assert addresses_of(given) == (A, B, C)

    @pytest.mark.parametrize("given", ["", ",", [], f"{A},", "nowhere", [A, "b"]])
    def test_what_is_none(self, given):
        """The error says how to write one."""
        with pytest.raises(ConnectError, match="write HOST:PORT"):
            addresses_of(given)

    def test_twice(self):
        """One server under one address has one connection."""
        with pytest.raises(ConnectError, match="a:1 is named twice"):
            addresses_of([A, B, A])


class TestChoice:
    """Which one is used, on a made-up clock."""

    def test_the_first_that_can_be_used(self):
        """In order of preference; the first when none can, so that its reason is told."""
        first, second, third = Fake(A, "down"), Fake(B, "down"), Fake(C)
        servers = servers_of(first, second, third)
        assert servers.chosen(0.0) is third
        second.unavailable = None
        assert servers.chosen(0.0) is second
        third.unavailable = second.unavailable = "down"
        assert servers.chosen(0.0) is first

    def test_the_preferred_one_is_taken_again_when_it_has_settled(self):
        """It is left at once and returned to a second after its last trouble, not before."""
        first, second = Fake(A), Fake(B)
        servers = servers_of(first, second)
        assert servers.chosen(0.0) is first
        first.unavailable = "late"
        assert servers.chosen(1.0) is second
        first.unavailable, first.calm_since_s = None, 2.0
        assert servers.chosen(2.9) is second
        assert servers.chosen(3.0) is first

    def test_one_that_comes_and_goes_is_not_followed(self):
        """Half a second of health between troubles is not enough: one switch, not ten."""
        first, second = Fake(A), Fake(B)
        servers = servers_of(first, second)
        used = []
        for half_s in range(40):
            at_s = half_s / 2
            is_down = half_s % 2 == 1
            first.unavailable = "late" if is_down else None
            first.calm_since_s = at_s if half_s else float("-inf")
            used.append(servers.chosen(at_s).address)
        assert used == [A, *[B] * 39]

    def test_one_that_has_not_settled_is_better_than_none(self):
        """Where the one in use fails, the preferred one need not have settled."""
        first, second = Fake(A), Fake(B)
        servers = servers_of(first, second)
        first.unavailable = "late"
        assert servers.chosen(0.0) is second
        first.unavailable, first.calm_since_s, second.unavailable = None, 1.0, "down"
        assert servers.chosen(1.1) is first

    def test_another_than_the_one_that_failed(self):
        """The next that can be used; none where there is none."""
        first, second, third = Fake(A), Fake(B, "down"), Fake(C)
        servers = servers_of(first, second, third)
        assert servers.other_than(A, 0.0) is third
        assert servers.other_than(C, 0.0) is first
        third.unavailable = "down"
        assert servers.other_than(A, 0.0) is None

    @given(st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(0, 2)), max_size=50))
    def test_none_that_cannot_be_used_is_chosen_beside_one_that_can(self, history):
        """Whatever happens; and every switch back waits for the preferred one to settle."""
        first, second, at_s = Fake(A), Fake(B), 0.0
        servers = servers_of(first, second)
        for is_first_up, is_second_up, step_s in history:
            at_s += step_s
            for fake, is_up in ((first, is_first_up), (second, is_second_up)):
                if is_up and fake.unavailable is not None:
                    fake.calm_since_s = at_s
                fake.unavailable = None if is_up else "down"
            chosen = servers.chosen(at_s)
            if is_first_up or is_second_up:
                assert chosen.unavailable is None


class TestTwoLinks:
    """One server at two addresses, each behind a link of its own that can be cut."""

    @pytest.fixture
    def links(self, model_path) -> Iterator[tuple[LinkProxy, LinkProxy]]:
        """Give both links, of 20 ms round trip."""
        with ExitStack() as stack:
            address = stack.enter_context(running_server(model_path))
            links = LinkProxy(address, delay_s=0.01), LinkProxy(address, delay_s=0.01)
            for link in links:
                stack.enter_context(link)
            yield links

    @pytest.fixture
    def session(self, model_path, links) -> Iterator[InferenceSession]:
        """Give a session on a device so slow that any server is sooner."""
        addresses = [link.address for link in links]
        with InferenceSession(
            model_path, server=addresses, policy="server", slowdown=SLOWDOWN
        ) as session:
            session.wait_until_ready(10)
            until_s = time.perf_counter() + 10
            while any(each.unavailable for each in session._engine.servers):
                assert time.perf_counter() < until_s
                time.sleep(0.01)
            yield session

    @pytest.fixture
    def expected(self, model_path, feed):
        """Give what ONNX Runtime itself makes of the feed."""
        return onnxruntime.InferenceSession(str(model_path)).run(None, feed)[0]

    def test_a_server_that_fails_is_left_for_the_other_and_returned_to(
        self, session, links, feed, expected
    ):
        """No answer is lost or wrong, the other is used meanwhile, and the first in the end."""
        first, second = (link.address for link in links)
        assert is_equal(session.run(None, feed)[0], expected)
        assert session.last_record.server == first
        port = int(first.rpartition(":")[2])
        links[0].close()
        for turn in range(5):
            assert is_equal(session.run(None, feed)[0], expected)
            if turn:
                assert session.last_record.server == second
                assert session.last_record.fallback_reason is None
        with LinkProxy(links[0]._target_host + f":{links[0]._target_port}", listen_port=port):
            until_s = time.perf_counter() + 10
            while session.last_record.server != first:
                assert time.perf_counter() < until_s
                assert is_equal(session.run(None, feed)[0], expected)

    def test_a_request_under_way_is_sent_to_the_other(self, session, links, feed, expected):
        """The answer is the other's: two attempts, no fallback, and the record says where."""
        for _ in range(12):  # what saves up a retry
            session.run(None, feed)
        done = Event()

        def work() -> None:
            assert is_equal(session.run(None, feed)[0], expected)
            done.set()

        thread = Thread(target=work)
        thread.start()
        offloads = session._engine.server._standing.transport._offloads
        while not offloads:
            assert not done.is_set()
            time.sleep(0.0005)
        links[0].close()
        thread.join()
        record = session.last_record
        assert done.is_set()
        assert (record.attempts, record.server) == (2, links[1].address)
        assert record.failed_in is not None
        assert record.fallback_reason is None
        assert record.measured.lost_s > 0

    def test_without_a_budget_the_device_finishes(self, model_path, links, feed, expected):
        """``max_extra_attempts=0`` sends nothing twice."""
        addresses = ",".join(link.address for link in links)
        with InferenceSession(
            model_path,
            server=addresses,
            policy="server",
            slowdown=SLOWDOWN,
            max_extra_attempts=0.0,
        ) as session:
            session.wait_until_ready(10)
            for _ in range(15):
                session.run(None, feed)
            thread = Thread(target=session.run, args=(None, feed))
            thread.start()
            offloads = session._engine.server._standing.transport._offloads
            while not offloads:
                time.sleep(0.0005)
            links[0].close()
            thread.join()
            record = session.last_record
            assert (record.attempts, record.placement) == (1, "device")
            assert record.fallback_reason


def test_a_second_address_that_is_none_starts_nothing(model_path):
    """The error comes before a thread or a socket does."""
    with pytest.raises(ConnectError, match="'nowhere'"):
        InferenceSession(model_path, server=["127.0.0.1:1", "nowhere"])


def test_two_servers_with_different_times_have_tables_of_their_own(model_path, feed):
    """What one tells of itself is not believed of the other."""
    with (
        running_server(model_path) as first,
        running_server(model_path) as second,
        InferenceSession(model_path, server=[first, second], policy="server") as session,
    ):
        session.wait_until_ready(10)
        engine = session._engine
        until_s = time.perf_counter() + 10
        while not all(connection.costs for connection in engine.servers):
            assert time.perf_counter() < until_s
            time.sleep(0.01)
        bucket = engine._buckets.of(feed)
        tables = {}
        for connection in engine.servers:
            table = bucket.table(connection.costs, connection.tails, connection.address)
            tables[connection.address] = table
            assert table.tail_s[1] == pytest.approx(connection.costs.whole_s)
        again = bucket.table(engine.servers.at(first).costs, engine.servers.at(first).tails, first)
        assert again is tables[first]
        np.testing.assert_array_equal(tables[first].head_s[:2], tables[second].head_s[:2])
