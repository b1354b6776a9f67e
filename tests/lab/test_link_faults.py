import socket
import time
from collections.abc import Iterator

import pytest
from tests.lab.test_proxy import (
    PATIENCE_S,
    connected,
    constant,
    has_ended,
    listening,
    pair,
    receive,
    target_of,
)

from cutpoint.lab.disturbance import RETRANSMISSION_S, Disturbance
from cutpoint.lab.proxy import LinkProxy

pytestmark = pytest.mark.alone

SILENCE_S = 0.3


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Give a target."""
    with listening() as sock:
        yield sock


@pytest.fixture
def link(listener: socket.socket) -> Iterator[LinkProxy]:
    """Give a link to it, without a limit."""
    with LinkProxy(target_of(listener)) as link:
        yield link


def is_silent(sock: socket.socket) -> bool:
    """Tell whether nothing comes, not even an end, for a while."""
    sock.settimeout(SILENCE_S)
    try:
        return not sock.recv(1) and False
    except TimeoutError:
        return True
    finally:
        sock.settimeout(PATIENCE_S)


@pytest.mark.parametrize(
    ("side", "up_flows", "down_flows"),
    [("both", False, False), ("up", False, True), ("down", True, False)],
)
def test_a_partition_stops_bytes_and_loses_none(link, listener, side, up_flows, down_flows):
    """What is sent meanwhile comes in order when the partition ends."""
    with pair(link, listener) as (client, server):
        client.sendall(b"before")
        assert receive(server, 6) == b"before"
        link.partition(side)
        client.sendall(b"up")
        server.sendall(b"down")
        for flows, sink, data in ((up_flows, server, b"up"), (down_flows, client, b"down")):
            if flows:
                assert receive(sink, len(data)) == data
            else:
                assert is_silent(sink)
        link.heal()
        client.sendall(b"!")
        server.sendall(b"!")
        assert receive(server, 1 if up_flows else 3) == (b"!" if up_flows else b"up!")
        assert receive(client, 1 if down_flows else 5) == (b"!" if down_flows else b"down!")


@pytest.mark.parametrize("side", ["both", "up", "down"])
def test_a_new_connection_hangs_until_the_partition_ends(link, listener, side):
    """Whoever connects is neither let in nor refused."""
    link.partition(side)
    time.sleep(0.05)  # the command is obeyed on another thread; it has no answer
    host, port = link.address.split(":")
    with pytest.raises(TimeoutError):
        socket.create_connection((host, int(port)), SILENCE_S)
    link.heal()
    with pair(link, listener) as (client, server):
        client.sendall(b"hello")
        assert receive(server, 5) == b"hello"


def test_a_partition_may_be_changed_and_repeated(link, listener):
    """Each side of a link can go and come back, however often."""
    with pair(link, listener) as (client, server):
        for side in ("up", "both", "down", "both"):
            link.partition(side)
        link.heal()
        link.heal()
        link.partition("up")
        server.sendall(b"down")
        assert receive(client, 4) == b"down"
        link.heal()
        client.sendall(b"up")
        assert receive(server, 2) == b"up"


def test_a_death_behind_a_partition_is_not_seen_before_its_end(link, listener):
    """A reset is a packet too."""
    with pair(link, listener) as (client, server):
        link.partition("both")
        client.sendall(b"unread")
        time.sleep(0.05)
        server.close()
        assert is_silent(client)
        link.heal()
        assert has_ended(client)


def test_a_stall_ends_by_itself(link, listener):
    """Everything is held up for the time, and nothing is lost."""
    with pair(link, listener) as (client, server):
        link.stall(SILENCE_S)
        time.sleep(0.05)
        began_s = time.perf_counter()
        client.sendall(b"x")
        assert receive(server, 1) == b"x"
        assert time.perf_counter() - began_s > SILENCE_S / 2


def test_a_reset_ends_every_connection_and_takes_new_ones(link, listener):
    """A box between that forgets its connections resets them."""
    with pair(link, listener) as (client, server):
        link.reset_connections()
        assert has_ended(client)
        assert has_ended(server)
    with pair(link, listener) as (client, server):
        client.sendall(b"x")
        assert receive(server, 1) == b"x"


def test_a_longer_delay_is_felt_and_keeps_the_order(link, listener):
    """Pieces sent after a delay has fallen do not overtake those before."""
    with pair(link, listener) as (client, server):
        link.set_delay(SILENCE_S, 0.0)
        time.sleep(0.05)
        began_s = time.perf_counter()
        client.sendall(b"first")
        time.sleep(0.05)
        link.set_delay(0.0, 0.0)
        time.sleep(0.05)
        client.sendall(b"second")
        assert receive(server, 11) == b"firstsecond"
        assert time.perf_counter() - began_s >= SILENCE_S * 0.9
    with pytest.raises(ValueError, match="at least 0"):
        link.set_delay(-1.0, 0.0)


def test_losses_and_jitter_keep_every_byte_in_order(link, listener):
    """A lost piece comes later, and what is behind it on its connection waits."""
    data = bytes(range(256)) * 1200
    link.set_rate(4e6, 4e6)
    link.disturb(Disturbance(jitter_s=0.01, loss=0.2))
    with pair(link, listener) as (client, server):
        began_s = time.perf_counter()
        client.sendall(data)
        assert receive(server, len(data)) == data
        assert time.perf_counter() - began_s >= RETRANSMISSION_S


def test_a_block_of_one_side_leaves_the_other_its_rate(listener):
    """Bytes in the queue when the partition begins are delivered when it ends."""
    slow = LinkProxy(target_of(listener), delay_s=0.01, up=constant(1.0))
    with slow as link, pair(link, listener) as (client, server):
        client.sendall(b"x" * 20_000)
        time.sleep(0.05)
        link.partition("up")
        time.sleep(0.1)
        server.sendall(b"y")
        assert receive(client, 1) == b"y"
        link.heal()
        assert receive(server, 20_000) == b"x" * 20_000


def test_a_link_that_is_not_started_takes_no_fault():
    """There is nothing to partition yet."""
    link = LinkProxy("127.0.0.1:8001")
    for fault in (link.partition, link.heal, link.reset_connections):
        with pytest.raises(RuntimeError, match="not started"):
            fault()


def test_connections_survive_a_partition_of_many(link, listener):
    """Ten connections at once all go on."""
    pairs = []
    for _ in range(10):
        client = connected(link.address)
        server, _ = listener.accept()
        pairs.append((client, server))
    link.partition("both")
    for number, (client, _) in enumerate(pairs):
        client.sendall(bytes([number]))
    link.heal()
    for number, (client, server) in enumerate(pairs):
        assert receive(server, 1) == bytes([number])
        client.close()
        server.close()


def test_a_partition_outlasts_playing(link, listener):
    """What it holds is kept, and comes in order when it ends, at the rate that was played."""
    with pair(link, listener) as (client, server):
        client.sendall(b"before")
        assert receive(server, 6) == b"before"
        link.partition("up")
        client.sendall(b"during")
        link.play(constant(1e6), None, 3.0)
        assert is_silent(server)
        link.heal()
        assert receive(server, 6) == b"during"


def test_playing_in_a_stall_keeps_the_order(link, listener):
    """Nothing passes what waits."""
    with pair(link, listener) as (client, server):
        client.sendall(b"before")
        assert receive(server, 6) == b"before"
        link.stall(0.2)
        client.sendall(b"dur")
        link.play(None, None)
        client.sendall(b"ing")
        assert receive(server, 6) == b"during"
