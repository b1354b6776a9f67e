"""Probes of an idle link, on a made-up clock."""

from cutpoint.client.prober import Prober
from cutpoint.estimation import LinkEstimator


def test_two_acknowledgements_give_round_trip_and_rate():
    """The empty message gives the round trip, the spacing of the second its time on the link."""
    link, sent = LinkEstimator(), []
    prober = Prober(link, sent.append)
    prober.send(10, at_s=1.0)
    size_bytes = len(sent[1].raw_input_contents[0])
    assert prober.take(10, 1.01)
    assert prober.take(11, 1.01 + size_bytes / 125e3)
    assert link.round_trip_s == 1.01 - 1.0
    assert abs(link.up.bytes_per_s - 125e3) < 1.0
    assert prober.answered.is_set()
    assert not prober.take(12, 2.0)


def test_unanswered_probes_do_not_pile_up():
    """While one is under way none is added; its silence lowers the belief, and so the next."""
    link, sent = LinkEstimator(), []
    link.up.bytes_per_s = 2.5e6
    prober = Prober(link, sent.append)
    for repeat in range(20):
        prober.send(10 + 2 * repeat, at_s=0.5 * repeat)
    assert len(sent) == 2
    assert link.up.bytes_per_s < 30e3
    prober.take(10, 10.0)
    prober.take(11, 11.0)
    prober.send(90, at_s=12.0)
    assert len(sent) == 4
    assert len(sent[3].raw_input_contents[0]) < len(sent[1].raw_input_contents[0])
