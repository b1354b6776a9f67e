"""Where metrics and health are looked at: HTTP beside the inference door, on threads of its own."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping
from ssl import SSLContext
from threading import BoundedSemaphore, Lock, Thread
from typing import TYPE_CHECKING

from cutpoint.exceptions import ConnectError
from cutpoint.server.door import ServerSecurity, check_is_guarded
from cutpoint.server.small_http import Page, SmallServer, TlsFiles
from cutpoint.wire.tokens import HEADER, TokenFile, shown

if TYPE_CHECKING:
    from cutpoint.server.metrics import Metrics

_REST = 4.0
"""Rendering rests so many times as long as it took: a flood takes a fifth of a core at most."""

_MOST_WAITING = 32
"""Readers that may wait for the page: more are told to come again, so that none is left behind by
a flood whose readers hang up and still have threads."""

_LOOKS_S = 0.1
"""How often it is seen whether the door is to be closed."""

_PLAIN = "text/plain; charset=utf-8"


class MetricsDoor:
    """
    Serves ``/metrics``, ``/v2/health/live`` and ``/v2/health/ready``.

    Health is told to everybody who reaches the port; metrics to those with a token, where
    tokens are asked for.

    Parameters
    ----------
    metrics
        Rendered on request.
    is_ready
        Whether inference requests are taken; live is not ready.
    host, port
        To bind; port 0 takes any free one.
    security, insecure
        As for the inference door: what is shown and demanded, and whether an address that is
        not loopback may do without.

    Raises
    ------
    ConnectError
        If the address is not loopback and not guarded, or tokens cannot be read.
    """

    def __init__(
        self,
        metrics: Metrics,
        is_ready: Callable[[], bool],
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        security: ServerSecurity | None = None,
        insecure: bool = False,
    ) -> None:
        check_is_guarded(host, security, insecure=insecure, what="show metrics")
        self._metrics = metrics
        self._is_ready = is_ready
        self._host = host
        self._port = port
        self._security = security
        token = None if security is None else security.token
        self._tokens = None if token is None else TokenFile(token)
        self._server: SmallServer | None = None
        self._thread: Thread | None = None
        self._rendering = Lock()
        self._waiting = BoundedSemaphore(_MOST_WAITING)
        self._rests_until_s = 0.0

    def open(self) -> str:
        """
        Listen.

        Returns
        -------
        str
            The address, with the port that was taken.

        Raises
        ------
        ConnectError
            If the port cannot be bound, or the certificate not be used.
        """
        host = self._host.strip("[]")
        try:
            tls = None if self._security is None else _tls_of(self._security)
            self._server = SmallServer(host, self._port, self.page, tls)
        except OSError as error:  # of files and of sockets, ssl.SSLError too
            raise ConnectError(
                f"cannot show metrics on {self._host}:{self._port} ({error.strerror or error}): "
                "name another port, or 0 for any free one; a certificate needs its key"
            ) from error
        serve = self._server.serve_forever
        self._thread = Thread(target=serve, args=(_LOOKS_S,), name="cutpoint-metrics", daemon=True)
        self._thread.start()
        shown = f"[{host}]" if ":" in host else host
        return f"{shown}:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening and hang up; to be called when all else has ended."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self._thread.join()
        self._server = None

    def page(self, path: str, headers: Mapping[str, str]) -> Page:
        """Give what is shown under a path."""
        path = path.partition("?")[0]
        if path == "/metrics":
            if not self._may_read(headers.get(HEADER, "")):
                return Page(401, b"send a token: Authorization: Bearer ...\n", _PLAIN)
            return self._rendered(headers.get("accept", ""))
        if path == "/v2/health/live":
            return Page(200, b"live\n", _PLAIN)
        if path == "/v2/health/ready":
            is_ready = self._is_ready()
            words = b"ready\n" if is_ready else b"not ready\n"
            return Page(200 if is_ready else 503, words, _PLAIN)
        return Page(404, b"/metrics, /v2/health/live, /v2/health/ready\n", _PLAIN)

    def _may_read(self, authorization: str) -> bool:
        if self._tokens is None:
            return True
        given = (shown(authorization) or "").encode(errors="replace")
        # Every one is compared: how long it takes tells nothing.
        known = [each.encode() for each in self._tokens.tokens()]
        return sum(hmac.compare_digest(given, each) for each in known) > 0

    def _rendered(self, accept: str) -> Page:
        if not self._waiting.acquire(blocking=False):
            return Page(503, b"too many readers: come again\n", _PLAIN)
        try:
            return self._rendered_in_turn(accept)
        finally:
            self._waiting.release()

    def _rendered_in_turn(self, accept: str) -> Page:
        with self._rendering:
            time.sleep(max(self._rests_until_s - time.perf_counter(), 0.0))
            began_s = time.perf_counter()
            text, content_type = self._metrics.text(accept)
            ended_s = time.perf_counter()
            self._rests_until_s = ended_s + _REST * (ended_s - began_s)
        return Page(200, text, content_type)


def _tls_of(security: ServerSecurity) -> Callable[[], SSLContext] | None:
    return TlsFiles(security).current if security.uses_tls else None
