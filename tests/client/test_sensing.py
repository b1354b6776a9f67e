"""A policy with estimators of its own is asked for probes, and told of them and of load."""

from threading import Event, Lock

import pytest
from tests.client.conftest import running_server

from cutpoint import InferenceSession
from cutpoint.client.policy_probes import MOST_PROBE_BYTES, PolicyProbes
from cutpoint.client.sensing import PolicySenses
from cutpoint.policies import Cutpoint
from cutpoint.records import LoadReport, ProbeRequest, ProbeSample

SAMPLE = ProbeSample(1.0, 0, 0.01)


class Curious(Cutpoint):
    """Wants two probes once, and remembers what it hears."""

    def __init__(self, sizes_bytes: tuple[int, ...] = (0, 5000)) -> None:
        super().__init__()
        self.wanted: list[ProbeRequest] = [ProbeRequest(sizes_bytes)]
        self.heard: list[tuple[str, ProbeSample | LoadReport]] = []
        self.all_heard = Event()

    @property
    def probes(self) -> list[ProbeSample]:
        """Answered probes."""
        return [sample for _, sample in self.heard if isinstance(sample, ProbeSample)]

    def next_probe(self, server, at_s):
        """Want what is wanted."""
        return self.wanted.pop() if self.wanted else None

    def sensed(self, server, sample):
        """Remember."""
        self.heard.append((server, sample))
        if len(self.probes) >= 2:
            self.all_heard.set()


class Failing(Curious):
    """Fails at whatever it hears."""

    def sensed(self, server, sample):
        """Fail."""
        raise ZeroDivisionError


def test_probes_of_a_policy_are_sent_and_told(model_path) -> None:
    """Each is answered before the next leaves, and its answer told with size and time."""
    policy = Curious()
    with (
        running_server(model_path) as address,
        InferenceSession(model_path, server=address, policy=policy) as session,
    ):
        session.wait_until_ready(20)
        assert policy.all_heard.wait(20)
        assert session._engine.servers.addresses[0] == address
    assert [sample.size_bytes for sample in policy.probes] == [0, 5000]
    assert all(0 < sample.duration_s < 10 for sample in policy.probes)
    first, second = policy.probes
    assert second.at_s - second.duration_s >= first.at_s
    assert {server for server, _ in policy.heard} == {address}


def test_a_policy_without_estimators_is_asked_nothing() -> None:
    """The session's own estimates are all that it has."""
    senses = PolicySenses(Cutpoint(), Lock())
    senses.sensed("edge:1", SAMPLE)
    assert senses.next_probe("edge:1", 1.0) is None


def test_who_hears_does_not_wait_for_a_policy_that_decides() -> None:
    """What comes meanwhile is told with the next call, in order."""
    policy, lock = Curious(), Lock()
    senses = PolicySenses(policy, lock)
    later = ProbeSample(2.0, 0, 0.01)
    with lock:
        senses.sensed("edge:1", SAMPLE)
        senses.sensed("edge:1", later)
        assert policy.heard == []
    senses.next_probe("edge:1", 3.0)
    assert [sample for _, sample in policy.heard] == [SAMPLE, later]


def test_a_policy_that_fails_at_its_estimates_is_left_alone(caplog) -> None:
    """It is logged once; who watches over the server goes on."""
    senses = PolicySenses(Failing(), Lock())
    senses.sensed("edge:1", SAMPLE)
    senses.sensed("edge:1", SAMPLE)
    assert senses.next_probe("edge:1", 1.0) is None
    assert len([r for r in caplog.records if "failed at estimates" in r.message]) == 1


@pytest.mark.parametrize("wanted", ["two", ProbeRequest(("large",)), ProbeRequest(None)])
def test_a_policy_that_wants_what_is_no_probe_is_left_alone(caplog, wanted) -> None:
    """Once, and not each time that the watch over the server comes by."""
    policy = Curious()
    policy.wanted = [wanted, wanted]
    senses = PolicySenses(policy, Lock())
    assert senses.next_probe("edge:1", 1.0) is None
    assert senses.next_probe("edge:1", 2.0) is None
    assert len([r for r in caplog.records if "failed at estimates" in r.message]) == 1
    assert policy.wanted == [wanted]


class Sent:
    """Takes note of what is sent and told."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.told: list[ProbeSample] = []
        self.probes = PolicyProbes(self.send, self.told.append)

    def send(self, size_bytes: int) -> int:
        """Take note."""
        self.sizes.append(size_bytes)
        return 100 + len(self.sizes)


def test_a_probe_waits_for_the_answer_to_the_one_before() -> None:
    """And what is no answer to it is none."""
    sent = Sent()
    sent.probes.begin(ProbeRequest((0, 10)), 1.0)
    assert sent.sizes == [0]
    assert not sent.probes.take(999, 1.1)
    assert sent.probes.take(101, 1.5)
    assert sent.sizes == [0, 10]
    assert sent.probes.is_busy(1.5)
    assert sent.probes.take(102, 1.75)
    assert sent.told == [ProbeSample(1.5, 0, 0.5), ProbeSample(1.75, 10, 0.25)]
    assert not sent.probes.is_busy(2.0)


@pytest.mark.parametrize("size_bytes", [-5, 1 << 40, 3.7])
def test_sizes_that_cannot_be_are_brought_within_bounds(size_bytes) -> None:
    """A policy may be anybody's; a message of a stream is bounded."""
    sent = Sent()
    sent.probes.begin(ProbeRequest((size_bytes,)), 1.0)
    assert 0 <= sent.sizes[0] <= MOST_PROBE_BYTES


def test_a_probe_that_is_lost_does_not_end_probing() -> None:
    """After half a minute it is given up, with those behind it."""
    sent = Sent()
    sent.probes.begin(ProbeRequest((0, 10)), 1.0)
    assert sent.probes.is_busy(30.0)
    assert not sent.probes.is_busy(32.0)
    sent.probes.begin(ProbeRequest((20,)), 33.0)
    assert sent.sizes == [0, 20]
