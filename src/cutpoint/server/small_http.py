"""A small HTTP server that a flood, a slow reader or nonsense cannot hold up for long."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from cutpoint.server.certificate_files import States, states_of

if TYPE_CHECKING:
    from cutpoint.server.door import ServerSecurity

_log = logging.getLogger(__name__)

_MAX_GUESTS = 16
"""Connections at a time: one more ends the oldest, so that idle ones keep nobody out."""

_PATIENCE_S = 5.0
"""For each piece of a request, and for a reader to take the page."""


class Page(NamedTuple):
    """What is answered."""

    status: int
    content: bytes
    content_type: str


class SmallServer(ThreadingHTTPServer):
    """
    Answers GET and HEAD, one request per connection, one thread each and few of them.

    Parameters
    ----------
    host, port
        To bind.
    page
        Gives the answer to a path and headers, whose names are in small letters.
    tls
        Gives the context of TLS for each connection; ``None`` speaks plain.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(
        self,
        host: str,
        port: int,
        page: Callable[[str, Mapping[str, str]], Page],
        tls: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        self.page = page
        self.tls = tls
        self._guests: dict[socket.socket, None] = {}
        self._guests_lock = Lock()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind, without asking anybody for this host's name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a guest in; the one who has stayed longest goes if there are too many."""
        with self._guests_lock:
            self._guests[request] = None
            oldest = next(iter(self._guests)) if len(self._guests) > _MAX_GUESTS else None
            if oldest is not None:
                del self._guests[oldest]
        if oldest is not None:
            _hang_up(oldest)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Let a guest go."""
        self.exchange(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over what a guest did; it is nobody else's trouble."""
        _log.debug("a guest of the metrics went away", exc_info=True)

    def exchange(self, before: socket.socket, now: socket.socket | None) -> None:
        """Know a guest by another socket, or by none any more."""
        with self._guests_lock:
            self._guests.pop(before, None)
            if now is not None:
                self._guests[now] = None

    def hang_up(self) -> None:
        """End every connection."""
        with self._guests_lock:
            guests = list(self._guests)
        for guest in guests:
            _hang_up(guest)


class _Handler(BaseHTTPRequestHandler):
    """One request per connection."""

    server: SmallServer
    timeout = _PATIENCE_S
    server_version = "cutpoint"
    sys_version = ""

    def setup(self) -> None:
        """Begin to talk; on this thread, so that a slow handshake is nobody else's wait."""
        if self.server.tls is not None:
            plain: socket.socket = self.request
            plain.settimeout(_PATIENCE_S)
            self.request = self.server.tls().wrap_socket(
                plain, server_side=True, do_handshake_on_connect=False
            )
            self.server.exchange(plain, self.request)
            try:
                self.request.do_handshake()
            except BaseException:
                self._let_go()
                raise
        super().setup()

    def finish(self) -> None:
        """End, and let go of what was put around the socket."""
        super().finish()
        if self.server.tls is not None:
            self._let_go()

    def do_GET(self) -> None:
        """Answer."""
        self._answer(has_body=True)

    def do_HEAD(self) -> None:
        """Answer without the content."""
        self._answer(has_body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: what guests write belongs in no log."""

    def _let_go(self) -> None:
        self.server.exchange(self.request, None)
        self.request.close()

    def _answer(self, has_body: bool) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        page = self.server.page(self.path, headers)
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.content)))
        self.end_headers()
        if has_body:
            self.wfile.write(page.content)


class TlsFiles:
    """
    What speaks TLS as the inference door does; its files are read again when they change.

    Parameters
    ----------
    security
        Names the files; one of them is a certificate.

    Raises
    ------
    OSError
        If a file cannot be read or used.
    """

    def __init__(self, security: ServerSecurity) -> None:
        self._security = security
        self._states = self._seen()
        self._context = self._read()

    def current(self) -> ssl.SSLContext:
        """Give the context as the files hold it now; asked for at every handshake."""
        states = self._seen()
        if states != self._states:
            self._states = states
            try:
                self._context = self._read()
            except OSError as error:
                _log.warning("TLS of metrics: %s; what was read before stays in force", error)
        return self._context

    def _read(self) -> ssl.SSLContext:
        files = self._security
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Without a passphrase of its own OpenSSL would ask the terminal for one.
        context.load_cert_chain(files.certificate or "", files.key, password=lambda: b"")
        if files.client_ca is not None:
            context.load_verify_locations(files.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _seen(self) -> States:
        files = self._security
        return states_of(files.certificate, files.key, files.client_ca)


def _hang_up(guest: socket.socket) -> None:
    try:
        guest.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # gone already
