"""The published estimators of a link, on made-up links."""

from collections.abc import Callable
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.estimation import BurstProbe, ProbingLink, SingleTransfer, TinyProbes, TwoSizePing
from cutpoint.records import ProbeSample

LINKS: dict[str, Callable[[], ProbingLink]] = {
    "two-size ping": TwoSizePing,
    "burst probe": BurstProbe,
    "single transfer": SingleTransfer,
    "tiny probes": TinyProbes,
}

RATES = st.floats(4, 8).map(lambda exponent: 10.0**exponent)


@pytest.fixture(params=LINKS)
def link(request: pytest.FixtureRequest) -> ProbingLink:
    """Give each of them, new."""
    return LINKS[request.param]()


def answered(link: ProbingLink, rate: float, message_s: float, at_s: float) -> list[int]:
    """Answer what it asks for at a time, if anything; gives the sizes."""
    asked = link.next_probe(at_s)
    sizes = [] if asked is None else list(asked.sizes_bytes)
    for size_bytes in sizes:
        link.sensed(ProbeSample(at_s, size_bytes, message_s + size_bytes / rate))
    return sizes


def test_nothing_is_believed_before_the_first_answer(link: ProbingLink) -> None:
    """Asking alone tells nothing."""
    assert link.next_probe(0.0) is not None
    assert (link.conditions(), link.bandwidth_bytes_per_s) == (None, None)


@given(rate=RATES)
@pytest.mark.parametrize("name", LINKS)
def test_a_link_without_fixed_time_is_found(name: str, rate: float) -> None:
    """After a few seconds of a steady link each believes in its rate."""
    link = LINKS[name]()
    for second in range(20):
        answered(link, rate, 0.0, float(second))
    assert link.bandwidth_bytes_per_s == pytest.approx(rate, rel=0.01)
    assert link.conditions().bandwidth_up_bytes_per_s == pytest.approx(rate, rel=0.01)


def test_probes_are_spaced(link: ProbingLink) -> None:
    """However often it is asked, it sends no more than two a second."""
    asked = [link.next_probe(0.05 * tick) for tick in range(200)]
    assert 1 <= sum(each is not None for each in asked) <= 20


@pytest.mark.parametrize("duration_s", [nan, inf, -1.0, 0.0])
def test_a_sample_that_cannot_be_is_passed_over(link: ProbingLink, duration_s: float) -> None:
    """No time that is none changes a belief, or breaks one."""
    for second in range(3):
        answered(link, 1e6, 0.01, float(second))
    before = link.conditions()
    asked = link.next_probe(9.0)
    for size_bytes in asked.sizes_bytes:
        link.sensed(ProbeSample(9.0, size_bytes, duration_s))
    link.transferred(nan, 1.0, 9.0)
    link.transferred(1e5, duration_s, 9.0)
    assert link.conditions() == before


@given(rate=RATES, message_s=st.floats(0, 0.2))
def test_a_fixed_time_cancels_in_the_difference(rate: float, message_s: float) -> None:
    """Two sizes give the rate whatever the round trip: what DADS's ping is for."""
    link = TwoSizePing()
    answered(link, rate, message_s, 0.0)
    assert link.bandwidth_bytes_per_s == pytest.approx(rate, rel=1e-3)


def test_a_larger_ping_that_was_faster_says_nothing() -> None:
    """A negative rate is none; the next pair tells."""
    link = TwoSizePing()
    link.next_probe(0.0)
    link.sensed(ProbeSample(0.0, 1024, 0.02))
    link.sensed(ProbeSample(0.0, 16 * 1024, 0.01))
    assert link.conditions() is None
    answered(link, 1e6, 0.01, 1.0)
    assert link.bandwidth_bytes_per_s == pytest.approx(1e6)


def test_a_larger_ping_alone_says_nothing() -> None:
    """Its partner was lost with the connection before."""
    link = TwoSizePing()
    link.next_probe(0.0)
    link.sensed(ProbeSample(0.0, 16 * 1024, 0.01))
    assert link.conditions() is None


@pytest.mark.parametrize(
    ("mbit_per_s", "size_bytes"),
    [(0.5, 1 << 17), (2.9, 2 << 17), (7.2, 7 << 17), (90, 8 << 17)],
)
def test_a_burst_is_about_a_second_of_the_mean(mbit_per_s: float, size_bytes: int) -> None:
    """The first is a mebibyte; then whole Mbit/s times 128 KiB, one at least and eight at most."""
    link = BurstProbe()
    assert answered(link, mbit_per_s * 125e3, 0.0, 0.0) == [1 << 20]
    assert answered(link, mbit_per_s * 125e3, 0.0, 1.0) == [size_bytes]


def test_a_burst_counts_its_round_trip_and_the_oldest_falls_out() -> None:
    """Bytes over wall time, and the arithmetic mean of as many as the window holds."""
    link = BurstProbe(window=2)
    for second, duration_s in enumerate((1.0, 2.0, 4.0)):
        link.next_probe(float(second))
        link.sensed(ProbeSample(float(second), 1 << 20, duration_s))
    assert link.bandwidth_bytes_per_s == pytest.approx((1 << 20) * (1 / 2 + 1 / 4) / 2)


@pytest.mark.parametrize("link", [SingleTransfer(), TinyProbes()], ids=["single", "tiny"])
def test_a_real_transfer_spares_a_probe(link: ProbingLink) -> None:
    """Where something was just sent there is nothing to probe for."""
    link.transferred(1e5, 0.1, 5.0)
    assert link.next_probe(5.2) is None
    assert link.next_probe(6.1) is not None


@given(rate=RATES, message_s=st.floats(1e-4, 0.1))
def test_fixed_time_and_rate_are_fitted_apart(rate: float, message_s: float) -> None:
    """Pairs of tiny probes give both terms of a + s/B."""
    link = TinyProbes()
    for second in range(10):
        answered(link, rate, message_s, float(second))
    predicted_s = [link.message_s + size / link.bandwidth_bytes_per_s for size in (1024, 16384)]
    expected_s = [message_s + size / rate for size in (1024, 16384)]
    assert predicted_s == pytest.approx(expected_s, rel=0.01)


@given(before=RATES, factor=st.floats(-2, 2))
def test_passive_samples_are_followed(before: float, factor: float) -> None:
    """After sixty transfers on a changed link those of their size are predicted within a tenth."""
    after = before * 10**factor
    link = TinyProbes()
    for second in range(10):
        answered(link, before, 0.01, float(second))
    for number in range(60):
        link.transferred(60e3, 0.01 + 60e3 / after, 10.0 + number)
    predicted_s = link.message_s + 60e3 / link.bandwidth_bytes_per_s
    assert predicted_s == pytest.approx(0.01 + 60e3 / after, rel=0.1)


@pytest.mark.parametrize(
    "make",
    [lambda: TwoSizePing(2, 1), lambda: TinyProbes(5, 5), lambda: TinyProbes(forgetting=0.0)],
)
def test_sizes_that_tell_nothing_are_refused(make: Callable[[], ProbingLink]) -> None:
    """Two probes of one size have no difference."""
    with pytest.raises(ValueError, match="bytes"):
        make()
