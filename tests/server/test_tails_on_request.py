"""Tails nobody knew of, asked for by the names of their crossing values."""

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np
import pytest

from cutpoint.exceptions import InvalidCutError, ModelError, ModelMismatchError
from cutpoint.execution import Segments
from cutpoint.graph import Cut, Graph, cut_at, cut_id
from cutpoint.planning import graph_cuts
from cutpoint.server.catalog import Catalog
from cutpoint.server.served_model import ServedModel
from cutpoint.wire.channel import open_channel
from cutpoint.wire.names import TailName
from cutpoint.wire.protocol import CROSSING, messages, services


@pytest.fixture(scope="module")
def unknown(graph: Graph) -> tuple[Cut, ...]:
    """Give five cuts at two values each, which no list made from the graph has."""
    cuts = tuple(cut_at(graph, ("pool0", f"pool{i}")) for i in range(1, 6))
    assert not set(cuts) & set(graph_cuts(graph))
    return cuts


@pytest.fixture
def catalog(model: ServedModel) -> Iterator[Catalog]:
    """Give a catalog of the tiny model."""
    catalog = Catalog([model])
    yield catalog
    catalog.close()


def tail_name(graph: Graph, cut: str, sha256: str | None = None) -> str:
    """Give the name a tail of the tiny model is served under."""
    return str(TailName("six_convs", sha256 or graph.sha256, cut))


def test_asking_builds_the_tail(catalog: Catalog, graph: Graph, unknown: tuple[Cut, ...]) -> None:
    """Unknown until it is asked for by its values, whatever their order; then built and ready."""
    cut = unknown[1]
    name = tail_name(graph, cut.id)
    with pytest.raises(ModelError, match="no candidate cut"):
        catalog.is_ready(name)
    catalog.ask_for(name, cut.crossing[::-1])
    catalog._building[name].result(60)
    assert catalog.is_ready(name)
    assert catalog.resolve(name).cut == cut
    catalog.ask_for(name, cut.crossing)
    assert len(catalog._building) == 1


@pytest.mark.parametrize(
    ("crossing", "kind", "words"),
    [
        (("pool0", "pool4"), ModelError, "is not the tail behind"),
        (("pool0",), ModelError, "is not the tail behind"),
        ((), ModelError, "is not the tail behind"),
        (("",), ModelError, "is not the tail behind"),
    ],
)
def test_a_name_of_another_cut_is_refused(
    catalog: Catalog, graph: Graph, unknown: tuple[Cut, ...], crossing, kind, words
) -> None:
    """Name and values must mean one cut; nothing is built and nothing kept."""
    name = tail_name(graph, unknown[1].id)
    with pytest.raises(kind, match=words):
        catalog.ask_for(name, crossing)
    assert not catalog._building
    with pytest.raises(ModelError, match="no candidate cut"):
        catalog.is_ready(name)


@pytest.mark.parametrize("crossing", [("elsewhere",), ("conv1", "nowhere"), ("pool0", "classes")])
def test_values_that_are_no_cut_are_refused(catalog: Catalog, graph: Graph, crossing) -> None:
    """A value the model has not, or values that part nothing, are told by name."""
    name = tail_name(graph, cut_id(crossing))
    if crossing == ("pool0", "classes"):  # each may cross: that is found out on another thread
        catalog.ask_for(name, crossing)
        catalog._building[name].exception(60)
    else:
        assert not catalog._building
    for _ in range(2):
        with pytest.raises(InvalidCutError, match=r"elsewhere|nowhere|pool0"):
            catalog.ask_for(name, crossing)


def test_a_tail_of_another_file_is_refused(catalog: Catalog, graph: Graph, unknown) -> None:
    """Values of the same names in another file are other values."""
    with pytest.raises(ModelMismatchError, match="tail of another file"):
        catalog.ask_for(tail_name(graph, unknown[0].id, "f" * 64), unknown[0].crossing)
    with pytest.raises(ModelError, match=r"no model 'other\..* here"):
        catalog.ask_for(str(TailName("other", graph.sha256, unknown[0].id)), unknown[0].crossing)


def test_what_is_held_already_is_not_built_again(catalog: Catalog, graph: Graph) -> None:
    """Asking for a cut the segments have changes nothing."""
    held = catalog.endpoints()[1].cut
    catalog.ask_for(tail_name(graph, held.id), held.crossing)
    assert not catalog._building


def test_tails_asked_for_are_bounded(
    catalog: Catalog, graph: Graph, unknown: tuple[Cut, ...]
) -> None:
    """Four are taken, though none be built yet; the fifth is refused and told what to do."""
    *first, fifth = unknown
    for cut in first:
        catalog.ask_for(tail_name(graph, cut.id), cut.crossing)
    for _ in range(2):
        with pytest.raises(ModelError, match=r"holds 4 tails beside its segments.* with a table"):
            catalog.ask_for(tail_name(graph, fifth.id), fifth.crossing)
    for cut in first:
        name = tail_name(graph, cut.id)
        catalog._building[name].result(60)
        assert catalog.is_ready(name)
    with pytest.raises(ModelError, match="holds 4 tails"):
        catalog.ask_for(tail_name(graph, fifth.id), fifth.crossing)
    assert set(first) <= {endpoint.cut for endpoint in catalog.endpoints()}


@pytest.fixture(scope="module")
def own_stub(six_convs, fork_server) -> Iterator[Any]:
    """Give a stub to a server of its own: tails that are added stay."""
    with (
        fork_server.server([str(six_convs)]) as process,
        open_channel(process.address) as channel,
    ):
        yield services.GRPCInferenceServiceStub(channel)


def ask(stub: Any, name: str, crossing: tuple[str, ...] | None) -> None:
    """Ask by the protocol's own message."""
    request = messages.RepositoryModelLoadRequest(model_name=name)
    if crossing is not None:
        request.parameters[CROSSING].string_param = "\n".join(crossing)
    stub.RepositoryModelLoad(request, timeout=10)


def is_ready(stub: Any, name: str) -> bool:
    """Tell whether a tail is warm."""
    return bool(stub.ModelReady(messages.ModelReadyRequest(name=name), timeout=30).ready)


def test_the_tail_answers_over_the_wire(
    own_stub: Any, graph: Graph, unknown, request_for, outputs_in, image_of, truth
) -> None:
    """Asked for, waited for and run: the outputs are those of the whole."""
    cut = unknown[2]
    name = tail_name(graph, cut.id)
    assert not is_ready(own_stub, name)
    ask(own_stub, name, cut.crossing)
    for _ in range(100_000):
        if is_ready(own_stub, name):
            break
    device = Segments(graph, [cut])
    head = device.run(device.head_of(cut), image_of(4)).values
    sent = {value: head[value] for value in cut.crossing}
    made = outputs_in(own_stub.ModelInfer(request_for(name, sent), timeout=30))
    expected = truth(image_of(4))
    assert list(made) == list(cut.returned) == ["brightest", "classes"]
    for output, array in made.items():
        np.testing.assert_allclose(array, expected[output], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("crossing", "code", "words"),
    [
        (None, grpc.StatusCode.NOT_FOUND, "is not the tail behind"),
        (("pool0", "pool5"), grpc.StatusCode.NOT_FOUND, "is not the tail behind"),
    ],
)
def test_what_does_not_fit_is_refused_over_the_wire(
    own_stub: Any,
    graph: Graph,
    unknown,
    refusal_of: Callable[[Callable[[], object]], grpc.RpcError],
    crossing,
    code: grpc.StatusCode,
    words: str,
) -> None:
    """Without values, or with those of another cut, the answer is a typed error."""
    name = tail_name(graph, unknown[0].id)
    error = refusal_of(lambda: ask(own_stub, name, crossing))
    assert error.code() == code
    assert words in error.details()


def test_an_unknown_value_is_told_over_the_wire(own_stub: Any, graph: Graph, refusal_of) -> None:
    """The caller learns which name it was; it is the caller's error, not the server's."""
    crossing = ("elsewhere",)
    name = tail_name(graph, cut_id(crossing))
    error = refusal_of(lambda: ask(own_stub, name, crossing))
    assert error.code() in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)
    assert "'elsewhere' is not a computed value" in error.details()
