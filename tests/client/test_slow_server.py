"""A server that is healthy and five times slower than it says."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import numpy as np
import pytest

from cutpoint import InferenceSession
from cutpoint.graph import sample_feed
from cutpoint.lab.server_process import ServerProcess
from cutpoint.lab.zoo import write

pytestmark = pytest.mark.alone

_STOPPED_S, _RUNNING_S = 0.008, 0.002


@contextmanager
def slowed(pid: int) -> Iterator[None]:
    """Let a process run a fifth of the time, in turns of 10 ms."""
    is_over = Event()

    def work() -> None:
        while not is_over.is_set():
            os.kill(pid, signal.SIGSTOP)
            time.sleep(_STOPPED_S)
            os.kill(pid, signal.SIGCONT)
            time.sleep(_RUNNING_S)

    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@pytest.mark.soak
def test_a_server_that_is_five_times_slower_is_left_within_ten_requests(tmp_path):
    """By the load it reports and by its lateness; it is used again when it is fast again."""
    path = write("squeezenet", tmp_path / "squeezenet.onnx")
    with (
        ServerProcess([str(path)]) as server,
        InferenceSession(path, server=server.address, slowdown=4) as session,
    ):
        session.wait_until_ready(20)
        feed = sample_feed(session.graph)
        for _ in range(20):
            session.run(None, feed)
        assert session.last_record.placement != "device"
        with slowed(server.pid):
            placements = []
            for _ in range(40):
                session.run(None, feed)
                placements.append(session.last_record.placement)
        assert sum(placement != "device" for placement in placements[:10]) < 10
        # It is tried now and then, and never used.
        assert np.mean([placement == "device" for placement in placements[10:]]) > 0.8
        began_s = time.perf_counter()
        while session.last_record.placement == "device":
            assert time.perf_counter() - began_s < 30
            session.run(None, feed)


def test_requests_that_fail_at_once_say_nothing_of_how_late_answers_are(model_path):
    """A server that refuses a hundred requests at once gets no less patience for it."""
    with InferenceSession(model_path, server="127.0.0.1:1") as session:
        server = session._engine.server
        for _ in range(100):
            server.given_up(0.001, 0.05)
        assert server.times_predicted is None
        for _ in range(30):
            server.given_up(0.1, 0.05)
        assert server.times_predicted == pytest.approx(2.5)


def test_an_outage_is_no_slowness(model_path):
    """What was given up because the server stood still is forgotten when it goes on."""
    with InferenceSession(model_path, server="127.0.0.1:1") as session:
        server = session._engine.server
        server.computes_still(1.0, 0.5, 0.4, 0.01)
        assert server.load(1.0).slowdown > 10
        server._supervisor._on_recovered(1.1)
        assert server.load(1.1).slowdown == 1.0
        server.computes_still(1.2, 0.6, 0.4, 0.01)  # it met the outage, too
        assert server.load(1.2).slowdown == 1.0
        server.computes_still(2.0, 1.5, 0.4, 0.01)
        server._supervisor._on_reopened(2.1)
        assert server.load(2.1).slowdown == 1.0
