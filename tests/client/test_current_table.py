"""The table of the moment: compiled anew when the server or the rules change, and only then."""

from collections.abc import Callable, Collection, Mapping, Sequence

import pytest

from cutpoint.client.current_table import CurrentTable
from cutpoint.client.decoding import Decoding
from cutpoint.client.table_rules import TableRules
from cutpoint.cost import CodecSpeed, Coding, HostCosts
from cutpoint.graph import DEVICE_ONLY, SERVER_ONLY, Cut, Graph, cut_at
from cutpoint.records import RAW


@pytest.fixture
def graph(graph_of: Callable[..., Graph]) -> Graph:
    """Give a chain that can be cut at a and at b."""
    return graph_of("(float[64] x) => (float[64] y) { a = Relu(x) b = Tanh(a) y = Abs(b) }")


@pytest.fixture
def cuts(graph: Graph) -> list[Cut]:
    """Give both cuts."""
    return [cut_at(graph, ["a"]), cut_at(graph, ["b"])]


@pytest.fixture
def host(cuts: list[Cut]) -> HostCosts:
    """Give a host that takes a second for all, a third of it for each node."""
    head_s = {DEVICE_ONLY: 1.0, SERVER_ONLY: 0.0, cuts[0].id: 0.33, cuts[1].id: 0.67}
    tail_s = {cut: 1.0 - seconds for cut, seconds in head_s.items()}
    return HostCosts(1.0, head_s, tail_s, frozenset(head_s))


class Book:
    """Codecs that can be withdrawn, and a note of what was asked of it."""

    def __init__(self) -> None:
        self.struck: set[tuple[str, str]] = set()
        self.asked: list[tuple[Mapping[str, CodecSpeed], Collection[str]]] = []

    def codings(
        self, graph: Graph, speeds: Mapping[str, CodecSpeed], codecs: Collection[str]
    ) -> Sequence[Coding]:
        """Give the codecs the server has too: half of what the graph says, a second each."""
        self.asked.append((speeds, codecs))
        half = {name: value.size_bytes / 2 for name, value in graph.values.items()}
        return [Coding(name, half, dict.fromkeys(half, 1.0)) for name in sorted(codecs)]

    def is_struck(self, cut: str, codec: str) -> bool:
        """Tell what was withdrawn."""
        return (cut, codec) in self.struck


@pytest.fixture
def book() -> Book:
    """Give a book in which nothing is struck."""
    return Book()


@pytest.fixture
def rules(book: Book) -> TableRules:
    """Give rules by the book."""
    return TableRules(codings=book.codings, is_struck=book.is_struck)


@pytest.fixture
def table(graph: Graph, cuts: list[Cut], host: HostCosts, rules: TableRules) -> CurrentTable:
    """Give the table of a device that holds both cuts."""
    return CurrentTable(graph, cuts, host, rules)


KNOWS = Decoding(frozenset({"half"}), {"half": CodecSpeed(1.0)})


def again(host: HostCosts) -> HostCosts:
    """Give the same costs told anew."""
    return HostCosts(host.whole_s, host.head_s, host.tail_s, host.measured)


def test_before_the_server_told_anything_all_is_raw(
    table: CurrentTable, book: Book, cuts: list[Cut]
) -> None:
    """Every cut is a row, out of reach as yet; nobody asks what a codec costs."""
    given = table.given(None, ())
    assert [cut.id for cut in given.splits] == [cut.id for cut in cuts]
    assert (set(given.codecs), book.asked) == ({RAW}, [])


def test_a_server_that_knows_codecs_has_rows_for_them(
    table: CurrentTable, host: HostCosts, cuts: list[Cut], book: Book
) -> None:
    """Of the tails that it has, and of server-only."""
    given = table.given(host, {SERVER_ONLY, cuts[0].id}, KNOWS)
    pairs = list(zip((cut.id for cut in given.cuts), given.codecs, strict=True))
    assert pairs == [
        (DEVICE_ONLY, RAW),
        (SERVER_ONLY, RAW),
        (SERVER_ONLY, "half"),
        (cuts[0].id, RAW),
        (cuts[0].id, "half"),
    ]
    assert book.asked == [(KNOWS.speeds, KNOWS.codecs)]


def test_it_is_compiled_once(table: CurrentTable, host: HostCosts, cuts: list[Cut]) -> None:
    """The same costs give the same table, and so do none after some."""
    tails = {SERVER_ONLY, *(cut.id for cut in cuts)}
    given = table.given(host, tails, KNOWS)
    assert table.given(host, tails, KNOWS) is given
    assert table.given(None, (), Decoding()) is given
    told = table.given(again(host), tails, KNOWS)
    assert told is not given
    assert table.given(None, (), Decoding()) is told


def test_a_withdrawn_codec_is_in_no_table_given_later(
    table: CurrentTable, rules: TableRules, book: Book, host: HostCosts, cuts: list[Cut]
) -> None:
    """Though the server told nothing new; what it told before is remembered."""
    tails = {SERVER_ONLY, *(cut.id for cut in cuts)}
    before = table.given(host, tails, KNOWS)
    assert before.find(cuts[1].id, "half") is not None
    book.struck.add((cuts[1].id, "half"))
    assert table.given(host, tails, KNOWS) is before
    rules.outdate()
    for given in (table.given(None, ()), table.given(host, tails, KNOWS)):
        assert given.find(cuts[1].id, "half") is None
        assert given.find(cuts[1].id) is not None
        assert given.find(cuts[0].id, "half") is not None


def test_a_withdrawal_while_a_table_is_compiled_is_not_lost(
    graph: Graph, cuts: list[Cut], host: HostCosts, book: Book
) -> None:
    """A table begun before it is compiled again when next asked for."""
    late = {"done": False}

    def is_struck(cut: str, codec: str) -> bool:
        answer = book.is_struck(cut, codec)
        if not late["done"] and (cut, codec) == (cuts[0].id, "half"):
            late["done"] = True
            book.struck.add((cut, codec))
            rules.outdate()
        return answer

    rules = TableRules(codings=book.codings, is_struck=is_struck)
    table = CurrentTable(graph, cuts, host, rules)
    tails = {SERVER_ONLY, *(cut.id for cut in cuts)}
    assert table.given(host, tails, KNOWS).find(cuts[0].id, "half") is not None
    assert table.given(host, tails, KNOWS).find(cuts[0].id, "half") is None


def test_what_a_server_lacks_is_no_row(
    table: CurrentTable, host: HostCosts, cuts: list[Cut]
) -> None:
    """One tail may be there raw alone, another encoded alone."""
    lacks = frozenset({(cuts[0].id, "half"), (cuts[1].id, RAW)})
    decoding = Decoding(KNOWS.codecs, KNOWS.speeds, lacks)
    given = table.given(host, {SERVER_ONLY, *(cut.id for cut in cuts)}, decoding)
    assert given.find(cuts[0].id) is not None
    assert given.find(cuts[0].id, "half") is None
    assert given.find(cuts[1].id) is None
    assert given.find(cuts[1].id, "half") is not None


def test_rows_that_cannot_be_the_best_stay_where_they_are_wanted(
    graph: Graph, cuts: list[Cut], host: HostCosts
) -> None:
    """A policy that insists on a codec finds it, however useless."""

    def useless(graph: Graph, *_: object) -> Sequence[Coding]:
        sizes = {name: float(value.size_bytes) for name, value in graph.values.items()}
        return [Coding("useless", sizes, dict.fromkeys(sizes, 1.0))]

    found = [
        CurrentTable(
            graph, cuts, host, TableRules(codings=useless, keeps_dominated=keeps_dominated)
        )
        .given(host, {cut.id for cut in cuts}, KNOWS)
        .find(cuts[0].id, "useless")
        for keeps_dominated in (False, True)
    ]
    assert found[0] is None
    assert found[1] is not None
