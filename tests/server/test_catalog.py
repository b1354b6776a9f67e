"""The catalog: which model a name means, and tails built when they are asked for."""

import threading
from collections.abc import Iterator

import pytest

from cutpoint.exceptions import ModelError, ModelMismatchError
from cutpoint.graph import SERVER_ONLY, Graph, candidate_cuts
from cutpoint.planning import shortlist
from cutpoint.server.catalog import Catalog
from cutpoint.server.served_model import ServedModel
from cutpoint.wire.names import TailName


@pytest.fixture
def catalog(model: ServedModel) -> Iterator[Catalog]:
    """Give a catalog of the tiny model."""
    catalog = Catalog([model])
    yield catalog
    catalog.close()


def _tail(graph: Graph, cut_id: str, sha256: str | None = None) -> str:
    return str(TailName("six_convs", sha256 or graph.sha256, cut_id))


def _not_held(graph: Graph) -> list[str]:
    candidates = candidate_cuts(graph)
    kept = {cut.id for cut in shortlist(graph, candidates)}
    return [cut.id for cut in candidates if cut.id not in kept]


def test_a_name_means_the_whole_or_a_tail(catalog: Catalog, graph: Graph) -> None:
    """Every endpoint is found under the name it is listed by; the file's name is the whole."""
    kept = shortlist(graph, candidate_cuts(graph))
    assert len(kept) >= 4
    names = [endpoint.name for endpoint in catalog.endpoints()]
    assert names == ["six_convs", *(_tail(graph, cut.id) for cut in kept)]
    assert [catalog.resolve(name) for name in names] == list(catalog.endpoints())
    assert catalog.resolve("six_convs").cut.id == SERVER_ONLY
    assert [catalog.resolve(name).cut for name in names[1:]] == list(kept)
    assert all(catalog.is_ready(name) for name in names)


def test_an_unknown_name_is_told_what_is_there(catalog: Catalog) -> None:
    """The error lists the models of this server; an empty one says so."""
    with pytest.raises(ModelError, match="no model 'resnet50' here; this server has: six_convs"):
        catalog.resolve("resnet50")
    with pytest.raises(ModelError, match="this server has: six_convs"):
        catalog.is_ready("resnet50.0123456789ab.0123456789ab")
    empty = Catalog()
    with pytest.raises(ModelError, match="no model 'm' here; this server has: none yet"):
        empty.resolve("m")
    assert repr(empty) == "<Catalog: empty>"
    assert repr(catalog) == "<Catalog: six_convs>"
    empty.close()


@pytest.mark.parametrize("digest", ["f" * 12, "", "f", "../../../../"])
def test_a_tail_of_another_file_is_refused(catalog: Catalog, graph: Graph, digest: str) -> None:
    """A name whose digest is not this file's is a mismatch, whatever its cut."""
    cut_id = catalog.endpoints()[1].cut.id
    for call in (catalog.resolve, catalog.is_ready):
        with pytest.raises(ModelMismatchError, match=f"'six_convs' is {graph.sha256[:12]}"):
            call(f"six_convs.{digest}.{cut_id}")


def test_a_part_of_the_digest_is_not_enough(catalog: Catalog, graph: Graph) -> None:
    """One tail has one name: fewer or more digits, or a dot behind the model, mean nothing."""
    cut_id = catalog.endpoints()[1].cut.id
    for digits in (1, 11, 13, 64):
        with pytest.raises(ModelMismatchError):
            catalog.resolve(f"six_convs.{graph.sha256[:digits]}.{cut_id}")
    for name in ("six_convs.", "six_convs..", "six_convs.."):
        with pytest.raises(ModelMismatchError):
            catalog.resolve(name)


def test_a_tail_that_is_not_built_is_said_to_be_so(catalog: Catalog, graph: Graph) -> None:
    """The error says how to ask for it; resolving alone builds nothing."""
    name = _tail(graph, _not_held(graph)[0])
    for _ in range(2):
        with pytest.raises(ModelError, match="not built: ask for it with ModelReady"):
            catalog.resolve(name)


def test_asking_for_a_candidate_builds_its_tail(catalog: Catalog, graph: Graph) -> None:
    """The first question begins the work and says no; once it is done the answer is yes."""
    cut_id = _not_held(graph)[0]
    name = _tail(graph, cut_id)
    assert catalog.is_ready(name) is False
    catalog._building[name].result(60)
    assert catalog.is_ready(name) is True
    assert catalog.resolve(name).cut.id == cut_id
    assert name in [endpoint.name for endpoint in catalog.endpoints()]


def test_a_tail_is_built_once(
    catalog: Catalog, graph: Graph, model: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked again while it is being built, it says not yet and begins nothing."""
    begun, gate = [], threading.Event()
    build = model.add_tail

    def slowly(cut_id: str):
        begun.append(cut_id)
        assert gate.wait(30)
        return build(cut_id)

    monkeypatch.setattr(model, "add_tail", slowly)
    cut_id = _not_held(graph)[0]
    name = _tail(graph, cut_id)
    assert [catalog.is_ready(name) for _ in range(5)] == [False] * 5
    gate.set()
    catalog._building[name].result(60)
    assert catalog.is_ready(name) is True
    assert begun == [cut_id]


def test_tails_beside_the_segments_are_bounded(catalog: Catalog, graph: Graph) -> None:
    """Four more tails are built; the fifth is refused, with the reason, and stays refused."""
    wanted = _not_held(graph)
    assert len(wanted) > 4
    names = [_tail(graph, cut_id) for cut_id in wanted]
    for name in names[:4]:
        assert catalog.is_ready(name) is False
        catalog._building[name].result(60)
    assert all(catalog.is_ready(name) for name in names[:4])
    assert catalog.is_ready(names[4]) is False
    catalog._building[names[4]].exception(60)
    for _ in range(2):
        with pytest.raises(ModelError, match="holds 4 tails beside its segments already"):
            catalog.is_ready(names[4])
    assert len(catalog.endpoints()) == 1 + len(shortlist(graph, candidate_cuts(graph))) + 4


def test_names_that_could_not_be_built_are_not_kept(catalog: Catalog, graph: Graph) -> None:
    """A cut the graph has not is refused at once; junk names leave nothing behind."""
    for i in range(50):
        with pytest.raises(ModelError, match="no candidate cut"):
            catalog.is_ready(_tail(graph, f"{i:012x}"))
    assert not catalog._building


def test_another_model_may_be_added(catalog: Catalog, counting) -> None:
    """A model loaded later is served beside the first."""
    catalog.add(ServedModel.load(str(counting)))
    assert catalog.resolve("counting").model.name == "counting"
    assert catalog.resolve("six_convs").model.name == "six_convs"


def test_two_files_of_one_name_are_refused(catalog: Catalog, six_convs, model) -> None:
    """A second file by a name that is served already is an error, and the first stays."""
    with pytest.raises(ModelError, match="two files are named 'six_convs'"):
        catalog.add(ServedModel.load(str(six_convs)))
    assert catalog.resolve("six_convs").model is model
