"""What a session does around its inferences: observers, queues, and nothing at all."""

import subprocess
import sys
import time
from threading import Event

import onnxruntime
import pytest
from tests.client.conftest import running_server

from cutpoint import InferenceSession
from cutpoint.exceptions import ConfigurationError
from cutpoint.lab.equivalence import is_equal
from cutpoint.lab.proxy import LinkProxy

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def expected(model_path, feed):
    """Give what ONNX Runtime itself makes of the feed."""
    return onnxruntime.InferenceSession(str(model_path)).run(None, feed)[0]


class TestOnFallback:
    """Who wants to know of fallbacks is told of each, and of nothing else."""

    def test_every_fallback_is_told_with_its_reason(self, model_path, feed):
        """The record is the one that `on_record` gets, too."""
        told, records = [], []
        with InferenceSession(
            model_path, server=NOWHERE, on_fallback=told.append, on_record=records.append
        ) as session:
            for _ in range(3):
                session.run(None, feed)
        assert told == records
        assert all(NOWHERE in record.fallback_reason for record in told)

    def test_nothing_else_is_told(self, model_path, feed):
        """Neither an answer of the server nor a policy that wants the device is a fallback."""
        told = []
        with running_server(model_path) as address:
            for policy in ("server", "device"):
                with InferenceSession(
                    model_path,
                    server=address,
                    policy=policy,
                    slowdown=1000,  # patience: a busy machine is no fallback
                    on_fallback=told.append,
                ) as session:
                    session.wait_until_ready(10)
                    session.run(None, feed)
                    assert session.last_record.placement == policy
        assert told == []

    def test_an_observer_that_raises_costs_no_answer(self, model_path, feed, expected, caplog):
        """Its error is logged, the outputs are given."""

        def raising(record: object) -> None:
            raise RuntimeError("observer")

        with InferenceSession(model_path, server=NOWHERE, on_fallback=raising) as session:
            assert is_equal(session.run(None, feed)[0], expected)
        assert "on_fallback failed" in caplog.text


def test_twenty_in_a_row_are_answered_when_their_server_dies(model_path, feed, expected):
    """Those that are queued here fall back at once: none waits for what is not there."""
    answered: list[tuple[float, bool, str]] = []
    done = Event()

    def callback(outputs, turn, error):
        is_right = not error and is_equal(outputs[0], expected)
        answered.append((time.perf_counter(), is_right, records[-1].placement))
        if turn == 19:
            done.set()

    records = []
    with (
        running_server(model_path) as address,
        LinkProxy(address, delay_s=0.02) as link,
        InferenceSession(
            model_path,
            server=link.address,
            policy="server",
            slowdown=300,
            on_record=records.append,
        ) as session,
    ):
        session.wait_until_ready(10)
        session.run(None, feed)
        assert session.last_record.placement == "server"
        for turn in range(20):
            session.run_async(None, feed, callback, turn)
        while len(records) < 4:
            time.sleep(0.001)
        link.close()
        died_s = time.perf_counter()
        assert done.wait(30)
        alone = [record for record in records if record.placement == "device"]
        local_s = max(record.measured.latency_s - record.measured.lost_s for record in alone)
    assert len(answered) == 20
    assert all(is_right for _, is_right, _ in answered)
    assert len(alone) >= 14
    assert sum(record.attempts for record in alone) <= 1  # the one that was under way
    assert answered[-1][0] - died_s < 20 * local_s + 1.0


@pytest.mark.parametrize("extra", [-0.1, 2.0])
def test_a_share_of_extra_attempts_that_is_none(model_path, extra):
    """It is refused before anything is loaded or connected."""
    with pytest.raises(ConfigurationError, match="max_extra_attempts"):
        InferenceSession(model_path, server=NOWHERE, max_extra_attempts=extra)


def test_without_a_server_no_socket_is_opened(model_path):
    """Local only: in a process of its own there is no socket, no channel and no thread of ours."""
    program = f"""
import os, socket, sys, threading
import grpc
import numpy as np

def refuse(*_, **__):
    raise AssertionError("a socket was asked for")

events = []
sys.addaudithook(lambda event, _: event.startswith("socket.") and events.append(event))
for name in ("insecure_channel", "secure_channel"):
    setattr(grpc, name, refuse)
from cutpoint import InferenceSession

def sockets():
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{{number}}"))
        except OSError:
            pass
    return [link for link in found if link.startswith("socket:")]

before = sockets() if os.path.isdir("/proc/self/fd") else []
with InferenceSession({str(model_path)!r}, deadline_s=1.0, on_fallback=refuse) as session:
    feed = {{"x": np.zeros((1, 8, 16), np.float32)}}
    session.run(None, feed)
    session.run(None, feed, deadline_s=0.5)
    done = threading.Event()
    session.run_async(None, feed, lambda outputs, mine, error: done.set(), None)
    assert done.wait(10)
    session.wait_until_ready(0.1)
    if os.path.isdir("/proc/self/fd"):
        assert sockets() == before, sockets()
assert events == [], events
ours = [thread.name for thread in threading.enumerate() if "cutpoint" in thread.name]
assert ours == [], ours
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
