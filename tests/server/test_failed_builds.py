"""Tails whose building fails: told, waited after, tried again, and no slot of theirs is lost."""

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from tests.server.test_tails_on_request import tail_name

from cutpoint.exceptions import InvalidCutError, ModelError, OverloadedError
from cutpoint.graph import Cut, Graph, candidate_cuts, cut_at
from cutpoint.graph import cut_id as cut_of_names
from cutpoint.planning import shortlist
from cutpoint.server import candidates as candidates_module
from cutpoint.server import catalog as catalog_module
from cutpoint.server.catalog import Catalog
from cutpoint.server.data_plane import DataPlane
from cutpoint.server.scheduler import Scheduler
from cutpoint.server.served_model import ServedModel
from cutpoint.server.service import InferenceService
from cutpoint.wire.protocol import messages


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """Give its time."""
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    """Give the catalog's clock."""
    return Clock()


@pytest.fixture
def catalog(model: ServedModel, clock: Clock) -> Iterator[Catalog]:
    """Give a catalog of the tiny model whose time stands still until it is moved."""
    catalog = Catalog([model], clock=clock)
    yield catalog
    catalog.close()


@pytest.fixture
def pairs(graph: Graph) -> tuple[Cut, ...]:
    """Give cuts at two values each, which are none of the graph's candidates."""
    crossings = [("pool0", f"{kind}{i}") for i in range(1, 6) for kind in ("pool", "conv")]
    return tuple(cut_at(graph, crossing) for crossing in crossings)


class Breakable:
    """
    A model's way to hold a cut, which fails as often as it is told.

    Parameters
    ----------
    model
        Whose building is to fail.
    """

    def __init__(self, model: ServedModel) -> None:
        self._hold = model._held
        self.error: Exception | None = MemoryError("bad alloc")
        self.num_tried = 0
        model._held = self._held  # type: ignore[method-assign]

    def _held(self, cuts: Any) -> Any:
        self.num_tried += 1
        if self.error is not None:
            raise self.error
        return self._hold(cuts)


@pytest.fixture
def breakable(model: ServedModel) -> Breakable:
    """Give what makes building fail."""
    return Breakable(model)


def _finished(catalog: Catalog, name: str) -> None:
    catalog._building[name].exception(60)


def _not_held(graph: Graph) -> list[str]:
    kept = set(shortlist(graph, candidate_cuts(graph)))
    return [cut.id for cut in candidate_cuts(graph) if cut not in kept]


@pytest.mark.parametrize("error", [MemoryError("bad alloc"), RuntimeError("in warm-up")])
def test_a_failed_build_is_told_and_may_be_asked_for_again(
    catalog: Catalog, graph: Graph, breakable: Breakable, clock: Clock, error: Exception
) -> None:
    """Whatever failed is a typed error that says why; a second later the tail is built."""
    breakable.error = error
    name = tail_name(graph, _not_held(graph)[0])
    assert catalog.is_ready(name) is False
    _finished(catalog, name)
    with pytest.raises(ModelError, match=f"tail '{name}' could not be built: {error}") as caught:
        catalog.is_ready(name)
    assert caught.value.__cause__ is error
    breakable.error = None
    clock.now_s += 1.0
    assert catalog.is_ready(name) is False
    _finished(catalog, name)
    assert catalog.is_ready(name) is True
    assert catalog.resolve(name).cut.id == _not_held(graph)[0]


def test_an_error_without_words_is_told_by_its_kind(
    catalog: Catalog, graph: Graph, breakable: Breakable
) -> None:
    """MemoryError mostly says nothing; the message names it."""
    breakable.error = MemoryError()
    name = tail_name(graph, _not_held(graph)[0])
    catalog.is_ready(name)
    _finished(catalog, name)
    with pytest.raises(ModelError, match=r"could not be built: MemoryError$"):
        catalog.is_ready(name)


def test_nothing_is_built_again_at_once(
    catalog: Catalog, graph: Graph, breakable: Breakable, clock: Clock
) -> None:
    """Within a second of the failure it is told again, not tried; each failure doubles that."""
    name = tail_name(graph, _not_held(graph)[0])
    wait_s = 1.0
    for tried in range(1, 5):
        assert catalog.is_ready(name) is False
        _finished(catalog, name)
        for moved_s in (0.0, wait_s / 2, wait_s / 2 - 0.01):
            clock.now_s += moved_s
            with pytest.raises(ModelError, match="bad alloc"):
                catalog.is_ready(name)
        assert breakable.num_tried == tried
        clock.now_s += 0.02
        wait_s *= 2


def test_a_failure_nobody_asked_after_is_told_first(
    catalog: Catalog, graph: Graph, breakable: Breakable, clock: Clock
) -> None:
    """However late the next question comes, it learns of the failure before the next try."""
    name = tail_name(graph, _not_held(graph)[0])
    catalog.is_ready(name)
    _finished(catalog, name)
    clock.now_s += 1000.0
    with pytest.raises(ModelError, match="bad alloc"):
        catalog.is_ready(name)
    assert catalog.is_ready(name) is False


def test_telling_often_keeps_nothing(catalog: Catalog, graph: Graph, breakable: Breakable) -> None:
    """The error raised a hundred times is as short as the first time."""
    name = tail_name(graph, _not_held(graph)[0])
    catalog.is_ready(name)
    _finished(catalog, name)
    for _ in range(100):
        with pytest.raises(ModelError) as caught:
            catalog.is_ready(name)
    assert len(caught.traceback) < 10


def test_a_failed_build_lets_go_of_what_it_held(
    catalog: Catalog, graph: Graph, model: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error that is kept for telling keeps no half-built tail: the next try needs the room."""

    class Half:
        """Stand for segments that were built already."""

    halves: list[weakref.ref[Half]] = []

    def fail(segments: object, cuts: object) -> None:
        raise MemoryError

    def held(cuts: object) -> Half:
        half = Half()
        halves.append(weakref.ref(half))
        return half

    monkeypatch.setattr(model, "_held", held)
    monkeypatch.setattr(model, "_warm", fail)
    name = tail_name(graph, _not_held(graph)[0])
    catalog.is_ready(name)
    _finished(catalog, name)
    gc.collect()
    assert len(halves) == 1
    assert halves[0]() is None


def test_what_is_full_stays_refused(catalog: Catalog, graph: Graph, clock: Clock) -> None:
    """Time does not make room: the fifth tail is refused an hour later too, without a try."""
    names = [tail_name(graph, cut_id) for cut_id in _not_held(graph)[:5]]
    for name in names:
        assert catalog.is_ready(name) is False
        _finished(catalog, name)
    for _ in range(5):
        clock.now_s += 3600.0
        with pytest.raises(ModelError, match="holds 4 tails beside its segments already"):
            catalog.is_ready(names[4])
    assert all(catalog.is_ready(name) for name in names[:4])


def test_failed_builds_give_their_slots_back(
    catalog: Catalog, graph: Graph, pairs: tuple[Cut, ...], breakable: Breakable, clock: Clock
) -> None:
    """Eight tails fail, four at a time; four others are built then, and the next is refused."""
    failing, wanted, fifth = pairs[:4], pairs[4:8], pairs[8]
    for cuts in (failing, wanted):
        for cut in cuts:
            catalog.ask_for(tail_name(graph, cut.id), cut.crossing)
            _finished(catalog, tail_name(graph, cut.id))
    breakable.error = None
    for cut in wanted:
        name = tail_name(graph, cut.id)
        with pytest.raises(ModelError, match="bad alloc"):
            catalog.ask_for(name, cut.crossing)
    clock.now_s += 1.0
    for cut in wanted:
        catalog.ask_for(tail_name(graph, cut.id), cut.crossing)
    for cut in wanted:
        _finished(catalog, tail_name(graph, cut.id))
        assert catalog.is_ready(tail_name(graph, cut.id)) is True
    with pytest.raises(ModelError, match="holds 4 tails"):
        catalog.ask_for(tail_name(graph, fifth.id), fifth.crossing)


def test_a_failed_offer_is_tried_again_when_it_is_asked_after(
    catalog: Catalog, graph: Graph, pairs: tuple[Cut, ...], breakable: Breakable, clock: Clock
) -> None:
    """ModelReady's question is enough: a device names the values once and then asks for it."""
    cut = pairs[0]
    name = tail_name(graph, cut.id)
    catalog.ask_for(name, cut.crossing)
    _finished(catalog, name)
    with pytest.raises(ModelError, match="bad alloc"):
        catalog.is_ready(name)
    breakable.error = None
    clock.now_s += 1.0
    assert catalog.is_ready(name) is False
    _finished(catalog, name)
    assert catalog.is_ready(name) is True
    assert catalog.resolve(name).cut == cut


def test_pending_and_built_are_bounded_together(
    graph: Graph, model: ServedModel, pairs: tuple[Cut, ...]
) -> None:
    """Two candidates that were built and two offers that wait leave no room for a third offer."""
    for cut_id in _not_held(graph)[:2]:
        model.add_tail(cut_id)
    for cut in pairs[:2]:
        assert model.candidates.offer(cut.crossing) == cut
        assert model.candidates.offer(cut.crossing) == cut
    with pytest.raises(ModelError, match="holds 4 tails"):
        model.candidates.offer(pairs[2].crossing)
    for cut in pairs[:2]:
        assert model.add_tail(cut.id) == cut
    with pytest.raises(ModelError, match="holds 4 tails"):
        model.candidates.offer(pairs[2].crossing)


def test_a_catalog_that_was_closed_builds_nothing(
    catalog: Catalog, graph: Graph, pairs: tuple[Cut, ...]
) -> None:
    """Asked while the server stops, the answer is a typed error."""
    catalog.close()
    with pytest.raises(ModelError, match="is stopping"):
        catalog.is_ready(tail_name(graph, _not_held(graph)[0]))
    with pytest.raises(ModelError, match="is stopping"):
        catalog.ask_for(tail_name(graph, pairs[0].id), pairs[0].crossing)


class Gate:
    """
    Holds up the search for a cut until it is opened.

    Parameters
    ----------
    named_cut
        Searches.
    """

    def __init__(self, named_cut: Callable[..., Cut]) -> None:
        self._named_cut = named_cut
        self.opened = threading.Event()
        self.threads: list[str] = []

    def __call__(self, graph: Graph, crossing: Any) -> Cut:
        """Search once it is opened."""
        self.threads.append(threading.current_thread().name)
        assert self.opened.wait(30)
        return self._named_cut(graph, crossing)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Give what holds up the search for cuts."""
    gate = Gate(candidates_module.named_cut)
    monkeypatch.setattr(candidates_module, "named_cut", gate)
    yield gate
    gate.opened.set()


def test_whoever_asks_waits_for_no_search(
    catalog: Catalog, graph: Graph, pairs: tuple[Cut, ...], gate: Gate
) -> None:
    """Graphs are searched on the builder's thread alone, once per cut; others are answered."""
    cut, other = pairs[:2]
    name = tail_name(graph, cut.id)
    for _ in range(3):
        catalog.ask_for(name, cut.crossing)
        assert catalog.is_ready(name) is False
    catalog.ask_for(tail_name(graph, other.id), other.crossing)
    assert catalog.is_ready(graph.name)
    gate.opened.set()
    _finished(catalog, tail_name(graph, other.id))
    assert catalog.is_ready(name) is True
    assert len(gate.threads) == 2
    assert all(each.startswith("cutpoint-build") for each in gate.threads)


def test_builds_that_wait_are_bounded(
    catalog: Catalog,
    graph: Graph,
    pairs: tuple[Cut, ...],
    gate: Gate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One more is refused at once and told when to ask again; then it is built, its slot kept."""
    monkeypatch.setattr(catalog_module, "_MOST_PENDING", 2)
    for cut in pairs[:2]:
        catalog.ask_for(tail_name(graph, cut.id), cut.crossing)
    more = pairs[2]
    name = tail_name(graph, more.id)
    for _ in range(5):
        with pytest.raises(OverloadedError, match="2 tails wait to be built") as caught:
            catalog.ask_for(name, more.crossing)
    assert caught.value.retry_after_s > 0
    assert name not in catalog._building
    gate.opened.set()
    for cut in pairs[:2]:
        _finished(catalog, tail_name(graph, cut.id))
    catalog.ask_for(name, more.crossing)
    _finished(catalog, name)
    assert catalog.is_ready(name) is True


def test_of_values_that_part_nothing_little_is_kept(
    catalog: Catalog, graph: Graph, model: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are named, few names are remembered and no slot is lost."""
    monkeypatch.setattr(catalog_module, "_MOST_PENDING", 2)
    bad = [("classes", value) for value in ("pool0", "conv1", "pool1", "conv2", "pool2", "conv3")]
    for crossing in bad:
        name = tail_name(graph, cut_of_names(crossing))
        catalog.ask_for(name, crossing)
        _finished(catalog, name)
        with pytest.raises(InvalidCutError, match="would send"):
            catalog.ask_for(name, crossing)
    assert len(catalog._building) <= 3
    assert not model.candidates.offered
    assert not model.candidates._reserved


def test_a_slot_is_given_back_where_nothing_is_built(
    catalog: Catalog, graph: Graph, model: ServedModel, pairs: tuple[Cut, ...]
) -> None:
    """Refused since the server stops, an offer reserves nothing."""
    catalog.close()
    for cut in pairs:
        with pytest.raises(ModelError, match="is stopping"):
            catalog.ask_for(tail_name(graph, cut.id), cut.crossing)
    assert not model.candidates._reserved


async def _ready(service: InferenceService, name: str) -> bool:
    context: Any = SimpleNamespace()
    return bool((await service.ModelReady(messages.ModelReadyRequest(name=name), context)).ready)


@pytest.fixture
def asked(catalog: Catalog) -> Iterator[Callable[[str], bool]]:
    """Give ModelReady's answer for a name."""
    queue = Scheduler(1)
    service = InferenceService(DataPlane(catalog, queue), "0")
    service.is_ready = True
    yield lambda name: asyncio.run(_ready(service, name))
    queue.close()


def test_model_ready_says_no_to_every_failure(
    catalog: Catalog, graph: Graph, breakable: Breakable, clock: Clock, asked
) -> None:
    """A build that fails with any error is not ready, and ready once a later one succeeds."""
    name = tail_name(graph, _not_held(graph)[0])
    for error in (MemoryError("bad alloc"), OSError("disk"), KeyError("x")):
        breakable.error = error
        assert asked(name) is False
        _finished(catalog, name)
        assert asked(name) is False
        clock.now_s += 60.0
    breakable.error = None
    until_s = time.perf_counter() + 60
    while not asked(name):
        assert time.perf_counter() < until_s
