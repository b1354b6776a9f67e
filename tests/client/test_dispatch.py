"""Where one inference goes, among made-up servers: codecs are chosen, withdrawn and tried again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any

import pytest

from cutpoint.client.decoding import NO_DECODING, Decoding
from cutpoint.client.dispatch import Dispatch
from cutpoint.client.shape_bucket import ShapeBucket
from cutpoint.client.table_rules import TableRules
from cutpoint.cost import Coding, HostCosts
from cutpoint.exceptions import ConnectionLostError
from cutpoint.graph import DEVICE_ONLY, SERVER_ONLY, Cut, Graph, bind, cut_at
from cutpoint.planning.objective import objective_named
from cutpoint.policies import Cutpoint, Fixed, Policy
from cutpoint.records import LinkConditions, LoadConditions

HALF = Decoding(frozenset({"half"}))


@pytest.fixture
def graph(graph_of: Callable[..., Graph]) -> Graph:
    """Give a chain that can be cut at a."""
    return graph_of("(float[64] x) => (float[64] y) { a = Relu(x) y = Abs(a) }")


@pytest.fixture
def cut(graph: Graph) -> Cut:
    """Give its cut."""
    return cut_at(graph, ["a"])


def host(cut: Cut, whole_s: float) -> HostCosts:
    """Give a host whose work is nearly all behind the cut."""
    head_s = {DEVICE_ONLY: whole_s, SERVER_ONLY: 0.0, cut.id: 0.01 * whole_s}
    tail_s = {each: whole_s - seconds for each, seconds in head_s.items()}
    return HostCosts(whole_s, head_s, tail_s, frozenset(head_s))


@dataclass
class Server:
    """A connection that tells what it is told to tell, and lets everything through."""

    address: str
    costs: HostCosts
    tails: frozenset[str]
    decoding: Decoding = HALF
    unavailable: str | None = None
    times_predicted: float | None = None

    def link(self) -> LinkConditions:
        """Give a link over which 64 floats take a quarter of a second."""
        return LinkConditions(1024.0, 1e9, 0.0, 0.0)

    def load(self, at_s: float) -> LoadConditions:
        """Give an idle server."""
        return LoadConditions()

    def load_age_s(self, at_s: float) -> None:
        """Give no age: nothing was heard of it."""

    def admit(self, at_s: float) -> int:
        """Let it through."""
        return 1

    def release(self, admission: int) -> None:
        """Take no note."""


@dataclass
class Budget:
    """Retries without end."""

    def deposit(self) -> None:
        """Take no note."""

    def spend(self) -> bool:
        """Allow it."""
        return True


@dataclass
class Servers:
    """The first is used, the second stands behind it."""

    all: list[Server]
    budget: Budget = field(default_factory=Budget)

    def chosen(self, at_s: float) -> Server:
        """Give the first."""
        return self.all[0]

    def unavailable(self, server: Server) -> str | None:
        """Give its own reason."""
        return server.unavailable

    def at(self, address: str) -> Server:
        """Give the one of an address."""
        return next(each for each in self.all if each.address == address)

    def other_than(self, address: str, at_s: float) -> Server | None:
        """Give the next."""
        return next((each for each in self.all if each.address != address), None)


class House:
    """One session's parts, with a codec that halves everything in no time."""

    def __init__(self, graph: Graph, cut: Cut) -> None:
        self.struck = False
        self.rules = TableRules(codings=self.codings, is_struck=lambda *_: self.struck)
        self.bucket = ShapeBucket(
            (), graph, [cut], host(cut, 8.0), bound_at=partial(bind, graph), rules=self.rules
        )
        tails = frozenset({SERVER_ONLY, cut.id})
        self.servers = Servers([Server(f"{name}:1", host(cut, 0.08), tails) for name in "ab"])
        self.now_s = 0.0
        self.encode_s = 0.01

    def codings(self, graph: Graph, speeds: object, codecs: object) -> list[Coding]:
        """Give the codec, if the server knows it."""
        half = {name: value.size_bytes / 2 for name, value in graph.values.items()}
        known = [Coding("half", half, dict.fromkeys(half, self.encode_s))]
        return known if "half" in codecs else []

    def dispatch(
        self,
        policy: Policy,
        previous: Dispatch | None = None,
        deadline_s: float | None = None,
        **more: Any,
    ) -> Dispatch:
        """Decide for one inference."""
        return Dispatch(
            self.servers,
            self.bucket,
            policy,
            clock=lambda: self.now_s,
            lock=Lock(),
            deadline_s=deadline_s,
            previous=previous,
            **more,
        )


@pytest.fixture
def house(graph: Graph, cut: Cut) -> House:
    """Give one with two servers alike."""
    return House(graph, cut)


def test_a_codec_is_planned_and_its_row_is_what_counts(house: House) -> None:
    """What crosses goes at half its size; the cut and what lies behind it are the row's."""
    dispatch = house.dispatch(Cutpoint())
    assert dispatch.plan.codec == "half"
    assert dispatch.plan.predicted.upload_s == pytest.approx(0.125)
    assert dispatch.cut.id == dispatch.plan.cut
    assert dispatch.rest_s == pytest.approx(8.0 if dispatch.cut.placement == "server" else 7.92)


def test_a_decision_from_before_a_withdrawal_is_not_taken_over(house: House) -> None:
    """However short ago it was made."""
    policy = Cutpoint()
    first = house.dispatch(policy)
    assert house.dispatch(policy, first).decision is first.decision
    house.struck = True
    house.rules.outdate()
    second = house.dispatch(policy, first)
    assert (first.plan.codec, second.plan.codec) == ("half", "raw")
    assert house.dispatch(policy, second).decision is second.decision


@pytest.mark.parametrize(
    "settings",
    [{"objective": objective_named("energy")}, {"hedge": "auto"}],
    ids=["joules", "races"],
)
def test_a_decision_for_another_deadline_is_not_taken_over(house: House, settings: dict) -> None:
    """Where it counts: what is thriftiest in time may be too late, and what is raced too."""
    policy = Cutpoint()
    first = house.dispatch(policy, None, 60.0, **settings)
    assert house.dispatch(policy, first, 60.0 - 1e-4, **settings).decision is first.decision
    for deadline_s in (None, 0.5, 90.0):
        other = house.dispatch(policy, first, deadline_s, **settings)
        assert other.decision is not first.decision
    soonest = house.dispatch(policy, None, 60.0)
    assert house.dispatch(policy, soonest, 0.5).decision is soonest.decision


class TestAnotherServer:
    """What was encoded goes to another server only if that one decodes it."""

    def other(self, house: House, policy: Policy) -> Server | None:
        """Give the server that takes over when the first one is lost."""
        found = house.dispatch(policy).other(None, ConnectionLostError("gone"))
        return None if found is None else found[0]

    def test_one_that_knows_the_codec(self, house: House) -> None:
        """It is asked."""
        assert self.other(house, Cutpoint()) is house.servers.all[1]

    def test_one_that_does_not(self, house: House) -> None:
        """The device computes on: bytes of a codec nobody knows are no answer."""
        house.servers.all[1].decoding = NO_DECODING
        assert self.other(house, Cutpoint()) is None
        assert self.other(house, Fixed("server")) is house.servers.all[1]

    def test_one_that_lacks_it_at_this_cut(self, house: House, cut: Cut) -> None:
        """Servers that are not ours have one tail encoded and another raw."""
        lacks = frozenset({(cut.id, "half"), (SERVER_ONLY, "half")})
        house.servers.all[1].decoding = Decoding(HALF.codecs, {}, lacks)
        assert self.other(house, Cutpoint()) is None

    def test_one_in_whose_table_another_row_beats_it(self, house: House, cut: Cut) -> None:
        """It is in no table there, and yet decoded there."""
        policy = Fixed("a@half")
        policy.candidates(house.bucket.graph)
        dispatch = house.dispatch(policy)
        assert dispatch.plan.codec == "half"
        other = house.servers.all[1]
        house.rules.codings = lambda graph, speeds, codecs: [
            *house.codings(graph, speeds, codecs),
            Coding("tenth", dict.fromkeys(graph.values, 1.0)),
        ]
        table = house.bucket.table(other.costs, other.tails, other.address, other.decoding)
        assert table.find(cut.id, "half") is None
        found = dispatch.other(None, ConnectionLostError("gone"))
        assert found is not None
        assert found[0] is other
