"""Six bugs that were planted on purpose, and for each what must see it.

Each scenario gives what breaks the laws: nothing of the code as it is, something once its bug
is in. The laws are those that the campaigns of faults are judged by, where they have one.
"""

import asyncio
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import onnxruntime
import pytest
from tests.client.conftest import running_server, save, tiny_model
from tests.server.fake_stages import GateStage

from cutpoint import InferenceSession
from cutpoint.client import connector, handshake
from cutpoint.client.dispatch import Dispatch
from cutpoint.client.server_connection import ServerConnection
from cutpoint.cost import fold, whole_file
from cutpoint.estimation import Breaker
from cutpoint.exceptions import ModelMismatchError, OverloadedError
from cutpoint.lab.faults.client import ObservedClient
from cutpoint.lab.faults.history import History
from cutpoint.lab.faults.invariants import late_answers, lost_or_doubled, not_back, wrong_answers
from cutpoint.server.agenda import Agenda
from cutpoint.server.data_plane import DataPlane
from cutpoint.server.job import Job
from cutpoint.server.scheduler import Scheduler
from cutpoint.server.stream import PeerStream

Plant = Callable[[pytest.MonkeyPatch], None]
Scenario = Callable[[Path], list[str]]

_DEADLINE_S = 0.3
_FEEDS = [{"x": np.full((1, 8, 16), n / 4, np.float32)} for n in range(3)]


@contextmanager
def _observed(
    device: Path, server: Path, **options: Any
) -> Iterator[tuple[ObservedClient, History]]:
    """Give a client of one file whose server holds another, or the same."""
    whole = onnxruntime.InferenceSession(str(device))
    expected = [whole.run(None, feed)[0] for feed in _FEEDS]
    history = History()
    with (
        running_server(server) as address,
        InferenceSession(device, server=address, policy="server", **options) as session,
    ):
        yield ObservedClient("client", session, _FEEDS, expected, history), history


class _Mute:
    """A server that is struck dumb for a while: it takes requests and says nothing of them."""

    def __init__(self) -> None:
        self.is_mute = False
        self.streams: list[PeerStream] = []
        self._open = Event()

    @contextmanager
    def ready(self) -> Iterator["_Mute"]:
        """Watch every stream that is opened meanwhile."""
        with pytest.MonkeyPatch.context() as patch:
            began, honest = PeerStream.__init__, PeerStream._send

            def begin(stream: PeerStream, *arguments: Any, **named: Any) -> None:
                began(stream, *arguments, **named)
                self.streams.append(stream)

            async def send(stream: PeerStream, identity: str, request: Any, reply: Any) -> None:
                if not self.is_mute:
                    await honest(stream, identity, request, reply)

            patch.setattr(PeerStream, "__init__", begin)
            patch.setattr(PeerStream, "_send", send)
            yield self


def other_weights(folder: Path) -> list[str]:
    """Serve another file under the same name: no answer of it may be taken."""
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    device = save(folder / "a" / "tiny.onnx", tiny_model())
    server = save(folder / "b" / "tiny.onnx", tiny_model(seed=4))
    with _observed(device, server) as (client, history):
        until_s, num_refused = time.perf_counter() + 20, 0
        while num_refused < 20 and not wrong_answers(history) and time.perf_counter() < until_s:
            num_refused += isinstance(client.session._engine.server.problem, ModelMismatchError)
            client.run()
            time.sleep(0.02)
    return wrong_answers(history) + lost_or_doubled(history)


def plant_no_digest(patch: pytest.MonkeyPatch) -> None:
    """Compare no digests, on either side."""
    honest = DataPlane.endpoint

    def endpoint(plane: DataPlane, name: str, _: str | None = None, *more: Any) -> Any:
        return honest(plane, name, None, *more)

    def folded(graph: Any, profile: Any, *more: Any) -> Any:
        return fold(graph, replace(profile, model_sha256=graph.sha256), *more)

    patch.setattr(connector, "check_digest", lambda *_: None)
    patch.setattr(handshake, "fold", folded)
    patch.setattr(DataPlane, "endpoint", endpoint)


def _is_refused(scheduler: Scheduler, job: Job) -> bool:
    try:
        scheduler.submit(job)
    except OverloadedError:
        return True
    return False


def burst(_: Path) -> list[str]:
    """Offer two hundred requests at once: who does not fit is refused."""
    gate = GateStage()
    scheduler = Scheduler(1, 4)
    num_refused = 0
    try:
        scheduler.submit(Job([gate], {"x": 0}))
        assert gate.began.wait(10)
        for _number in range(200):
            num_refused += _is_refused(scheduler, Job([gate], {"x": 0}))
        found = [] if scheduler.waiting <= 4 else [f"{scheduler.waiting} wait, 4 may"]
        return found + ([] if num_refused == 196 else [f"{num_refused} of 196 were refused"])
    finally:
        gate.opened.set()
        scheduler.close()


def plant_unbounded_queue(patch: pytest.MonkeyPatch) -> None:
    """Take whatever comes."""
    patch.setattr(Agenda, "_check_room", lambda *_: None)


def dumb_server(folder: Path) -> list[str]:
    """Let the server say nothing any more: answers come by their deadline all the same."""
    model = save(folder / "tiny.onnx", tiny_model())
    with _Mute().ready() as mute, _observed(model, model, deadline_s=_DEADLINE_S) as (client, _):
        client.session.wait_until_ready(20)
        client.run_until(lambda ended: ended.is_offloaded, 20)
        client.history = History()
        mute.is_mute = True
        for _number in range(2):
            client.run()
        return late_answers(client.history, _DEADLINE_S + 0.5)  # half a second of noise allowed


def plant_no_deadline(patch: pytest.MonkeyPatch) -> None:
    """Wait for the server, however long."""
    patch.setattr(Dispatch, "patience_s", property(lambda _: 1.5))


def healed_server(folder: Path) -> list[str]:
    """Let the server be dumb for a while: once it speaks again, it is used again."""
    model = save(folder / "tiny.onnx", tiny_model())
    with _Mute().ready() as mute, _observed(model, model, deadline_s=_DEADLINE_S) as (client, h):
        client.session.wait_until_ready(20)
        client.run_until(lambda ended: ended.is_offloaded, 20)
        before = [client.run() for _number in range(10)]
        mute.is_mute = True
        until_s, num_late = h.now_s() + 5, 0
        while num_late < 3 and h.now_s() < until_s:  # between them its health is checked
            num_late += "late" in (client.run().fallback_reason or "")
            time.sleep(0.02)
        mute.is_mute = False
        found, until_s = ["offloaded: not asked"], h.now_s() + 4
        while found and h.now_s() < until_s:  # a busy machine may be late once more
            after = [client.run() for _number in range(10)]
            found = [each for each in not_back(before, after) if each.startswith("offloaded")]
            time.sleep(0.05)
    return found


def plant_breaker_that_never_closes(patch: pytest.MonkeyPatch) -> None:
    """Try a server that failed never again, whatever comes of it."""
    honest = Breaker._refusal

    def refusal(breaker: Breaker, at_s: float) -> str | None:
        return "it failed once" if breaker._num_opened else honest(breaker, at_s)

    patch.setattr(Breaker, "_refusal", refusal)
    patch.setattr(Breaker, "reconnected", lambda *_: None)


def full_disk(folder: Path) -> list[str]:
    """Let the disk be full in the middle of a file: what was there is there, and nothing else."""
    path = folder / "profile.json"
    old, new = b"a" * 1000, b"b" * 1_000_000
    path.write_bytes(old)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
    try:
        whole_file.write_whole(path, new)
    except OSError:
        pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    found = [] if path.read_bytes() in (old, new) else [f"{path.stat().st_size} bytes are half"]
    return found + [f"{each.name} is left" for each in folder.iterdir() if each != path]


def plant_write_in_place(patch: pytest.MonkeyPatch) -> None:
    """Write over the file that is there."""
    patch.setattr(whole_file, "write_whole", lambda path, content: path.write_bytes(content))


def given_up(folder: Path) -> list[str]:
    """Go alone while the server is at it: it is told, and keeps nothing of the request."""
    model = save(folder / "tiny.onnx", tiny_model())
    mute = _Mute()
    stuck = Event()
    with (
        mute.ready(),
        pytest.MonkeyPatch.context() as patch,
        _observed(model, model, deadline_s=_DEADLINE_S) as (client, _),
    ):
        client.session.wait_until_ready(20)
        client.run_until(lambda ended: ended.is_offloaded, 20)
        patch.setattr(PeerStream, "_answer", _never_answered(stuck))
        client.run()
        until_s = time.perf_counter() + 1.0
        while _num_open(mute) and time.perf_counter() < until_s:
            time.sleep(0.02)
        left = _num_open(mute)
        stuck.set()
    return [f"{left} requests are left at the server"] if left else []


def _num_open(mute: _Mute) -> int:
    return sum(len(stream._open) for stream in mute.streams)


def _never_answered(stuck: Event) -> Callable[..., Any]:
    async def answer(*_: Any) -> None:
        await asyncio.to_thread(stuck.wait, 30)

    return answer


def plant_no_cancel(patch: pytest.MonkeyPatch) -> None:
    """Go alone, or elsewhere, without a word to the server."""
    patch.setattr(ServerConnection, "cancel", lambda *_: None)


PLANTED: dict[str, tuple[Scenario, Plant]] = {
    "no digest check": (other_weights, plant_no_digest),
    "unbounded queue": (burst, plant_unbounded_queue),
    "no deadline": (dumb_server, plant_no_deadline),
    "breaker that never closes": (healed_server, plant_breaker_that_never_closes),
    "non-atomic cache write": (full_disk, plant_write_in_place),
    "retry without cancel": (given_up, plant_no_cancel),
}
