"""What a foreign server's transport does with odd answers and odd moments."""

import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
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


def test_a_bug_of_ours_loses_no_request(transport, failures, monkeypatch, caplog):
    """What threads of gRPC raise is swallowed: whoever waits for the answer would wait in vain."""
    monkeypatch.setattr(transport._times, "learned", lambda *given: 1 / 0)
    assembly = Assembly((TensorSpec("y", "float32", (1,)),), "fake:1")
    offload = Offload(0, OffloadRequest("tiny", {}, Chunker(()), assembly))
    response = messages.ModelInferResponse(model_name="tiny", id="0")
    response.outputs.add(name="y", datatype="FP32", shape=[1])
    response.raw_output_contents.append(bytes(4))
    transport._calls[0] = call = SimpleNamespace(result=lambda: response)
    transport._done(offload, "tiny", call)
    event = offload.next_event(0.0, 0.0)
    assert isinstance(event, OffloadFailed)
    assert "ZeroDivisionError" in event.reason
    assert "reading from" in caplog.text
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


@pytest.mark.parametrize("is_late", [True, False])
def test_what_was_called_off_early_was_not_on_time(transport, is_late: bool):
    """A server that was found to be slow is not cleared by a request that had no time to be."""
    link, untold = transport._link, transport._untold
    link.up.observe(1e6, 1.0)
    link.observe_round_trip(0.01)
    chunker = Chunker((("x", np.ones((1, 1000), np.uint8)),))
    offload = Offload(1, OffloadRequest("tiny", {}, chunker, Assembly((), "fake:1")))
    offload.expected_idle_s, offload.first_sent_at_s = 0.1, 0.5
    assert untold.tail_s(offload, 0.1, 5.0) is None
    untold.probed(1e6, 5.1)
    assert untold._blame._measured is not None
    cancelled = threading.Event()
    transport._calls[1] = SimpleNamespace(cancel=cancelled.set)
    transport.cancel(offload, 0.52, is_late=is_late)
    assert cancelled.is_set()
    assert (untold._blame._measured is None) == is_late
