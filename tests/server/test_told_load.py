"""The load that a real server tells: with answers, with refusals, and when asked for it."""

from typing import Any

import numpy as np
from tests.server.conftest import Peer

from cutpoint.lab.server_process import ServerProcess
from cutpoint.wire import frames
from cutpoint.wire.load_text import LOAD, ToldLoad, read
from cutpoint.wire.protocol import ERROR, RESULT, get_parameters

_COUNTING = {"x": np.ones((256, 256), np.float32), "rounds": np.array([1])}
_LONG = {"x": np.ones((256, 256), np.float32), "rounds": np.array([5000])}
_SIZE = 300_000


def _told(message: Any) -> ToldLoad | None:
    return read(get_parameters(message.infer_response.parameters).get(LOAD))


def _polled(peer: Peer, number: int, model: str = "") -> ToldLoad | None:
    peer.send(frames.probe_request(number, 0, model))
    _, identity, message = peer.receive()
    assert identity == number
    return _told(message)


def _answered(peer: Peer, number: int) -> ToldLoad | None:
    for piece in peer.pieces("counting", number, _COUNTING, _SIZE):
        peer.send(piece)
    told, received_bytes = None, 0
    while received_bytes < _COUNTING["x"].nbytes:
        kind, _, message = peer.receive()
        if kind == RESULT:
            told = told or _told(message)
            received_bytes += len(frames.response_chunk(message.infer_response).payload)
    return told


def test_an_answer_tells_the_load(peer: Peer) -> None:
    """W, k, E by batch and who waits, of requests lately, this one among them."""
    told = _answered(peer, 1)
    assert told is not None
    assert told.age_s < 1.0
    assert told.wait_s >= 0
    assert told.slowdown > 0
    assert told.batch == 1.0
    assert told.num_pending == 0
    assert [batch for batch, _ in told.execution_s] == [1]


def test_a_probe_of_nothing_asks_for_the_load(peer: Peer) -> None:
    """Of what the stream asked for last, or of the model it names; one with bytes asks nothing."""
    _answered(peer, 1)
    told = _polled(peer, 2)
    assert told is not None
    assert told.execution_s == _polled(peer, 3, "counting").execution_s != ()
    assert _polled(peer, 4, "six_convs").execution_s == ()
    peer.send(frames.probe_request(5, 100))
    assert _told(peer.receive()[2]) is None


def test_the_servers_clock_goes_on(peer: Peer) -> None:
    """The time rides with every word: a later one is told later."""
    first, second = _polled(peer, 1), _polled(peer, 2)
    assert 0 < second.at_s - first.at_s < 10


def test_a_refusal_tells_the_load(served: ServerProcess, peer: Peer) -> None:
    """Who is turned away hears how many wait; who asks hears it as well."""
    for number in range(8):
        for piece in peer.pieces("counting", number, _LONG, _SIZE):
            peer.send(piece)
    while True:
        kind, _, message = peer.receive()
        if kind == ERROR:
            break
    told = _told(message)
    assert told is not None
    assert told.num_pending >= 1
    other = Peer(served.address)
    try:
        assert _polled(other, 1).num_pending >= 1
    finally:
        other.close()
    for number in range(8):
        peer.send(frames.cancel_request(number))
    peer.end()


def test_a_peer_that_asks_for_a_model_of_any_name_is_told(peer: Peer) -> None:
    """It need not exist: the queue is the same."""
    told = _polled(peer, 1, "x" * 5000)
    assert told is not None
    assert told.num_pending is not None
