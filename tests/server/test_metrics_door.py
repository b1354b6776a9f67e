"""The metrics' door: HTTP that tells health and numbers, whoever knocks."""

import os
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread, active_count
from types import SimpleNamespace
from typing import Any

import pytest
from tests.certificates import CLIENT_USE, SERVER_USE, Authority

from cutpoint.exceptions import ConnectError
from cutpoint.server.door import ServerSecurity
from cutpoint.server.metrics import Metrics
from cutpoint.server.metrics_door import MetricsDoor

JUNK = [
    b"", b"\r\n\r\n", b"\x00" * 500, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"A" * 70_000,
    b"GET /metrics HTTP/1.1\r\n" + b"x: y\r\n" * 500 + b"\r\n",
    b"GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"POST /metrics HTTP/1.1\r\n\r\n",
    b"GET /\xff\xfe\x00 HTTP/1.1\r\n\r\n", b"GET http://[::1 HTTP/1.1\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nAccept: \xff\xff;version=%n\r\n\r\n",
    b"DELETE /v2/health/live HTTP/1.1\r\n\r\n",
]  # fmt: skip


@pytest.fixture
def is_ready() -> Event:
    """Give what tells the door that the server is ready."""
    return Event()


@pytest.fixture
def metrics(is_ready: Event) -> Metrics:
    """Give the metrics of an idle server."""
    queue = SimpleNamespace(pending=0, waiting=0, busy=0, num_workers=1, max_waiting=2)
    return Metrics(SimpleNamespace(endpoints=tuple), queue, is_ready.is_set, "1")


@pytest.fixture
def opened(metrics: Metrics, is_ready: Event) -> Iterator[Callable[..., str]]:
    """Give what opens a door and gives its address; they are closed afterwards."""
    doors = []

    def begin(**settings: Any) -> str:
        doors.append(MetricsDoor(metrics, is_ready.is_set, **settings))
        return doors[-1].open()

    yield begin
    for door in doors:
        door.close()


def get(address: str, path: str, headers: dict[str, str] | None = None, **how: Any) -> Any:
    """Ask for a path; give the status, the content and its type."""
    scheme = "https" if how else "http"
    request = urllib.request.Request(f"{scheme}://{address}{path}", headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=30, **how) as response:
            return response.status, response.read(), response.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers["Content-Type"]


def knock(address: str) -> socket.socket:
    """Connect and say nothing."""
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=30)


def test_live_is_not_ready(opened: Callable[..., str], is_ready: Event) -> None:
    """A server that is not ready lives all the same; other paths are none."""
    address = opened()
    assert get(address, "/v2/health/live")[:2] == (200, b"live\n")
    assert get(address, "/v2/health/ready")[:2] == (503, b"not ready\n")
    is_ready.set()
    assert get(address, "/v2/health/ready")[:2] == (200, b"ready\n")
    assert get(address, "/")[0] == get(address, "/v2/models/m/infer")[0] == 404


def test_metrics_are_given_in_the_format_that_is_taken(opened: Callable[..., str]) -> None:
    """Plain text by default, OpenMetrics to whoever takes that; a query changes nothing."""
    address = opened()
    status, content, kind = get(address, "/metrics?x=1")
    assert (status, kind.startswith("text/plain")) == (200, True)
    assert b"cutpoint_ready 0.0\n" in content
    accept = {"Accept": "application/openmetrics-text;version=1.0.0"}
    status, content, kind = get(address, "/metrics", accept)
    assert (status, kind.startswith("application/openmetrics-text")) == (200, True)
    assert content.endswith(b"# EOF\n")


def test_junk_is_survived(opened: Callable[..., str], capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever is sent, the next one is served, nothing is printed and no file stays open."""
    address = opened()
    get(address, "/metrics")
    before = len(os.listdir("/proc/self/fd"))
    for junk in JUNK:
        with knock(address) as guest:
            guest.sendall(junk)
            guest.shutdown(socket.SHUT_WR)
            _read_all(guest)
        assert get(address, "/v2/health/live")[0] == 200
    assert get(address, "/metrics")[0] == 200
    assert len(os.listdir("/proc/self/fd")) <= before + 2
    assert capfd.readouterr() == ("", "")


def _read_all(guest: socket.socket) -> bytes:
    content = b""
    try:
        while piece := guest.recv(1 << 16):
            content += piece
    except ConnectionResetError:
        pass  # hung up with some of what was sent unread
    return content


def test_who_says_nothing_keeps_nobody_out(opened: Callable[..., str]) -> None:
    """Forty connections that stay silent: the page is served, and few of them are kept."""
    address = opened()
    silent = [knock(address) for _ in range(40)]
    try:
        assert get(address, "/metrics")[0] == 200
        for guest in silent[:20]:
            assert _read_all(guest) == b""  # hung up: the oldest go first
    finally:
        for guest in silent:
            guest.close()


def test_rendering_rests(opened: Callable[..., str], metrics: Metrics) -> None:
    """However many ask, rendering goes on one at a time and rests longer than it works."""
    address = opened()
    running, most, render = [0], [0], metrics.text

    def watched(accept: str) -> Any:
        running[0] += 1
        most[0] = max(most[0], running[0])
        rendered = render(accept)
        running[0] -= 1
        return rendered

    metrics.text = watched  # type: ignore[method-assign]
    threads = [Thread(target=get, args=(address, "/metrics")) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.org"])
def test_others_are_shown_nothing_unguarded(host: str, metrics: Metrics) -> None:
    """The rule is the inference door's: an address that others reach needs a guard."""
    with pytest.raises(ConnectError, match="without protection"):
        MetricsDoor(metrics, lambda: True, host)


def test_a_port_that_is_taken_is_named(opened: Callable[..., str]) -> None:
    """The error names the port and says what to do."""
    port = int(opened().rpartition(":")[2])
    with pytest.raises(ConnectError, match=f"127.0.0.1:{port}.*another port"):
        opened(port=port)


def test_metrics_need_the_token_and_health_needs_none(
    opened: Callable[..., str], tmp_path: Path
) -> None:
    """A wrong token, none, or one in other words is refused; a probe of health is not."""
    (tmp_path / "tokens").write_text("first\nsecond\n")
    address = opened(security=ServerSecurity(token=str(tmp_path / "tokens")))
    for given in ({}, {"Authorization": "Bearer third"}, {"Authorization": "first"},
                  {"Authorization": "Bearer"}, {"Authorization": "Bearer f\xefrst"}):  # fmt: skip
        assert get(address, "/metrics", given)[0] == 401
    for token in ("first", "second"):
        assert get(address, "/metrics", {"Authorization": f"Bearer {token}"})[0] == 200
    assert get(address, "/v2/health/live")[0] == 200


def test_tls_is_spoken_where_inference_speaks_it(
    opened: Callable[..., str], tmp_path: Path
) -> None:
    """With a certificate the page is encrypted; with a client CA a certificate is asked for."""
    authority = Authority(tmp_path, "ours")
    server, client = authority.pair("server", SERVER_USE), authority.pair("client", CLIENT_USE)
    stranger = Authority(tmp_path, "theirs").pair("client", CLIENT_USE)
    address = opened(
        security=ServerSecurity(server.certificate, server.key, client_ca=authority.ca)
    )
    trusting = ssl.create_default_context(cafile=authority.ca)
    for pair in (None, stranger):
        context = ssl.create_default_context(cafile=authority.ca)
        if pair is not None:
            context.load_cert_chain(pair.certificate, pair.key)
        with pytest.raises(OSError, match=r"(?i)alert|reset|eof|closed|broken"):
            get(address, "/metrics", context=context)
    trusting.load_cert_chain(client.certificate, client.key)
    assert get(address, "/metrics", context=trusting)[0] == 200
    with knock(address) as plain:
        plain.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert b"cutpoint" not in _read_all(plain)
    assert get(address, "/metrics", context=trusting)[0] == 200


def test_the_certificate_is_exchanged_while_the_page_is_shown(
    opened: Callable[..., str], tmp_path: Path
) -> None:
    """Who asks after an exchange sees the new one; a pair caught in between changes nothing."""
    old = Authority(tmp_path, "old")
    new = Authority(tmp_path, "new")
    files, later = old.pair("server", SERVER_USE), new.pair("server", SERVER_USE)
    address = opened(security=ServerSecurity(files.certificate, files.key))
    by_old, by_new = (ssl.create_default_context(cafile=each.ca) for each in (old, new))
    Path(files.certificate).write_bytes(Path(later.certificate).read_bytes())
    assert get(address, "/metrics", context=by_old)[0] == 200
    Path(files.key).write_bytes(Path(later.key).read_bytes())
    assert get(address, "/metrics", context=by_new)[0] == 200


def test_a_flood_of_readers_leaves_no_threads_behind(
    opened: Callable[..., str], metrics: Metrics
) -> None:
    """Readers that ask and hang up while the page is made do not pile up on the server."""
    address, is_over = opened(), Event()

    def slow(_: str) -> tuple[bytes, str]:
        is_over.wait(30)
        return b"page", "text/plain"

    metrics.text = slow  # type: ignore[method-assign]
    before, readers = active_count(), []
    try:
        for _ in range(150):
            readers.append(knock(address))
            readers[-1].sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert get(address, "/v2/health/live")[0] == 200  # all those before were taken in
        assert active_count() - before < 100
    finally:
        is_over.set()
        for reader in readers:
            reader.close()


def test_closing_hangs_up(metrics: Metrics) -> None:
    """After closing the port is free, silent guests are gone, and closing again is nothing."""
    door = MetricsDoor(metrics, lambda: True)
    address = door.open()
    with knock(address) as guest:
        assert get(address, "/v2/health/live")[0] == 200
        door.close()
        assert _read_all(guest) == b""
    with pytest.raises(ConnectionRefusedError):
        knock(address)
    door.close()
