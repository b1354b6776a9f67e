"""Whether a server is ready, asked on a connection of its own."""

from threading import Lock

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cutpoint.exceptions import NotReadyError
from cutpoint.wire.channel import open_channel
from cutpoint.wire.credentials import ClientSecurity
from cutpoint.wire.errors import mapped_errors
from cutpoint.wire.protocol import messages, services

_TIMEOUT_S = 0.5


class HealthCheck:
    """
    Asks gRPC's health service; the protocol's own ServerReady where there is none.

    On the connection that carries an upload the answer would wait behind it: 8 s
    instead of 0.3 s for a megabyte at 1 Mbit/s.

    Parameters
    ----------
    address
        ``HOST:PORT``.
    security
        What to show the server and to demand of it.
    """

    def __init__(self, address: str, security: ClientSecurity | None = None) -> None:
        self.address = address
        self._security = security
        self._is_closed = False
        self._lock = Lock()  # gRPC crashes where a stub is made of a channel that was closed
        self._open()

    def check(self, timeout_s: float = _TIMEOUT_S) -> None:
        """
        Return if the server is ready.

        Raises
        ------
        TransportError
            If it is not reached, or does not answer in time.
        NotReadyError
            If it lives and is not ready.
        RemoteProtocolError
            If it speaks something else.
        """
        with mapped_errors(self.address, self._security):
            ready = self._is_serving(timeout_s) if self._has_health else self._is_ready(timeout_s)
        if not ready:
            raise NotReadyError(f"server {self.address} is there and not ready yet: wait for it")

    def reopen(self) -> None:
        """
        Begin with a fresh connection.

        A connection may be dead without a word (another address, a NAT that forgot):
        asking on it again would time out until the kernel gives up, after minutes.
        """
        with self._lock:
            self._channel.close()
            if not self._is_closed:
                self._open()

    def _open(self) -> None:
        self._channel = open_channel(self.address, self._security)
        self._health = health_pb2_grpc.HealthStub(self._channel)
        self._service = services.GRPCInferenceServiceStub(self._channel)
        self._has_health = True

    def close(self) -> None:
        """Close the connection, for good; a check under way fails."""
        with self._lock:
            self._is_closed = True
            self._channel.close()

    def _is_serving(self, timeout_s: float) -> bool:
        try:
            answer = self._health.Check(health_pb2.HealthCheckRequest(), timeout=timeout_s)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNIMPLEMENTED:
                raise
            self._has_health = False
            return self._is_ready(timeout_s)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def _is_ready(self, timeout_s: float) -> bool:
        answer = self._service.ServerReady(messages.ServerReadyRequest(), timeout=timeout_s)
        return bool(answer.ready)
