"""Races: the device computes on, on another thread, and the first answer wins."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

import numpy as np
import pytest

from cutpoint import InferenceSession
from cutpoint.client.decoding import Decoding
from cutpoint.client.drive import Drive
from cutpoint.client.offload import Offload, OffloadRequest
from cutpoint.client.race import RaceThreads
from cutpoint.client.session_clock import session_clock
from cutpoint.exceptions import ConfigurationError, ConnectionLostError, OverloadedError
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.stop import Stop
from cutpoint.graph import Arrays, Cut, server_only
from cutpoint.inference import Inference
from cutpoint.lab.link_process import LinkProcess
from cutpoint.records import DEVICE, InferenceRecord, Leg, Parts, Plan
from cutpoint.wire.chunks import Assembly, Chunker

FEED = {"image": np.ones((1, 3, 64, 64), np.float32)}
ANSWER = {"brightest": np.zeros((1, 8, 1, 1), np.float32), "classes": np.ones((1, 8), np.float32)}


@dataclass
class ScriptedServer:
    """A server that answers at once, later or not at all, or fails, before or after sending."""

    answers: bool = False
    answers_after_s: float | None = None
    error: ConnectionLostError | None = None
    refusal: OverloadedError | None = None
    address: str = "edge:8001"
    decoding: Decoding = field(default_factory=lambda: Decoding(frozenset()))
    takes_pieces: bool = True
    cancelled: list[bool] = field(default_factory=list)

    def offload(
        self, cut: Cut, values: Arrays, remaining_s: float | None, encoded: Mapping | None = None
    ) -> Offload:
        """Do as it is scripted."""
        if self.refusal is not None:
            raise self.refusal
        chunker = Chunker([(name, values[name]) for name in cut.crossing])
        offload = Offload(1, OffloadRequest("m", {}, chunker, Assembly((), "m")))
        if self.error is not None:
            offload.fail(0.0, self.error)
        elif self.answers:
            offload.answer(1.0, ANSWER, 0.0, 0.25)
        elif self.answers_after_s is not None:
            Timer(self.answers_after_s, offload.answer, (1.0, ANSWER, 0.0, 0.25)).start()
        return offload

    def cancel(self, offload: Offload, at_s: float, is_late: bool = True) -> None:
        """Take note."""
        self.cancelled.append(is_late)

    def answered(self, *_: float) -> None:
        """Learn nothing."""


@pytest.fixture
def race_with(six_convs: Path) -> Callable[..., tuple[Drive, Arrays]]:
    """Give what races the tiny model against a scripted server."""
    graph = load_graph(ModelFile.open(six_convs))

    def run(
        server: ScriptedServer, slowdown: float = 1.0, feed: Arrays = FEED, patience_s: float = 5.0
    ) -> tuple[Drive, Arrays]:
        cut = server_only(graph)
        legs = (Leg(DEVICE, cut.id, cut.crossing, ("raw",)), Leg("edge:8001", None))
        plan = Plan("server", cut.id, legs, Parts(upload_s=9.0), races=True)
        segments = Segments(graph, (), slowdown=slowdown)
        drive = Drive(Inference(plan, patience_s), cut, segments, server, session_clock())
        try:
            return drive, drive.run(feed)
        finally:
            drive.threads.close()

    return run


def test_the_device_answers_where_the_server_does_not(race_with, six_convs: Path) -> None:
    """Its outputs are the model's; the server is told off, and blamed for nothing."""
    server = ScriptedServer()
    drive, outputs = race_with(server)
    expected = InferenceSession(six_convs).run(None, FEED)
    assert [np.array_equal(*pair) for pair in zip(outputs.values(), expected, strict=True)]
    assert drive.inference.race.is_won
    assert drive.inference.fallback_reason is None
    assert server.cancelled == [False]


def test_a_server_that_was_first_ends_the_sleep_of_an_emulated_device(race_with) -> None:
    """Which would have taken minutes; its outputs are those that came."""
    drive, outputs = race_with(ScriptedServer(answers=True), slowdown=1e6)
    assert outputs.keys() == ANSWER.keys()
    assert all(np.array_equal(outputs[name], ANSWER[name]) for name in ANSWER)
    assert drive.inference.race is not None
    assert not drive.inference.race.is_won
    assert drive.inference.placement == "server"


@pytest.mark.parametrize(
    "server",
    [
        ScriptedServer(error=ConnectionLostError("gone")),
        ScriptedServer(refusal=OverloadedError("gone")),
    ],
    ids=["after", "before"],
)
def test_a_server_that_fails_leaves_the_race_to_the_device(race_with, server) -> None:
    """Whether anything had left or not; the record says why."""
    drive, outputs = race_with(server)
    assert "gone" in (drive.inference.fallback_reason or "")
    assert drive.inference.race.is_won
    assert outputs.keys() == ANSWER.keys()
    assert server.cancelled == []


UNFIT = {"image": np.ones((1, 3, 32, 32), np.float32)}
"""Inputs on which the device's tail fails."""


def test_a_tail_that_fails_is_the_callers_to_hear_of(race_with) -> None:
    """Once the server has had its time as well; it need not go on then."""
    server = ScriptedServer()
    with pytest.raises(Exception, match="dimension"):
        race_with(server, feed=UNFIT, patience_s=0.05)
    assert server.cancelled == [False]


@pytest.mark.parametrize("refusal", [None, OverloadedError("full")])
def test_a_tail_that_fails_beside_a_server_that_fails_is_told_at_once(race_with, refusal) -> None:
    """Nobody is left to wait for."""
    error = None if refusal is not None else ConnectionLostError("gone")
    with pytest.raises(Exception, match="dimension"):
        race_with(ScriptedServer(error=error, refusal=refusal), feed=UNFIT, patience_s=1e6)


@pytest.mark.parametrize(
    "server", [ScriptedServer(answers=True), ScriptedServer(answers_after_s=0.2)]
)
def test_an_answer_is_not_lost_for_a_tail_that_fails(race_with, server) -> None:
    """A device that has no memory for it may have asked a server that has."""
    drive, outputs = race_with(server, feed=UNFIT)
    assert outputs.keys() == ANSWER.keys()
    assert drive.inference.placement == "server"
    assert server.cancelled == []


def test_what_was_called_off_is_known_until_it_has_ended() -> None:
    """The inference behind it learns nothing of the device meanwhile."""
    threads, stop = RaceThreads(), Stop()
    assert not threads.is_winding_down
    running = threads.submit(lambda: stop.sleep(60), stop)
    assert not threads.is_winding_down
    other = Stop()
    begun, ended = Stop(), Stop()
    late = threads.submit(lambda: (begun.tell(), ended.sleep(60)), other)
    other.tell()
    begun.sleep(60)
    assert threads.is_winding_down
    ended.tell()
    late.result()
    stop.tell()
    running.result()
    threads.close()
    assert not threads.is_winding_down


@pytest.mark.parametrize("is_used", [True, False])
def test_a_race_that_begins_while_its_session_is_closed_is_run(is_used: bool) -> None:
    """The inference that it is of ends as any; no thread is begun that nobody would end."""
    threads, ran = RaceThreads(), []
    if is_used:
        threads.submit(lambda: ran.append("before"), Stop()).result(10)
    threads.close()
    assert threads.submit(lambda: ran.append("behind"), Stop()).done()
    assert ran[-1] == "behind"
    assert (threads._pool is not None) == is_used
    assert not threads.is_winding_down


def test_a_session_that_is_collected_on_a_thread_of_its_own_is_closed() -> None:
    """Whichever thread happens to run the garbage collector does not wait for itself."""
    threads = RaceThreads()
    threads.submit(threads.close, Stop()).result(10)


@contextmanager
def racing_session(
    path: Path, address: str, told: list[InferenceRecord], **more: object
) -> Iterator[InferenceSession]:
    """Open a session that sends everything and races."""
    with InferenceSession(
        path, server=address, policy="server", hedge="always", on_fallback=told.append, **more
    ) as session:
        session.wait_until_ready(20)
        yield session


@pytest.mark.alone
def test_a_session_over_a_bad_link_is_the_devices(six_convs: Path, forked_process) -> None:
    """A race that the device wins is no fallback; the next one begins over the same link."""
    fallbacks: list[InferenceRecord] = []
    with (
        forked_process([str(six_convs)]) as server,
        LinkProcess(server.address, up_bytes_per_s=100e3) as link,
        racing_session(six_convs, link.address, fallbacks) as session,
    ):
        expected = InferenceSession(six_convs).run(None, FEED)
        for _ in range(3):
            outputs = session.run(None, FEED)
            record = session.last_record
            assert all(np.array_equal(*pair) for pair in zip(outputs, expected, strict=True))
            if record.planned == "server":
                assert record.race.is_won
        assert record.load is None
    assert [record for record in fallbacks if record.race is not None] == []


@pytest.mark.alone
def test_a_session_on_a_slow_device_is_the_servers(six_convs: Path, forked_process) -> None:
    """Race after race: none is held up by the one before it."""
    with (
        forked_process([str(six_convs)]) as server,
        racing_session(six_convs, server.address, [], slowdown=100) as session,
    ):
        for _ in range(5):
            session.run(None, FEED)
            record = session.last_record
            assert (record.placement, record.race.is_won) == ("server", False)
            assert record.race.duration_s <= record.latency_s
            assert record.conditions.device_slowdown < 2


@pytest.mark.parametrize("server", [None, "edge:8001"])
def test_a_way_to_hedge_that_is_none_is_refused(six_convs: Path, server: str | None) -> None:
    """By what there is, whether there is a server or not."""
    with pytest.raises(ConfigurationError, match="off, auto, always"):
        InferenceSession(six_convs, server=server, hedge="sometimes")
