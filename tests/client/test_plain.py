"""What a foreign server's transport does with odd answers and odd moments."""

import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from tests.client.test_other_servers import PlainServer, serving

from cutpoint import InferenceSession
from cutpoint.client import connector
from cutpoint.client.offload import Offload, OffloadRequest
from cutpoint.client.plain import PlainTransport
from cutpoint.client.server_connection import ServerConnection
from cutpoint.estimation import LinkEstimator
from cutpoint.exceptions import ConnectionLostError, CutpointError
from cutpoint.graph import TEXT
from cutpoint.inference import OffloadFailed
from cutpoint.wire.chunks import Assembly, Chunker
from cutpoint.wire.protocol import messages
from cutpoint.wire.tensors import TensorSpec


@pytest.fixture
def failures() -> list[CutpointError]:
    """Give what the transport tells of."""
    return []


@pytest.fixture
def transport(model_path, failures) -> Iterator[PlainTransport]:
    """Give one to a server on loopback."""
    with serving(PlainServer(model_path)) as address:
        opened = connector.open_channel(address)
        transport = PlainTransport(
            opened,
            address,
            "tiny",
            link=LinkEstimator(),
            clock=lambda: 1.0,
            on_failure=lambda error, at_s: failures.append(error),
        )
        yield transport
        transport.close("over")
        threading.Event().wait(connector._POLLED_S)
        opened.close()


def test_text_that_is_none_fails_its_request(transport, failures):
    """Bytes that are no texts are told as a wrong answer, not waited out."""
    request = OffloadRequest(
        "tiny", {}, Chunker(()), Assembly((TensorSpec("y", TEXT, (1,)),), "fake:1")
    )
    offload = Offload(0, request)
    response = messages.ModelInferResponse(model_name="tiny", id="0")
    response.outputs.add(name="y", datatype="BYTES", shape=[1])
    response.raw_output_contents.append(b"\xff\xff\xff\xff")
    transport._calls[0] = call = SimpleNamespace(result=lambda: response)
    transport._done(offload, "tiny", call)
    event = offload.next_event(0.0, 0.0)
    assert isinstance(event, OffloadFailed)
    assert "texts" in event.reason
    assert len(failures) == 1


def test_a_check_is_not_begun_where_the_process_has_ended(transport):
    """A new silent connection would vouch for whoever is there now."""
    transport._witness.close()
    with pytest.raises(ConnectionLostError, match="has ended since"):
        transport.renew_witness()
    assert transport.ended is not None


def test_a_watched_channel_is_closed_when_nobody_watches_it(model_path, monkeypatch):
    """Closed while gRPC looks at it, its thread would end with a traceback."""
    told: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    order: list[str] = []
    with (
        serving(PlainServer(model_path)) as address,
        InferenceSession(model_path, server=address, name="tiny") as session,
    ):
        session.wait_until_ready(10)
        channel = session._engine.server._supervisor._connector._channel
        own = SimpleNamespace(**vars(time))  # other threads may sleep meanwhile
        noted(monkeypatch, own, "sleep", order)
        monkeypatch.setattr(connector, "time", own)
        noted(monkeypatch, PlainTransport, "unwatch", order)
        noted(monkeypatch, channel, "close", order)
    assert order[:3] == ["unwatch", "sleep", "close"]
    assert not told


def noted(monkeypatch: pytest.MonkeyPatch, at: Any, name: str, order: list[str]) -> None:
    """Write down that something is called, and call it."""
    real: Callable[..., Any] = getattr(at, name)

    def call(*args: Any) -> Any:
        order.append(name)
        return real(*args)

    monkeypatch.setattr(at, name, call)


def test_what_nobody_waits_for_is_no_failure_of_the_server(model_path):
    """A caller that is interrupted leaves the server in good standing."""
    with (
        serving(PlainServer(model_path)) as address,
        InferenceSession(model_path, server=address, name="tiny") as session,
    ):
        session.wait_until_ready(10)
        server: ServerConnection = session._engine.server
        offload = Offload(7, OffloadRequest("tiny", {}, Chunker(()), Assembly((), "fake:1")))
        for _ in range(5):
            server.cancel(offload, 1.0, is_late=False)
        assert server.unavailable is None
