"""Another model under the same name while a session runs: no answer of it is ever given out."""

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread
from typing import Any

import grpc
import numpy as np
import onnxruntime
import pytest
from tests.client.conftest import running_server, save, tiny_model
from tests.client.test_other_servers import PlainServer

from cutpoint import InferenceSession
from cutpoint.client import connector
from cutpoint.client.witness import Witness
from cutpoint.exceptions import ConnectError, ModelMismatchError
from cutpoint.lab.equivalence import is_equal
from cutpoint.wire.protocol import services


def free_port() -> int:
    """Give a port nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
def other_path(tmp_path: Path) -> Path:
    """Give the path of another model of the same name."""
    (tmp_path / "other").mkdir()
    return save(tmp_path / "other" / "tiny.onnx", tiny_model(seed=4))


@pytest.fixture
def expected(model_path, feed):
    """Give what ONNX Runtime itself makes of the feed."""
    return onnxruntime.InferenceSession(str(model_path)).run(None, feed)[0]


class Traffic:
    """Runs one inference after the other, and keeps what was wrong."""

    def __init__(self, session: InferenceSession, feed: dict[str, Any], expected: Any) -> None:
        self.session, self.feed, self.expected = session, feed, expected
        self.placements: list[str] = []
        self.wrong: list[Any] = []
        self.reasons: set[str] = set()
        self._is_over = Event()
        self._thread = Thread(target=self._work)

    def __enter__(self) -> "Traffic":  # noqa: PYI034 (Self needs Python 3.11)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def until(self, placement: str, timeout_s: float = 10.0) -> None:
        """Wait until three answers in a row came from there."""
        began_s = time.perf_counter()
        while len(self.placements) < 3 or set(self.placements[-3:]) != {placement}:
            assert time.perf_counter() - began_s < timeout_s, self.reasons
            time.sleep(0.001)

    def _work(self) -> None:
        while not self._is_over.is_set():
            (output,) = self.session.run(None, self.feed)
            record = self.session.last_record
            if not is_equal(output, self.expected):
                self.wrong.append(record)
            self.placements.append(record.placement)
            if record.fallback_reason:
                self.reasons.add(record.fallback_reason)


def test_another_model_after_a_restart_answers_nothing(model_path, other_path, feed, expected):
    """The device computes while the other one is there, and goes on when its own is back."""
    port = free_port()
    with ExitStack() as stack:
        server = stack.enter_context(ExitStack())
        server.enter_context(running_server(model_path, port=port))
        session = stack.enter_context(
            InferenceSession(model_path, server=f"127.0.0.1:{port}", policy="server")
        )
        session.wait_until_ready(10)
        with Traffic(session, feed, expected) as traffic:
            for served in (other_path, model_path):
                traffic.until("server")
                server.close()
                traffic.until("device")
                server.enter_context(running_server(served, port=port))
                if served is other_path:
                    with pytest.raises(ModelMismatchError):
                        wait_for_problem(session, ModelMismatchError)
                    server.close()
                    server.enter_context(running_server(model_path, port=port))
            traffic.until("server")
        assert traffic.wrong == []
        assert any("holds another 'tiny'" in reason for reason in traffic.reasons)


def wait_for_problem(session: InferenceSession, kind: type[Exception]) -> None:
    """Wait until the session's server is in trouble of a kind; raises it."""
    began_s = time.perf_counter()
    while time.perf_counter() - began_s < 10:
        problem = session._engine.servers.chosen(0.0).problem
        if isinstance(problem, kind):
            raise problem
        time.sleep(0.005)


class Swapped(PlainServer):
    """A server of the protocol that takes up another model while it runs."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.version = "1"

    def swap(self, path: Path, version: str = "1") -> None:
        """Answer with another model from now on."""
        self._session = onnxruntime.InferenceSession(str(path))
        self.version = version

    def answer(self, request: Any, output: Any) -> Any:
        """Give the answer, and its version."""
        response = super().answer(request, output)
        response.model_version = self.version
        return response


class Restarted:
    """A plain server at one port, started again with other models."""

    def __init__(self) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._server: Any = None

    def start(self, servicer: Any) -> None:
        """Serve, in the place of what was there."""
        self.stop()
        # Where a server ends, its port may be taken for a moment longer.
        for _ in range(100):
            self._server = grpc.server(ThreadPoolExecutor(4), options=(("grpc.so_reuseport", 0),))
            services.add_GRPCInferenceServiceServicer_to_server(servicer, self._server)
            try:
                self._server.add_insecure_port(self.address)
            except RuntimeError:
                time.sleep(0.02)
                continue
            break
        self._server.start()

    def stop(self) -> None:
        """End it, and every connection with it."""
        if self._server is not None:
            self._server.stop(None).wait()
            self._server = None


@pytest.fixture
def restarted():
    """Give a plain server that is not started yet."""
    restarted = Restarted()
    yield restarted
    restarted.stop()


def test_a_plain_server_with_another_model_after_a_restart_answers_nothing(
    model_path, other_path, feed, expected, restarted
):
    """It tells no digest: what was checked holds for one connection, and ends with it."""
    restarted.start(PlainServer(model_path))
    with InferenceSession(model_path, server=restarted.address, policy="server") as session:
        session.wait_until_ready(10)
        with Traffic(session, feed, expected) as traffic:
            for _ in range(3):
                traffic.until("server")
                restarted.start(PlainServer(other_path))
                with pytest.raises(ModelMismatchError, match="gives another"):
                    wait_for_problem(session, ModelMismatchError)
                restarted.start(PlainServer(model_path))
            traffic.until("server")
        assert traffic.wrong == []


def test_a_plain_server_that_was_idle_when_it_was_swapped_answers_nothing(
    model_path, other_path, feed, expected, restarted
):
    """No request was under way to fail, and gRPC has connected again before the next one."""
    restarted.start(PlainServer(model_path))
    with InferenceSession(model_path, server=restarted.address, policy="server") as session:
        session.wait_until_ready(10)
        for _ in range(5):
            assert until(lambda: is_offloaded(session, feed, expected))
            restarted.start(PlainServer(other_path))
            assert is_equal(session.run(None, feed)[0], expected)
            assert session.last_record.placement == "device"
            restarted.start(PlainServer(model_path))


def is_offloaded(session: InferenceSession, feed: dict[str, Any], expected: Any) -> bool:
    """Run once, which must be right; tell whether the answer is the server's."""
    assert is_equal(session.run(None, feed)[0], expected)
    return session.last_record.placement == "server"


def test_another_version_is_not_what_was_checked(model_path, other_path, feed, expected, restarted):
    """A server that takes up another version while it runs says so in its answers."""
    server = Swapped(model_path)
    restarted.start(server)
    with InferenceSession(model_path, server=restarted.address, policy="server") as session:
        session.wait_until_ready(10)
        with Traffic(session, feed, expected) as traffic:
            traffic.until("server")
            server.swap(other_path, "2")
            traffic.until("device")
            server.swap(model_path, "3")
            traffic.until("server")
        assert traffic.wrong == []
        assert any("version '2'" in reason for reason in traffic.reasons)


def test_a_model_that_changes_without_a_word_is_found_by_the_next_check(
    model_path, other_path, feed, expected, restarted, monkeypatch: pytest.MonkeyPatch
):
    """Same process, same version: a check of every so often is what the protocol allows for."""
    monkeypatch.setattr(connector, "RECHECK_EVERY_S", 0.1)
    server = Swapped(model_path)
    restarted.start(server)
    with InferenceSession(model_path, server=restarted.address, policy="server") as session:
        session.wait_until_ready(10)
        assert until(lambda: is_offloaded(session, feed, expected))
        server.swap(other_path)
        began_s = time.perf_counter()
        while session._engine.server.is_connected:  # nothing is sent: it is found all the same
            assert time.perf_counter() - began_s < 10
            time.sleep(0.005)
        assert is_equal(session.run(None, feed)[0], expected)
        assert "gives another 't3'" in session.last_record.fallback_reason


class TestWitness:
    """A connection that ends with the process behind it."""

    def test_it_is_there_until_the_other_end_is_closed(self):
        """Also where the other end has said something meanwhile."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            witness = Witness(f"127.0.0.1:{listening.getsockname()[1]}", 1.0)
            other, _ = listening.accept()
            assert witness.is_there
            other.sendall(b"x" * 10_000)
            assert until(lambda: witness.is_there)
            other.close()
            assert until(lambda: not witness.is_there)
            witness.close()
            assert not witness.is_there

    def test_nobody_there(self):
        """The error is typed and names the address."""
        with pytest.raises(ConnectError, match=r"127\.0\.0\.1:1 cannot be reached"):
            Witness("127.0.0.1:1", 1.0)


def until(condition: Callable[[], bool]) -> bool:
    """Wait until something is true, for no longer than five seconds; gives whether it is."""
    began_s = time.perf_counter()
    while not condition() and time.perf_counter() - began_s < 5:
        time.sleep(0.001)
    return condition()


def test_a_restarted_server_with_other_times_is_planned_with_them(model_path, feed):
    """What it told before is forgotten with the connection."""
    port = free_port()
    with ExitStack() as stack:
        server = stack.enter_context(ExitStack())
        server.enter_context(running_server(model_path, port=port))
        session = stack.enter_context(InferenceSession(model_path, server=f"127.0.0.1:{port}"))
        session.wait_until_ready(10)
        connection = session._engine.server
        costs = connection.costs
        bucket = session._engine._buckets.of(feed)
        bucket.table(costs, connection.tails, connection.address)
        server.close()
        assert until(lambda: connection.costs is None)
        server.enter_context(running_server(model_path, port=port))
        session.wait_until_ready(10)
        assert connection.costs is not costs
        table = bucket.table(connection.costs, connection.tails, connection.address)
        whole = next(row for row, cut in enumerate(table.cuts) if cut.placement == "server")
        np.testing.assert_allclose(table.tail_s[whole], connection.costs.whole_s)
