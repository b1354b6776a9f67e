"""Profiles of this device and what they must tell."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cutpoint.client import device_profiles
from cutpoint.client.device_profiles import measured_sending_slowdown, read_profiles
from cutpoint.client.handshake import server_costs
from cutpoint.exceptions import ProfileMismatchError, RemoteProtocolError
from cutpoint.graph import Graph
from cutpoint.records import FORMAT_VERSION, Environment, Profile, Sample
from cutpoint.wire.holdings import Holdings
from cutpoint.wire.protocol import PROTOCOL_VERSION

WRONG = [{}, {"batch": 1}, {"batch": 1, "length": 4, "height": 7}, {"batch": -1, "length": 4}]


@pytest.fixture
def graph(graph_of: Callable[..., Graph]) -> Graph:
    """Give a graph with two open dimensions."""
    return graph_of(
        "(float[batch,length] x) => (float[batch,N] y) { y = Relu(x) }", batch=1, length=9
    )


@pytest.fixture
def profile(graph: Graph) -> Profile:
    """Give a profile at other sizes."""
    environment = Environment("1", ("CPUExecutionProvider",), 1, "cpu", 1, None, False)
    return Profile(
        FORMAT_VERSION,
        graph.sha256,
        graph.name,
        "here",
        environment,
        (),
        (Sample("whole", "", 1.0), Sample("tail", "server-only", 1.0)),
        1.0,
        sizes={"batch": 2, "length": 4},
    )


def test_one_or_several(graph: Graph, profile: Profile) -> None:
    """None, one, or one for each of several sizes."""
    other = replace(profile, sizes={"batch": 1, "length": 64})
    assert read_profiles(None, graph) == ()
    assert read_profiles(profile, graph) == (profile,)
    assert read_profiles([profile, other], graph) == (profile, other)


@pytest.mark.parametrize("sizes", WRONG)
def test_a_profile_tells_every_size_and_no_other(
    sizes: dict[str, int], graph: Graph, profile: Profile
) -> None:
    """At sizes nobody knows, its times are of nothing."""
    with pytest.raises(ProfileMismatchError, match="was measured at sizes"):
        read_profiles([profile, replace(profile, sizes=sizes)], graph)


def test_a_model_without_open_dimensions_has_no_sizes(
    graph_of: Callable[..., Graph], profile: Profile
) -> None:
    """Sizes of another model's dimensions are told."""
    fixed = graph_of("(float[1,4] x) => (float[1,4] y) { y = Relu(x) }")
    assert read_profiles(replace(profile, sizes={}), fixed)
    with pytest.raises(ProfileMismatchError):
        read_profiles(profile, fixed)


@pytest.mark.parametrize("sizes", WRONG)
def test_a_server_that_measured_at_odd_sizes_is_refused(
    sizes: dict[str, int], graph: Graph, profile: Profile
) -> None:
    """What it says cannot be scaled to anything; at the handshake, not in a run."""
    holdings = Holdings(PROTOCOL_VERSION, graph.sha256, profile, {})
    assert server_costs(graph, holdings, ()).sizes == profile.sizes
    lying = replace(holdings, profile=replace(profile, sizes=sizes))
    with pytest.raises(RemoteProtocolError, match="the server measured 'model' at"):
        server_costs(graph, lying, ())


def test_what_sending_costs_is_found_out_only_for_a_race(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile that tells it is believed; a session that never races does not measure."""
    asked: list[float] = []

    def found(segments: object, feed: object, whole_s: float) -> tuple[Sample, ...]:
        asked.append(whole_s)
        return (Sample("sending", "", 1.5 * whole_s),)

    monkeypatch.setattr(device_profiles, "sending_samples", found)
    assert measured_sending_slowdown(profile, None, {}, "off") == 1.0
    assert asked == []
    assert measured_sending_slowdown(profile, None, {}, "auto") == pytest.approx(1.5)
    assert asked == [1.0]
    told = replace(profile, samples=(*profile.samples, Sample("sending", "", 1.2)))
    assert measured_sending_slowdown(told, None, {}, "always") == pytest.approx(1.2)
    assert asked == [1.0]
