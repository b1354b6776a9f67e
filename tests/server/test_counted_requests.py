"""A server under odd load: every request that was sent is counted, once and as what it was."""

import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import grpc
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.server.fake_stages import GateStage
from tests.server.in_process import InProcess, Loop

from cutpoint.server.job import Job
from cutpoint.wire import frames
from cutpoint.wire.channel import open_channel
from cutpoint.wire.protocol import ACK, messages, services

PIECE_BYTES = 16384
OUTCOME_OF = {
    grpc.StatusCode.OK: "ok",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "rejected",
    grpc.StatusCode.INVALID_ARGUMENT: "invalid",
    grpc.StatusCode.NOT_FOUND: "invalid",
    grpc.StatusCode.FAILED_PRECONDITION: "invalid",
    grpc.StatusCode.INTERNAL: "failed",
}


@pytest.fixture(scope="module")
def picking(tmp_path_factory: pytest.TempPathFactory, model_of) -> Path:
    """Give a model that fails at run time where its index points outside."""
    text = "(float[4] x, int64[1] i) => (float[1] y) { y = Gather (x, i) }"
    path = tmp_path_factory.mktemp("models") / "picking.onnx"
    path.write_bytes(model_of(text).SerializeToString())
    return path


@pytest.fixture(scope="module")
def served_here(six_convs: Path, picking: Path) -> Iterator[InProcess]:
    """Give a server inside the test, with one worker and room for two more."""
    loop = Loop()
    server = InProcess(
        loop, [str(six_convs), str(picking)], num_workers=1, max_waiting=2, num_threads=1
    )
    yield server
    server.close()
    loop.close()


@pytest.fixture
def shown(served_here: InProcess) -> Callable[[], Counter[tuple[str, str]]]:
    """Give what reads requests by outcome and model off the page."""

    def read() -> Counter[tuple[str, str]]:
        with urllib.request.urlopen(f"http://{served_here.metrics_address}/metrics") as page:
            text = page.read().decode()
        counts: Counter[tuple[str, str]] = Counter()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == "cutpoint_requests_total":
                    labels = sample.labels
                    counts[labels["outcome"], labels["model"]] += int(sample.value)
        return counts

    return read


class Sender:
    """Sends requests of every kind; keeps what was sent and what came of it."""

    def __init__(self, address: str, dial: Any, request_for: Any, image_of: Any) -> None:
        self.seen: Counter[str] = Counter()
        self.sent = 0
        self.was_rejected = Event()
        self._lock = Lock()
        self._address, self._dial = address, dial
        self._request_for, self._image_of = request_for, image_of

    def note(self, outcome: str) -> None:
        """Count one request."""
        with self._lock:
            self.seen[outcome] += 1
            self.sent += 1
        if outcome == "rejected":
            self.was_rejected.set()

    def unary(self, requests: list[Any]) -> None:
        """Send plain requests one after the other."""
        with open_channel(self._address) as channel:
            stub = services.GRPCInferenceServiceStub(channel)
            for request in requests:
                self.note(_outcome(stub, request))

    def plain(self, seed: int) -> Any:
        """Give a request that can be answered."""
        return self._request_for("six_convs", self._image_of(seed))

    def odd(self) -> list[Any]:
        """Give requests that are refused or fail."""
        outside = {"x": np.zeros(4, np.float32), "i": np.array([9])}
        return [
            self._request_for("nobody", self._image_of(0)),
            self._request_for("six_convs", {"other": np.zeros(3, np.float32)}),
            self._request_for("a\nb", self._image_of(0)),
            messages.ModelInferRequest(),
            self._request_for("picking", outside),
        ]

    def streamed(self, count: int, *, is_late: bool) -> None:
        """Send whole requests in frames; cancel each when it is all there, or be late."""
        peer = self._dial(self._address)
        extra = {"remaining_s": 1e-9} if is_late else {}
        try:
            for number in range(1, count + 1):
                pieces = peer.pieces(
                    "six_convs", number, self._image_of(number), PIECE_BYTES, **extra
                )
                for piece in pieces:
                    peer.send(piece)
                if not is_late:
                    self._cancel(peer, number, len(pieces))
                self.note("streamed")
            peer.end()
            while not peer.is_over():
                pass
        finally:
            peer.close()

    def _cancel(self, peer: Any, number: int, num_pieces: int) -> None:
        """Cancel once every piece is acknowledged: the request did reach the server."""
        acknowledged = 0
        while acknowledged < num_pieces:
            kind, identity, _ = peer.receive()
            acknowledged += kind == ACK and identity == number
        peer.send(frames.cancel_request(number))


def _outcome(stub: Any, request: Any) -> str:
    try:
        stub.ModelInfer(request, timeout=60)
    except grpc.RpcError as error:
        return OUTCOME_OF[error.code()]
    return "ok"


def test_every_request_is_counted_once_under_load(
    served_here: InProcess, shown, dial, request_for, image_of
) -> None:
    """Answers, rejects, failures, nonsense, cancels and late ones add up to what was sent."""
    before = shown()
    sender = Sender(served_here.address, dial, request_for, image_of)
    work: list[Callable[[], None]] = [
        *[lambda i=i: sender.unary([sender.plain(i)] * 15) for i in range(5)],
        *[lambda: sender.unary(sender.odd() * 4) for _ in range(2)],
        lambda: sender.streamed(12, is_late=False),
        lambda: sender.streamed(12, is_late=True),
    ]
    gate = GateStage()
    served_here.server.queue.submit(Job([gate], {"x": 0}))  # how quick the machine is decides none
    assert gate.began.wait(60)
    with ThreadPoolExecutor(len(work)) as threads:
        futures = [threads.submit(each) for each in work]
        assert sender.was_rejected.wait(60)
        gate.opened.set()
        for future in futures:
            future.result(120)
    _wait_until_idle(served_here)
    counted = shown() - before
    by_outcome: Counter[str] = Counter()
    for (outcome, _), count in counted.items():
        by_outcome[outcome] += count
    assert sum(by_outcome.values()) == sender.sent == 75 + 40 + 24
    assert by_outcome["invalid"] == sender.seen["invalid"] > 0
    assert by_outcome["failed"] >= sender.seen["failed"] > 0
    assert by_outcome["rejected"] >= sender.seen["rejected"] > 0
    assert by_outcome["ok"] >= sender.seen["ok"] > 0
    assert by_outcome["cancelled"] + by_outcome["late"] > 0


def test_what_is_no_message_is_counted(served_here: InProcess, shown) -> None:
    """A request that cannot be read is one that was refused."""
    before = shown()
    with open_channel(served_here.address) as channel:
        infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        with pytest.raises(grpc.RpcError):
            infer(b"\xff\xff\xff", timeout=60)
    assert shown() - before == Counter({("invalid", "(unknown)"): 1})


def _wait_until_idle(served: InProcess) -> None:
    over = Event()

    def look() -> None:
        while served.server.queue.pending:
            over.wait(0.01)

    thread = Thread(target=look, daemon=True)
    thread.start()
    thread.join(60)
    assert not served.server.queue.pending


def test_statistics_agree_with_metrics(
    served_here: InProcess, shown, request_for, image_of
) -> None:
    """What Triton's extension tells of a model is what its metrics show."""
    with open_channel(served_here.address) as channel:
        stub = services.GRPCInferenceServiceStub(channel)
        for seed in range(3):
            stub.ModelInfer(request_for("six_convs", image_of(seed)), timeout=60)
        with pytest.raises(grpc.RpcError):
            stub.ModelInfer(request_for("six_convs", {"x": np.zeros(1, np.float32)}), timeout=60)
        told = stub.ModelStatistics(messages.ModelStatisticsRequest(), timeout=60)
    counted = shown()
    for name in ("six_convs", "picking"):
        stats = [s for s in told.model_stats if s.name.partition(".")[0] == name]
        ok = sum(each.inference_count for each in stats)
        assert ok == counted["ok", name]
        failed = sum(each.inference_stats.fail.count for each in stats)
        assert (
            failed
            == sum(count for (outcome, model), count in counted.items() if model == name) - ok
        )
        for each in stats:
            batches = [(b.batch_size, b.compute_infer.count) for b in each.batch_stats]
            assert each.execution_count == sum(count for _, count in batches)
            assert each.execution_count <= each.inference_count
    assert counted["ok", "six_convs"] >= 3


def test_what_clients_write_is_no_label(served_here: InProcess, request_for, image_of) -> None:
    """Names of nothing, with quotes, new lines and tokens in them, are nowhere on the page."""
    canary = 'CANARY"}\n1\\'
    with open_channel(served_here.address) as channel:
        stub = services.GRPCInferenceServiceStub(channel)
        for number in range(20):
            request = request_for(f"{canary}{number}", image_of(0))
            request.id = canary
            with pytest.raises(grpc.RpcError):
                stub.ModelInfer(request, timeout=60)
    with urllib.request.urlopen(f"http://{served_here.metrics_address}/metrics") as page:
        text = page.read().decode()
    assert "CANARY" not in text
    models = {
        sample.labels["model"]
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "model" in sample.labels
    }
    assert models <= {"six_convs", "picking", "(unknown)"}


def test_scrapes_are_served_while_the_server_drains(six_convs: Path, request_for, image_of) -> None:
    """Asked to stop with a request under way: live, not ready, counted; then the door is shut."""
    loop = Loop()
    served = InProcess(loop, [str(six_convs)], num_threads=1, drain_s=30.0)
    began, go_on, told = Event(), Event(), []
    server = served.server
    server.plane.observers.append(told.append)
    stage = _held_stage(server, began, go_on)
    try:
        with open_channel(served.address) as channel:
            stub = services.GRPCInferenceServiceStub(channel)
            call = stub.ModelInfer.future(request_for("six_convs", image_of(0)), timeout=60)
            assert began.wait(30)
            stopping = loop.begin(server.stop())
            with pytest.raises(urllib.error.HTTPError) as caught:
                _until_not_ready(served.metrics_address)
            caught.value.close()
            assert caught.value.code == 503
            live = f"http://{served.metrics_address}/v2/health/live"
            with urllib.request.urlopen(live) as page:
                assert page.status == 200
            with urllib.request.urlopen(f"http://{served.metrics_address}/metrics") as page:
                assert b"cutpoint_ready 0.0" in page.read()
            go_on.set()
            assert call.result(60).outputs
            stopping.result(60)
        assert [each.outcome for each in told] == ["ok"]
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(f"http://{served.metrics_address}/v2/health/live")
    finally:
        go_on.set()
        stage()
        loop.close()


def _until_not_ready(address: str) -> None:
    while True:
        urllib.request.urlopen(f"http://{address}/v2/health/ready").close()


def _held_stage(server: Any, began: Event, go_on: Event) -> Callable[[], None]:
    """Hold the worker inside its next request, as a slow model would."""
    model = server.catalog.resolve("six_convs").model
    answer_of = model.answer_of

    def slow(*arguments: Any) -> Any:
        began.set()
        assert go_on.wait(60)
        return answer_of(*arguments)

    model.answer_of = slow

    def undo() -> None:
        model.answer_of = answer_of

    return undo
