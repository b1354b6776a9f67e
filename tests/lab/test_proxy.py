import hashlib
import io
import json
import math
import os
import random
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from cutpoint.lab import proxy as proxy_module
from cutpoint.lab.proxy import LinkProxy
from cutpoint.simulation.rate_schedule import RateSchedule

pytestmark = pytest.mark.alone

MBIT_BYTES_PER_S = 125e3
PATIENCE_S = 20.0
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def constant(bandwidth_mbit_per_s: float) -> RateSchedule:
    """One rate for ever."""
    return RateSchedule.constant(bandwidth_mbit_per_s * MBIT_BYTES_PER_S)


def listening(port: int = 0) -> socket.socket:
    """Give a target that listens."""
    listener = socket.create_server(("127.0.0.1", port))
    listener.settimeout(PATIENCE_S)
    return listener


def target_of(listener: socket.socket) -> str:
    """``HOST:PORT`` of a listening socket."""
    return f"127.0.0.1:{listener.getsockname()[1]}"


def connected(address: str) -> socket.socket:
    """Give a client's socket."""
    host, port = address.split(":")
    client = socket.create_connection((host, int(port)), PATIENCE_S)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


@contextmanager
def pair(link: LinkProxy, listener: socket.socket) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of one connection through the link: the client's and the target's."""
    with connected(link.address) as client:
        server, _ = listener.accept()
        with server:
            server.settimeout(PATIENCE_S)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield client, server


@contextmanager
def sending(sock: socket.socket, data: bytes) -> Iterator[None]:
    """Send in the background; leaving the block waits for the end."""
    thread = threading.Thread(target=sock.sendall, args=(data,))
    thread.start()
    try:
        yield
    finally:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def receive(sock: socket.socket, size_bytes: int) -> bytes:
    """Give exactly that many bytes."""
    data = bytearray()
    while len(data) < size_bytes:
        part = sock.recv(size_bytes - len(data))
        assert part, f"the connection ended after {len(data)} of {size_bytes} bytes"
        data += part
    return bytes(data)


def received_digest(sock: socket.socket) -> bytes:
    """Hash of the next 2 MB."""
    return hashlib.sha256(receive(sock, 2_000_000)).digest()


def pushed_bytes(sock: socket.socket, size_bytes: int) -> int:
    """Bytes that a socket with a small buffer takes in 0.3 s, at most ``size_bytes``."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
    taken_bytes = 0
    end_s = time.perf_counter() + 0.3
    while taken_bytes < size_bytes and (left_s := end_s - time.perf_counter()) > 0:
        if select.select([], [sock], [], left_s)[1]:
            taken_bytes += sock.send(bytes(65536), socket.MSG_DONTWAIT)
    return taken_bytes


def has_ended(sock: socket.socket) -> bool:
    """Whether the other side closed or reset, within our patience."""
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


def is_turned_away(address: str) -> bool:
    """Whether a new connection ends at once; the reset may come before connect returns."""
    try:
        client = connected(address)
    except ConnectionResetError:
        return True
    with client:
        return has_ended(client)


def transfer_s(link: LinkProxy, listener: socket.socket, size_bytes: int) -> float:
    """Seconds from the first byte sent to the last one received."""
    with pair(link, listener) as (client, server):
        start_s = time.perf_counter()
        with sending(client, bytes(size_bytes)):
            receive(server, size_bytes)
            return time.perf_counter() - start_s


def round_trip_s(link: LinkProxy, listener: socket.socket) -> float:
    """Seconds for one byte there and back, the best of five."""
    best_s = math.inf
    with pair(link, listener) as (client, server):
        for _ in range(5):
            start_s = time.perf_counter()
            client.sendall(b"?")
            server.sendall(receive(server, 1))
            receive(client, 1)
            best_s = min(best_s, time.perf_counter() - start_s)
    return best_s


@pytest.mark.parametrize("rate", [None, constant(100)])
def test_bytes_arrive_intact_and_in_order_both_ways(rate: RateSchedule | None) -> None:
    """2 MB each way at the same time are the same bytes at the other end."""
    up, down = (random.Random(seed).randbytes(2_000_000) for seed in (1, 2))
    with (
        listening() as listener,
        LinkProxy(target_of(listener), delay_s=2e-3, up=rate, down=rate) as link,
        pair(link, listener) as (client, server),
        sending(client, up),
        sending(server, down),
        ThreadPoolExecutor() as pool,
    ):
        digests = pool.map(received_digest, (server, client))
        assert list(digests) == [hashlib.sha256(data).digest() for data in (up, down)]


def test_four_times_the_rate_takes_a_quarter_of_the_time() -> None:
    """600 KB take three to five times as long at 10 Mbit/s as at 40 Mbit/s."""
    times_s = []
    for bandwidth_mbit_per_s in (10, 40):
        rate = constant(bandwidth_mbit_per_s)
        with listening() as listener, LinkProxy(target_of(listener), up=rate) as link:
            times_s.append(transfer_s(link, listener, 600_000))
    assert 3 < times_s[0] / times_s[1] < 5


def test_connections_share_one_rate_fairly() -> None:
    """Two connections that send as much end about together, and not one after the other."""
    with (
        listening() as listener,
        LinkProxy(target_of(listener), up=constant(16)) as link,
        pair(link, listener) as (first, first_server),
        pair(link, listener) as (second, second_server),
        ThreadPoolExecutor() as pool,
    ):
        start_s = time.perf_counter()

        def received_s(server: socket.socket) -> float:
            receive(server, 500_000)
            return time.perf_counter() - start_s

        with sending(first, bytes(500_000)), sending(second, bytes(500_000)):
            times_s = list(pool.map(received_s, (first_server, second_server)))
    assert min(times_s) > 0.7 * max(times_s)


def test_delay_adds_to_the_round_trip() -> None:
    """20 ms each way make a round trip at least 35 ms longer."""
    times_s = []
    for delay_s in (0.0, 20e-3):
        with listening() as listener, LinkProxy(target_of(listener), delay_s=delay_s) as link:
            times_s.append(round_trip_s(link, listener))
    assert times_s[1] - times_s[0] > 35e-3


def test_delay_does_not_limit_the_rate() -> None:
    """A window's worth of bytes travels at once: 100 ms come once, not per buffer."""
    times_s = []
    for delay_s in (0.0, 0.1):
        with (
            listening() as listener,
            LinkProxy(target_of(listener), delay_s=delay_s, up=constant(40)) as link,
        ):
            times_s.append(transfer_s(link, listener, 2_000_000))
    assert times_s[1] - times_s[0] < 0.5


def test_a_sender_feels_the_bottleneck() -> None:
    """In 0.3 s a sender gets little more than the buffers' bytes into a 1 Mbit/s link."""
    with (
        listening() as listener,
        LinkProxy(target_of(listener), up=constant(1)) as link,
        pair(link, listener) as (client, _),
    ):
        assert pushed_bytes(client, 5_000_000) < 600_000


def test_a_sender_feels_a_receiver_that_does_not_read() -> None:
    """On an unlimited link the receiver's window still holds the sender back."""
    with listening() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        with (
            LinkProxy(target_of(listener)) as link,
            pair(link, listener) as (client, _),
        ):
            assert pushed_bytes(client, 60_000_000) < 20_000_000


def test_a_new_rate_speeds_up_a_transfer_under_way() -> None:
    """1 MB at 1 Mbit/s would take 8 s; with 80 Mbit/s from the first 10 KB on it takes far less."""
    with (
        listening() as listener,
        LinkProxy(target_of(listener), up=constant(1)) as link,
        pair(link, listener) as (client, server),
        sending(client, bytes(1_000_000)),
    ):
        start_s = time.perf_counter()
        receive(server, 10_000)
        link.set_rate(80 * MBIT_BYTES_PER_S, None)
        receive(server, 990_000)
        assert time.perf_counter() - start_s < 4


def test_a_new_rate_holds_for_bytes_that_wait() -> None:
    """Bytes queued in an outage come when it ends."""
    with (
        listening() as listener,
        LinkProxy(target_of(listener), up=constant(0)) as link,
        pair(link, listener) as (client, server),
    ):
        client.sendall(b"waiting")
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.recv(1)
        link.set_rate(None, None)
        server.settimeout(PATIENCE_S)
        assert receive(server, 7) == b"waiting"


def test_a_schedule_begins_with_the_proxy() -> None:
    """Nothing passes during the outage that a schedule begins with; then it does."""
    outage_first = RateSchedule(phases=((0.4, 0), (1.0, 1e6)))
    with listening() as listener:
        earliest_s = time.perf_counter() + 0.4
        with (
            LinkProxy(target_of(listener), up=outage_first) as link,
            pair(link, listener) as (client, server),
        ):
            client.sendall(b"late")
            assert receive(server, 4) == b"late"
            assert time.perf_counter() >= earliest_s


def test_the_directions_have_rates_of_their_own() -> None:
    """An outage upwards leaves the way down open."""
    with (
        listening() as listener,
        LinkProxy(target_of(listener), up=constant(0)) as link,
        pair(link, listener) as (client, server),
    ):
        server.sendall(b"down")
        assert receive(client, 4) == b"down"


def test_a_half_close_travels_behind_the_bytes() -> None:
    """The target reads all and then the end, and can still answer."""
    with (
        listening() as listener,
        LinkProxy(target_of(listener), delay_s=10e-3, up=constant(8)) as link,
        pair(link, listener) as (client, server),
    ):
        client.sendall(bytes(50_000))
        client.shutdown(socket.SHUT_WR)
        receive(server, 50_000)
        assert has_ended(server)
        server.sendall(b"answer")
        server.shutdown(socket.SHUT_WR)
        assert receive(client, 6) == b"answer"
        assert has_ended(client)


def test_a_reset_of_the_target_reaches_the_client() -> None:
    """When the target resets, the client's connection ends, though bytes wait on the link."""
    with (
        listening() as listener,
        LinkProxy(target_of(listener), up=constant(0.1)) as link,
        pair(link, listener) as (client, server),
    ):
        client.sendall(bytes(10_000))
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        server.close()
        assert has_ended(client)


def test_a_reset_of_the_client_reaches_the_target() -> None:
    """When the client resets, the target's connection ends."""
    with (
        listening() as listener,
        LinkProxy(target_of(listener), down=constant(0.1)) as link,
        pair(link, listener) as (client, server),
    ):
        server.sendall(bytes(10_000))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        client.close()
        assert has_ended(server)


def test_a_target_that_is_down_ends_connections_until_it_returns() -> None:
    """Clients of a dead target are closed at once; a restarted one is reached again."""
    with listening() as listener, LinkProxy(target_of(listener)) as link:
        port = listener.getsockname()[1]
        with pair(link, listener) as (client, server):
            listener.close()
            server.close()
            assert has_ended(client)
        assert is_turned_away(link.address)
        assert is_turned_away(link.address)
        with listening(port) as restarted, pair(link, restarted) as (client, server):
            client.sendall(b"again")
            assert receive(server, 5) == b"again"


def test_closing_ends_connections_and_frees_the_port() -> None:
    """After close both sides have ended, and another proxy may listen there."""
    with listening() as listener:
        link = LinkProxy(target_of(listener), up=constant(1))
        link.start()
        address = link.address
        with pair(link, listener) as (client, server):
            client.sendall(bytes(100))
            receive(server, 100)
            link.close()
            link.close()
            assert has_ended(client)
            assert has_ended(server)
        port = int(address.rpartition(":")[2])
        with LinkProxy(target_of(listener), listen_port=port) as again:
            assert again.address == address


def test_a_proxy_tells_its_state() -> None:
    """Before the start there is no address and no rate to set; starting twice is an error."""
    with listening() as listener:
        link = LinkProxy(target_of(listener))
        assert "stopped" in repr(link)
        with pytest.raises(RuntimeError, match="start it first"):
            _ = link.address
        with pytest.raises(RuntimeError, match="not started"):
            link.set_rate(None, None)
        with link:
            assert link.address in repr(link)
            with pytest.raises(RuntimeError, match="started already"):
                link.start()


@pytest.mark.parametrize("target", ["", "8001", ":8001", "host:", "host:http", "host:70000"])
def test_a_target_without_host_and_port_is_refused(target: str) -> None:
    """The message says how to write a target."""
    with pytest.raises(ValueError, match="target must be HOST:PORT"):
        LinkProxy(target)


def test_impossible_delays_and_rates_are_refused() -> None:
    """A negative delay or rate is an error that names the bound."""
    with pytest.raises(ValueError, match="delay_s must be at least 0"):
        LinkProxy("127.0.0.1:8001", delay_s=-1e-3)
    link = LinkProxy("127.0.0.1:8001")
    with link, pytest.raises(ValueError, match="bandwidth_bytes_per_s must be at least 0"):
        link.set_rate(-1.0, None)


def test_a_port_that_is_taken_is_an_error() -> None:
    """Two proxies cannot listen at one port."""
    with listening() as listener:
        link = LinkProxy(target_of(listener), listen_port=listener.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            link.start()


def _scheduling() -> tuple[int, int] | None:
    """Give policy and priority of this thread, where the system knows them."""
    if not hasattr(os, "sched_getscheduler"):
        return None
    return os.sched_getscheduler(0), os.sched_getparam(0).sched_priority


def test_the_command_line_obeys_its_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One JSON line when ready; wrong lines are told on standard error; quit ends it."""
    lines = "rate 5Mbit/s none\n\nrate 5 5\nfaster\nquit\nrate 1 1\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    options = ["--target", "127.0.0.1:8001", "--delay", "5ms", "--up", "5Mbit/s", "--down", "none"]
    priority = _scheduling()
    assert proxy_module.main(options) == 0
    assert _scheduling() == priority, "only a process that is nothing but a link comes first"
    said = capsys.readouterr()
    assert json.loads(said.out)["address"].startswith("127.0.0.1:")
    assert [line[:9] for line in said.err.splitlines()] == ["bandwidth", "not a com"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--target", "nowhere"], "target must be HOST:PORT"),
        (["--target", "h:1", "--delay", "5"], "write a number and a unit"),
        (["--target", "h:1", "--up", "5"], "write a number and a unit"),
    ],
)
def test_the_command_line_says_what_is_wrong(
    options: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong option ends with the parser's own message."""
    with pytest.raises(SystemExit):
        proxy_module.main(options)
    assert named in capsys.readouterr().err
