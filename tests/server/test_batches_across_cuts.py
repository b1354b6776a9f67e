"""Requests that enter a real model at different cuts run as one, and each gets its own answer."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from threading import Event

import numpy as np
import pytest
from tests.server.fake_stages import GateStage

from cutpoint.cost.batch_times import BatchTimes
from cutpoint.exceptions import (
    DeadlineExceededError,
    OverloadedError,
    RemoteExecutionError,
    RemoteProtocolError,
)
from cutpoint.execution import Segments, batching
from cutpoint.graph import SERVER_ONLY, Arrays, Cut, Graph
from cutpoint.records import Sample
from cutpoint.server.cancellation import Cancellation
from cutpoint.server.catalog import Catalog, Endpoint
from cutpoint.server.data_plane import DataPlane, Reply
from cutpoint.server.job import Job
from cutpoint.server.scheduler import Scheduler
from cutpoint.server.served_model import ServedModel
from cutpoint.server.served_request import ServedRequest
from cutpoint.server.settings import Batching
from cutpoint.wire.codecs import codec_named
from cutpoint.wire.tensors import TensorSpec
from cutpoint.wire.undecoded import Undecoded

_SIZES = (1, 2, 4, 8)


class Plane:
    """
    A data plane of the tiny model whose worker is busy until it is let go.

    What batches save is stated, not measured: half of each request but the first.
    """

    def __init__(self, graph: Graph, batching: Batching = "segments") -> None:
        cuts = None
        self.model = ServedModel(graph, num_threads=1, batching=batching, cuts=cuts)
        self._state_times()
        self.seen: list[ServedRequest] = []
        self.gate = GateStage()
        self.plane = DataPlane(
            Catalog([self.model]), Scheduler(1, 16, max_batch=1 if batching == "off" else 8)
        )
        self.plane.observers.append(self.seen.append)
        self.held = Segments(graph, [cut for cut in self.model.cuts if cut.head])
        self.plane.queue.submit(Job((self.gate,), {"x": np.zeros(1)}))
        assert self.gate.began.wait(30)

    def ask(
        self, cut: Cut, feed: Arrays, cancelled: Event | None = None, remaining_s: float = 60.0
    ) -> "Future[Reply]":
        """Queue a request that enters at a cut."""
        values = self.held.run(self.held.head_of(cut), feed).values
        names = self.model.graph.inputs if cut.id == SERVER_ONLY else cut.crossing
        endpoint = Endpoint(self.model.served_name(cut), self.model, cut)
        sent = {name: values[name] for name in names}
        return self.plane.submit(endpoint, sent, cancelled or Cancellation(), remaining_s)

    def ask_encoded(self, cut: Cut, feed: Arrays, codec_name: str) -> "Future[Reply]":
        """Queue a request whose values all come encoded."""
        values = self.held.run(self.held.head_of(cut), feed).values
        names = self.model.graph.inputs if cut.id == SERVER_ONLY else cut.crossing
        codec = codec_named(codec_name)
        undecoded = [
            Undecoded(
                TensorSpec.of(name, values[name]),
                codec,
                b"".join(bytes(block) for block in codec.blocks(values[name])),
            )
            for name in names
        ]
        endpoint = Endpoint(self.model.served_name(cut), self.model, cut)
        return self.plane.submit(endpoint, {}, Cancellation(), 60.0, undecoded=undecoded)

    def close(self) -> None:
        """End it."""
        self.gate.opened.set()
        self.plane.queue.close()
        self.plane.catalog.close()

    def _state_times(self) -> None:
        segments = self.model.segments_for(self.model.cuts[0])
        times = BatchTimes({size: 1e-3 * (1 + 0.5 * (size - 1)) for size in _SIZES})
        self.model._lines.learn(segments, {each.id: times for each in segments.segments})


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no noise of this machine decide which session is quicker."""
    monkeypatch.setattr(batching, "_is_slower", lambda *_: False)


@pytest.fixture
def planes(graph: Graph) -> Iterator[Callable[[Batching], Plane]]:
    """Give the maker of planes; they are closed."""
    made: list[Plane] = []

    def make(batching: Batching = "segments") -> Plane:
        made.append(Plane(graph, batching))
        return made[-1]

    yield make
    for plane in made:
        plane.close()


def _three(plane: Plane) -> list[Cut]:
    cuts = sorted(plane.model.cuts, key=lambda cut: cut.head.bit_count())
    assert len(cuts) >= 3
    return [cuts[0], cuts[1], cuts[2]]


@pytest.mark.parametrize("mode", ["segments", "tails", "off"])
def test_everybody_gets_the_uncut_models_answer(
    planes: Callable[[Batching], Plane], image_of, truth, assert_same, mode: Batching
) -> None:
    """Eight requests at three cuts run as batches, as far as the mode lets them meet."""
    plane = planes(mode)
    cuts = _three(plane)
    asked = [(cuts[n % 3], image_of(n)) for n in range(8)]
    futures = [plane.ask(cut, feed) for cut, feed in asked]
    plane.gate.opened.set()
    replies = [future.result(30) for future in futures]
    for (cut, feed), reply in zip(asked, replies, strict=True):
        expected = truth(feed)
        assert_same(reply.outputs, {name: expected[name] for name in reply.outputs})
        assert set(reply.outputs) == {spec.name for spec in plane.model.outputs_of(cut)}
    batches = [reply.batch for reply in replies]
    assert [reply.parameters()["batch"] for reply in replies] == batches
    if mode == "off":
        assert batches == [1.0] * 8
    elif mode == "tails":
        assert sorted(batches) == [2.0, 2.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]
    else:
        # All that entered earlier caught up with those that waited further on.
        assert max(batches) > 3
        assert sum(batches) / 8 > 4
    assert [seen.outcome for seen in plane.seen] == ["ok"] * 8
    assert all(seen.model == plane.model.name for seen in plane.seen)
    assert sorted(seen.batch for seen in plane.seen) == sorted(batches)
    assert all(min(seen.wait_s, seen.tail_s) > 0 for seen in plane.seen)


def test_requests_that_come_encoded_run_with_those_that_do_not(
    planes: Callable[[Batching], Plane], image_of, truth, assert_same
) -> None:
    """Decoded first, each by itself, they meet in the same segments; each end is told in parts."""
    plane = planes("segments")
    cuts = _three(plane)
    asked = []
    for number in range(6):
        cut, feed = cuts[number % 3], image_of(number)
        future = plane.ask_encoded(cut, feed, "zstd") if number % 2 else plane.ask(cut, feed)
        asked.append((feed, future, number % 2))
    plane.gate.opened.set()
    for feed, future, is_encoded in asked:
        reply = future.result(30)
        expected = truth(feed)
        assert_same(reply.outputs, {name: expected[name] for name in reply.outputs})
        assert (reply.decode_s > 0) == ("decode_s" in reply.parameters()) == bool(is_encoded)
        assert reply.batch > 3
    encoded = [seen for seen in plane.seen if seen.decode_s]
    assert len(encoded) == 3
    for seen in plane.seen:
        assert seen.outcome == "ok"
        is_encoded = seen in encoded
        assert (seen.decoded_bytes > 0) == is_encoded
        assert not is_encoded or 0 < seen.received_bytes < 1.1 * seen.decoded_bytes


def test_what_cannot_be_decoded_ends_alone(
    planes: Callable[[Batching], Plane], image_of, truth, assert_same
) -> None:
    """Its caller is told of its mistake, and nobody else hears of it."""
    plane = planes("segments")
    whole = _three(plane)[0]
    spec = TensorSpec("image", "float32", (1, 3, 64, 64))
    endpoint = Endpoint(plane.model.name, plane.model, whole)
    bad = Undecoded(spec, codec_named("zstd"), b"no frame of any kind")
    broken = plane.plane.submit(endpoint, {}, Cancellation(), 60.0, undecoded=[bad])
    good = plane.ask(whole, image_of(1))
    plane.gate.opened.set()
    with pytest.raises(RemoteProtocolError, match="'image'"):
        broken.result(30)
    assert_same(good.result(30).outputs, truth(image_of(1)))
    outcomes = {seen.outcome: seen.reason for seen in plane.seen}
    assert outcomes == {"invalid": "RemoteProtocolError", "ok": ""}


def test_poison_in_a_batch_reaches_nobody(
    planes: Callable[[Batching], Plane], image_of, truth, assert_same
) -> None:
    """A request full of NaN is answered with NaN, its mates with numbers of their own."""
    plane = planes("segments")
    whole = _three(plane)[0]
    poison = {name: np.full_like(array, np.nan) for name, array in image_of(9).items()}
    futures = [plane.ask(whole, feed) for feed in (image_of(1), poison, image_of(2))]
    plane.gate.opened.set()
    first, middle, last = (future.result(30) for future in futures)
    assert first.batch == middle.batch == last.batch == 3.0
    assert_same(first.outputs, truth(image_of(1)))
    assert_same(last.outputs, truth(image_of(2)))
    assert any(np.isnan(array).any() for array in middle.outputs.values())


def test_each_end_is_told_once(planes: Callable[[Batching], Plane], image_of) -> None:
    """Answered, late, cancelled, failed and refused: one record each, of the right kind."""
    plane = planes("segments")
    whole, cut, _ = _three(plane)
    cancelled = Cancellation()
    ended = [
        plane.ask(whole, image_of(0)),
        plane.ask(cut, image_of(1), remaining_s=0.0),
        plane.ask(cut, image_of(2), cancelled),
    ]
    wrong = {name: np.zeros((1, 1, 1, 1), np.float32) for name in plane.model.graph.inputs}
    endpoint = Endpoint(plane.model.name, plane.model, whole)
    ended.append(plane.plane.submit(endpoint, wrong, Event()))
    cancelled.set()
    assert "cancelled" in [each.outcome for each in plane.seen]
    with pytest.raises(RemoteExecutionError, match="stopped"):
        ended[2].result(0)
    plane.gate.opened.set()
    assert ended[0].result(30).batch >= 1
    with pytest.raises(DeadlineExceededError, match="of no use any more"):
        ended[1].result(30)
    with pytest.raises(RemoteExecutionError):
        ended[3].result(30)
    plane.plane.refused("nonsense", OverloadedError("full", 1.0))
    outcomes = sorted(each.outcome for each in plane.seen)
    assert outcomes == ["cancelled", "failed", "late", "ok", "rejected"]
    plane.plane.queue.close()
    with pytest.raises(OverloadedError):
        plane.ask(whole, image_of(0))
    assert plane.seen[-1].outcome == "rejected"
    assert len(plane.seen) == 6


def test_the_times_of_batches_ride_in_the_holdings(graph: Graph) -> None:
    """A device reads what each tail takes by the size of the batch; the single one comes last."""
    model = ServedModel(graph, num_threads=1)
    segments = model.segments_for(model.cuts[0])
    assert len(segments.batches) == len(segments.segments)
    tails: dict[str, list[Sample]] = {}
    for sample in model.profile().samples:
        if sample.kind == "tail":
            tails.setdefault(sample.subject, []).append(sample)
    assert set(tails) == {cut.id for cut in model.cuts}
    for samples in tails.values():
        assert [sample.batch for sample in samples] == [2, 4, 8, 1]
        assert samples[2].duration_s <= 8 * samples[3].duration_s * 1.5


def test_a_model_held_without_batches_is_not_tried_out(graph: Graph) -> None:
    """Where nothing runs together nothing is opened, run or timed for it."""
    for model in (
        ServedModel(graph, num_threads=1, batching="off"),
        ServedModel(graph, num_threads=1, max_batch=1),
    ):
        assert dict(model.segments_for(model.cuts[0]).batches) == {}
        assert {sample.batch for sample in model.profile().samples} == {1}
