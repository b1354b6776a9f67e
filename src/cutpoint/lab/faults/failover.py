"""Two servers in a list: the preferred one dies in mid-request, and comes back."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cutpoint.client.session import InferenceSession
from cutpoint.lab.faults.aim import aimed_at
from cutpoint.lab.faults.client import ObservedClient
from cutpoint.lab.faults.history import Ended, History
from cutpoint.lab.faults.invariants import violations
from cutpoint.lab.faults.models import feeds, write_two_loops
from cutpoint.lab.faults.setting import READY_TIMEOUT_S, SETTLE_TIMEOUT_S, truths
from cutpoint.lab.fork_server import ForkServer
from cutpoint.lab.forked_server import ForkedServer
from cutpoint.lab.link_process import LinkProcess
from cutpoint.records import Phase
from cutpoint.units import from_mbit_per_s

MOST_ATTEMPTS = 1.1
"""Attempts per request over a run."""

_PHASES: tuple[Phase, ...] = ("upload", "compute")
_ROUNDS = 60
_SLOWDOWN = 6.0
_MBIT_PER_S = 200.0


@dataclass(frozen=True)
class Failover:
    """
    One death of the preferred server.

    Parameters
    ----------
    latency_s, usual_s
        Of the request under way, and of one that the preferred server answered.
    answered_by
        ``"second"`` or ``"device"``.
    is_next_on_second
        Whether the next request went to the second server.
    back_s
        Preferred server ready -> first request that it answered begins.
    """

    latency_s: float
    usual_s: float
    answered_by: str
    is_next_on_second: bool
    back_s: float


@dataclass(frozen=True)
class FailoverCampaign:
    """
    All deaths.

    Parameters
    ----------
    failovers
        One by one.
    num_requests, num_attempts
        Over the run; an attempt is a server that was asked.
    problems
        What broke an invariant.
    """

    failovers: list[Failover]
    num_requests: int
    num_attempts: int
    problems: list[str] = field(default_factory=list)

    @property
    def attempts_per_request(self) -> float:
        """Attempts over the requests that asked a server at all."""
        return self.num_attempts / max(self.num_requests, 1)


@dataclass
class Pair:
    """
    A client with two servers.

    Parameters
    ----------
    servers, links
        In the order of preference.
    client
        Of both.
    """

    servers: list[ForkedServer]
    links: list[LinkProcess]
    client: ObservedClient

    def run_until_on(self, idx: int) -> Ended:
        """Run until a server has answered; gives the request that it did."""
        address = self.links[idx].address
        return self.client.run_until(
            lambda each: each.is_offloaded and each.server == address, SETTLE_TIMEOUT_S
        )


def run_failover(
    folder: Path, fork_server: ForkServer, num_kills: int, num_between: int = 20
) -> FailoverCampaign:
    """
    Kill the preferred of two servers in mid-request, so often.

    Parameters
    ----------
    folder
        The model is written there.
    num_kills
        How often.
    num_between
        Requests before each kill.
    """
    rng = np.random.default_rng(3)
    with _pair(folder, fork_server) as pair:
        failovers = [
            _kill_preferred(pair, _PHASES[number % len(_PHASES)], rng, num_between)
            for number in range(num_kills)
        ]
        ended = pair.client.history.ended
        asked = [each for each in ended if each.attempts]
        return FailoverCampaign(
            failovers,
            len(asked),
            sum(each.attempts for each in asked),
            violations(pair.client.history),
        )


def _kill_preferred(
    pair: Pair, phase: Phase, rng: np.random.Generator, num_between: int
) -> Failover:
    client, (first, _) = pair.client, pair.servers
    pair.run_until_on(0)
    usual = [client.run() for _ in range(num_between)]
    with aimed_at(phase, float(rng.uniform(0.001, 0.008)), first.kill):
        hit = client.run()
    first.kill()  # where the phase was not reached: it is dead now all the same
    following = client.run()
    first.start()
    first.wait_until_ready()
    ready_s = client.history.now_s()
    back = pair.run_until_on(0)
    return Failover(
        latency_s=hit.latency_s,
        usual_s=float(np.median([each.latency_s for each in usual])),
        answered_by="second" if hit.is_offloaded else "device",
        is_next_on_second=following.is_offloaded and following.server == pair.links[1].address,
        back_s=max(back.began_s - ready_s, 0.0),
    )


@contextmanager
def _pair(folder: Path, fork_server: ForkServer) -> Iterator[Pair]:
    model = write_two_loops(folder / "failover.onnx", 1, _ROUNDS)
    rate = from_mbit_per_s(_MBIT_PER_S)
    inputs = feeds(3)
    with ExitStack() as stack:
        servers = [stack.enter_context(fork_server.server([str(model)])) for _ in range(2)]
        links = [
            stack.enter_context(
                LinkProcess(
                    server.address, delay_s=0.002, up_bytes_per_s=rate, down_bytes_per_s=rate
                )
            )
            for server in servers
        ]
        session = stack.enter_context(
            InferenceSession(model, server=[link.address for link in links], slowdown=_SLOWDOWN)
        )
        session.wait_until_ready(READY_TIMEOUT_S)
        client = ObservedClient("client", session, inputs, truths(model, inputs), History())
        yield Pair(servers, links, client)
