"""A server that takes the connection and never says a word: nothing of ours waits for it."""

import ast
import inspect
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from tests.client.conftest import save, tiny_model

import cutpoint.client
from cutpoint import InferenceSession
from cutpoint.client.connector import Connector
from cutpoint.client.foreign_tail import find_tails
from cutpoint.client.framed import FramedTransport
from cutpoint.client.golden_check import GoldenCheck
from cutpoint.client.handshake import fetch_holdings
from cutpoint.client.health import HealthCheck
from cutpoint.client.offload import Offload, OffloadRequest
from cutpoint.client.plain import PlainTransport
from cutpoint.client.reference import Reference
from cutpoint.client.server_connection import ServerConnection
from cutpoint.client.server_profile import server_profile
from cutpoint.client.servers import Servers
from cutpoint.client.witness import Witness
from cutpoint.cost import HostCosts
from cutpoint.estimation import LinkEstimator
from cutpoint.exceptions import CutpointError
from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import Graph, candidate_cuts
from cutpoint.inference import PatienceEnded
from cutpoint.wire.channel import open_channel
from cutpoint.wire.chunks import Assembly, Chunker
from cutpoint.wire.protocol import services

pytestmark = pytest.mark.alone

SLACK_S = 5.0
"""A machine that is busy with other things; without a deadline it would be for ever."""


@pytest.fixture(scope="module")
def mute() -> Iterator[str]:
    """Give the address of a socket that listens; the system takes connections, nobody reads."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the path of a tiny model."""
    return save(tmp_path_factory.mktemp("models") / "tiny.onnx", tiny_model())


@pytest.fixture(scope="module")
def graph(path: Path) -> Graph:
    """Load it."""
    return load_graph(ModelFile.open(path))


FEED = {"x": np.zeros((1, 8, 16), np.float32)}
REFERENCE = Reference(FEED, {}, lambda cut, values: values)


class Waiting:
    """
    Every way to wait for a server, by name: calls it, and gives how long it may take.

    Parameters
    ----------
    mute
        Address of the server that never answers.
    """

    def __init__(self, mute: str, path: Path, graph: Graph) -> None:
        self.mute, self.path, self.graph = mute, path, graph
        self.link = LinkEstimator()
        self.opened = ExitStack()

    def channel(self) -> Any:
        """Open a channel, which ends with the test."""
        return self.opened.enter_context(open_channel(self.mute))

    def session(self, **settings: Any) -> InferenceSession:
        """Open a session."""
        return InferenceSession(self.path, server=self.mute, policy="server", **settings)

    def connector(self) -> Connector:
        """Give a connector."""
        connector = Connector(
            self.mute,
            self.graph,
            candidate_cuts(self.graph)[:3],
            self.link,
            time.perf_counter,
            lambda error, at_s: None,
            lambda: REFERENCE,
        )
        self.opened.callback(connector.close)
        return connector

    def framed(self) -> FramedTransport:
        """Give a stream."""
        transport = FramedTransport(
            self.channel(),
            self.mute,
            costs=HostCosts(0.0, {}, {}, frozenset()),
            tails=frozenset(),
            link=self.link,
            clock=time.perf_counter,
            on_failure=lambda error, at_s: None,
        )
        self.opened.callback(transport.close, "the test is over")
        return transport

    def plain(self) -> PlainTransport:
        """Give a transport of whole requests."""
        transport = PlainTransport(
            self.channel(),
            self.mute,
            "tiny",
            link=self.link,
            clock=time.perf_counter,
            on_failure=lambda error, at_s: None,
        )
        self.opened.callback(transport.close, "the test is over")
        return transport

    def offload(self, transport: Any) -> object:
        """Send a request that has half a second; gives what comes of it."""
        request = OffloadRequest(
            "tiny", {"remaining_s": 0.5}, Chunker(tuple(FEED.items())), Assembly((), self.mute)
        )
        offload = Offload(1, request)
        transport.send(offload)
        now_s = time.perf_counter()
        event = offload.next_event(now_s + 0.5, now_s)
        if isinstance(event, PatienceEnded):
            transport.cancel(offload, time.perf_counter())
        return event

    def run(self, **settings: Any) -> None:
        """Run a session once."""
        with self.session() as session:
            session.run(None, FEED, **settings)
            assert session.last_record.placement == "device"

    def run_async(self) -> None:
        """Run a session twice on another thread."""
        with self.session(deadline_s=0.5) as session:
            done = [Event(), Event()]
            for event in done:
                session.run_async(None, FEED, lambda out, mine, error: mine.set(), event)
            assert all(event.wait(SLACK_S) for event in done)

    def wait_until_ready(self) -> None:
        """Wait for a session's server."""
        with self.session() as session:
            session.wait_until_ready(0.5)

    def servers(self) -> None:
        """Wait for one of a session's servers."""
        with self.session() as session:
            session._engine.servers.wait_until_ready(0.5)

    def tails(self) -> None:
        """Wait for a server's tails."""
        with self.session() as session:
            cuts = candidate_cuts(self.graph)[:1]
            session._engine.server.wait_for_tails(cuts, 0.5)

    def renewed(self) -> object:
        """Ask for tails."""
        connector = self.connector()
        return connector.renewed(self.framed())

    def health(self) -> None:
        """Ask whether it is ready."""
        check = HealthCheck(self.mute)
        self.opened.callback(check.close)
        check.check(0.5)

    def witness(self) -> bool:
        """Open a witness and look at it."""
        witness = Witness(self.mute, 0.5)
        self.opened.callback(witness.close)
        return witness.is_there

    def golden(self) -> float:
        """Ask for the answer to one input."""
        check = GoldenCheck(self.mute, self.graph, time.perf_counter, lambda: REFERENCE)
        check._timeout_s = 0.5
        return check.took_s(self.plain())

    def foreign_tails(self) -> object:
        """Look for tails at a server that is not ours."""
        stub = services.GRPCInferenceServiceStub(self.channel())
        return find_tails(stub, self.graph, candidate_cuts(self.graph), ())

    def close(self) -> None:
        """Close a session whose server was never reached."""
        with self.session():
            pass

    def calls(self) -> dict[str, tuple[Callable[[], object], float]]:
        """Give the calls, and how long each may take."""
        stub = services.GRPCInferenceServiceStub(self.channel())
        return {
            "InferenceSession.run": (self.run, 0.0),
            "InferenceSession.run(deadline_s)": (lambda: self.run(deadline_s=0.1), 0.1),
            "InferenceSession.run_async": (self.run_async, 0.0),
            "InferenceSession.wait_until_ready": (self.wait_until_ready, 0.5),
            "InferenceSession.close": (self.close, 0.0),
            "Servers.wait_until_ready": (self.servers, 0.5),
            "ServerConnection.wait_for_tails": (self.tails, 0.5),
            "ServerConnection.close": (self.close, 0.0),
            "HealthCheck.check": (self.health, 0.5),
            "Connector.connect": (lambda: self.connector().connect(), 3.0),
            "Connector.renewed": (self.renewed, 2.0),
            "Connector.measure": (lambda: self.connector().measure(self.framed(), 0.5), 0.5),
            "FramedTransport.send": (lambda: self.offload(self.framed()), 0.5),
            "FramedTransport.close": (lambda: self.framed().close("over"), 0.0),
            "PlainTransport.send": (lambda: self.offload(self.plain()), 0.5),
            "PlainTransport.measure": (lambda: self.plain().measure(), 1.0),
            "PlainTransport.wait_until_watched": (
                lambda: self.plain().wait_until_watched(),
                2.0,
            ),
            "PlainTransport.look_into": (lambda: self.plain().look_into(), 3.0),
            "PlainTransport.renew_witness": (lambda: self.plain().renew_witness(), 1.0),
            "GoldenCheck.took_s": (self.golden, 0.5),
            "Witness": (self.witness, 0.5),
            "fetch_holdings": (lambda: fetch_holdings(stub, self.mute, "tiny"), 3.0),
            "find_tails": (self.foreign_tails, 3.0),
            "server_profile": (lambda: server_profile(self.mute, self.graph), 3.0),
        }


AT_ONCE = {
    "InferenceSession": {
        "get_inputs", "get_outputs", "get_providers", "graph", "last_record", "num_checked",
        "withdrawn",
    },
    "Servers": {"addresses", "at", "chosen", "other_than", "unavailable", "close"},
    "ServerConnection": {
        "admit", "answered", "calm_since_s", "cancel", "codecs", "computes_still", "costs",
        "decode_speeds", "decoding", "end", "given_up", "heard_load", "is_connected", "link",
        "load", "load_age_s", "more", "offload", "paced", "problem", "release", "remaining_s",
        "returned", "tails", "takes_pieces", "times_predicted", "unavailable",
    },
    "HealthCheck": {"close", "reopen"},
    "Connector": {"close", "reset"},
    "FramedTransport": {
        "cancel", "ended", "is_probing", "measure", "more", "most_bytes_per_s", "probe",
        "probe_for", "remaining_s", "takes_pieces", "waits_since_s",
    },
    "PlainTransport": {
        "cancel", "close", "ended", "hold", "is_probing", "more", "most_bytes_per_s", "probe",
        "probe_for", "remaining_s", "takes_pieces", "unwatch", "waits_since_s", "withdraw",
    },
    "GoldenCheck": {"refuse_what_none_knows", "up_bytes"},
    "Witness": {"close", "is_there"},
}  # fmt: skip
"""What never waits for a server: it looks at what is known here, or hands something on."""


def test_every_call_that_waits_ends_in_its_time(mute, path, graph):
    """Whatever is asked of a server that never answers: a typed error, or the device's answer."""
    waiting = Waiting(mute, path, graph)
    calls = waiting.calls()

    def timed(name: str) -> tuple[str, float]:
        began_s = time.perf_counter()
        with suppress(CutpointError):
            calls[name][0]()
        return name, time.perf_counter() - began_s

    with waiting.opened, ThreadPoolExecutor(len(calls)) as pool:
        took_s = dict(pool.map(timed, calls))
    late = {name: took for name, took in took_s.items() if took > calls[name][1] + SLACK_S}
    assert not late


@pytest.mark.parametrize(
    "kind",
    [
        InferenceSession,
        Servers,
        ServerConnection,
        HealthCheck,
        Connector,
        FramedTransport,
        PlainTransport,
        GoldenCheck,
        Witness,
    ],
)
def test_every_public_method_is_known_to_wait_or_not(kind, mute, path, graph):
    """Who adds one says here whether it waits, and shows that it ends."""
    names = {name for name in vars(kind) if not name.startswith("_")}
    waiting = Waiting(mute, path, graph)
    with waiting.opened:
        waits = {
            name.partition(".")[2].partition("(")[0]
            for name in waiting.calls()
            if name.startswith(f"{kind.__name__}.")
        }
    assert names == waits | (AT_ONCE[kind.__name__] & names)
    assert AT_ONCE[kind.__name__] <= names | set(dir(kind))


METHODS = {
    name
    for name, _ in inspect.getmembers(services.GRPCInferenceServiceServicer, inspect.isfunction)
} | {"Check", "Watch"}


def calls_of_stubs(source: str) -> Iterator[ast.Call]:
    """Give the calls of the protocol's methods in a file."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        function = node.func
        if function.attr == "future" and isinstance(function.value, ast.Attribute):
            function = function.value
        if function.attr in METHODS:
            yield node


def test_every_call_of_a_server_has_a_timeout():
    """In every file of the client; the one stream lives as long as the connection."""
    (folder,) = cutpoint.client.__path__
    found = 0
    for file in Path(folder).glob("*.py"):
        for call in calls_of_stubs(file.read_text("utf-8")):
            found += 1
            has_timeout = any(keyword.arg == "timeout" for keyword in call.keywords)
            is_stream = isinstance(call.func, ast.Attribute) and (
                call.func.attr == "ModelStreamInfer"
            )
            assert has_timeout or is_stream, f"{file.name}:{call.lineno} waits for ever"
    assert found >= 8


def test_the_deadline_of_one_run_counts_beside_the_sessions(mute, path):
    """A run may be given another deadline than its session."""
    given: list[float | None] = []
    with InferenceSession(path, server=mute, deadline_s=7.0) as session:
        run = session._engine.run
        session._engine.run = lambda feed, options, deadline_s, *more: (
            given.append(deadline_s),
            run(feed, options, deadline_s, *more),
        )[1]
        session.run(None, FEED)
        session.run(None, FEED, deadline_s=0.25)
    assert given == [None, 0.25]


def test_waiting_for_its_turn_counts(mute, path):
    """A request that was queued behind others here has less of its deadline left."""
    given: list[float] = []
    done = Event()
    with InferenceSession(path, server=mute, deadline_s=5.0) as session:
        run = session._engine.run

        def slow(feed: Any, options: Any, deadline_s: float, *more: Any) -> Any:
            given.append(deadline_s)
            time.sleep(0.2)  # what is waited for
            return run(feed, options, deadline_s, *more)

        session._engine.run = slow
        for turn in range(3):
            last = turn == 2
            session.run_async(None, FEED, lambda out, is_last, error: is_last and done.set(), last)
        assert done.wait(SLACK_S)
    assert 5.0 >= given[0] > given[1] > given[2]
    assert given[2] <= 4.6
