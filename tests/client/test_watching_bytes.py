"""What watching over a server costs: every byte of health checks, probes and their answers."""

import time

import numpy as np
import pytest
from tests.client.conftest import running_server, save
from tests.client.counting_proxy import CountingProxy
from tests.client.test_framed import mean_model, wait_for_answer

from cutpoint import InferenceSession
from cutpoint.client.framed import FramedTransport
from cutpoint.estimation import IDLE_BYTES_PER_S
from cutpoint.graph import server_only
from cutpoint.lab.proxy import LinkProxy
from cutpoint.simulation.rate_schedule import RateSchedule

pytestmark = pytest.mark.alone

SIZE = 5_000
"""Numbers of a tensor: 20 KB."""

SPAN_S = 2.1
"""Counted over at least so long: health is checked once in it."""


@pytest.fixture(scope="module")
def large_path(tmp_path_factory):
    """Give a model whose input is all that there is to send."""
    return save(tmp_path_factory.mktemp("models") / "large.onnx", mean_model(SIZE))


def transport_of(session: InferenceSession) -> FramedTransport:
    """Give the open stream of a session."""
    transport = session._engine.server._standing.transport
    assert isinstance(transport, FramedTransport)
    return transport


def await_probe(session: InferenceSession, timeout_s: float = 20.0) -> float:
    """Wait until a probe of the idle link was answered; gives when."""
    answered = transport_of(session).prober.answered
    answered.clear()
    assert answered.wait(timeout_s)
    return time.perf_counter()


@pytest.mark.parametrize("bytes_per_s", [None, 16e3])
def test_an_idle_server_costs_two_kilobytes_a_second(large_path, bytes_per_s) -> None:
    """Between the answers to two probes, on a fast link and on one of 0.13 Mbit/s."""
    rate = None if bytes_per_s is None else RateSchedule.constant(bytes_per_s)
    with (
        running_server(large_path) as address,
        CountingProxy(address) as counted,
        LinkProxy(counted.address, up=rate, down=rate, delay_s=0.005) as link,
        InferenceSession(large_path, server=link.address, policy="device") as session,
    ):
        session.wait_until_ready(20)
        began_s, began_bytes = await_probe(session), counted.num_bytes
        while (ended_s := await_probe(session)) - began_s < SPAN_S:
            pass
        spent_bytes = counted.num_bytes - began_bytes
        assert 0 < spent_bytes <= IDLE_BYTES_PER_S * (ended_s - began_s)


@pytest.mark.parametrize("bytes_per_s", [None, 16e3])
def test_watching_while_offloading_costs_a_hundredth(large_path, bytes_per_s) -> None:
    """Connections beside the stream carry a hundredth of the payload, and nothing is probed."""
    rate = None if bytes_per_s is None else RateSchedule.constant(bytes_per_s)
    feed = {"x": np.ones((1, SIZE), np.float32)}
    with (
        running_server(large_path) as address,
        CountingProxy(address) as counted,
        LinkProxy(counted.address, up=rate, down=rate, delay_s=0.005) as link,
        InferenceSession(large_path, server=link.address, policy="device") as session,
    ):
        session.wait_until_ready(20)
        server, transport, probed = session._engine.server, transport_of(session), []
        transport.prober.send = lambda *given, **named: probed.append(given)
        began_s, began = time.perf_counter(), list(counted.counts)
        payload_bytes = 0
        while time.perf_counter() - began_s < SPAN_S:
            offload = server.offload(server_only(session.graph), feed, None)
            wait_for_answer(offload)
            payload_bytes += offload.request.chunker.given_bytes
        more = [now - before for now, before in zip(counted.counts, began, strict=True)]
        assert max(more) >= payload_bytes
        assert sum(more) - max(more) <= 0.01 * payload_bytes
        assert probed == []
        assert max(more) <= 1.1 * payload_bytes  # frames about the pieces, and acknowledgements
