"""A seeded schedule of faults on several servers and clients, and a judge who reads the history.

After Jepsen: every few seconds something fails, holds, and heals; at the end everything heals,
it is quiet for a while, and the last requests show whether all is as it was.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import numpy as np

from cutpoint.client.session import InferenceSession
from cutpoint.lab.faults.client import ObservedClient, Traffic
from cutpoint.lab.faults.footprint import footprint_of
from cutpoint.lab.faults.history import Fault, History
from cutpoint.lab.faults.invariants import has_grown, not_back, violations
from cutpoint.lab.faults.models import feeds, write_two_loops
from cutpoint.lab.faults.setting import READY_TIMEOUT_S, truths
from cutpoint.lab.faults.throttle import throttled
from cutpoint.lab.fork_server import ForkServer
from cutpoint.lab.forked_server import ForkedServer
from cutpoint.lab.link_process import LinkProcess
from cutpoint.units import from_mbit_per_s

FAULTS = (
    "kill",
    "freeze",
    "partition both",
    "partition up",
    "partition down",
    "rate",
    "delay",
    "loss",
    "slow",
    "swap",
    "reset",
)

_RATE = from_mbit_per_s(400.0)
_DELAY_S = 0.002
_ROUNDS = 40
_SLOWDOWN = 10.0
_PAUSE_S = 0.02
_DEADLINE_S = 3.0
"""Far above what the device needs: an answer later than this was waited for, not computed."""

_NUM_AT_EACH_END = 40


@dataclass
class Stand:
    """
    One server, its link, and the file it serves.

    Parameters
    ----------
    server, link
        Running.
    own, served
        The right model, and the file that the server reads.
    """

    server: ForkedServer
    link: LinkProcess
    own: Path
    served: Path


@dataclass(frozen=True)
class ChaosRun:
    """
    One seed.

    Parameters
    ----------
    seed, duration_s
        Of the schedule.
    faults
        What was done, in order.
    num_requests, num_wrong, num_failed, num_offloaded
        Over the run.
    worst_s
        Largest latency.
    problems
        What broke I1 to I4, I6 or I7.
    differences
        What broke I5: not as before after all healed. On a machine that does other work too
        times say little.
    """

    seed: int
    duration_s: float
    faults: list[str]
    num_requests: int
    num_wrong: int
    num_failed: int
    num_offloaded: int
    worst_s: float
    problems: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


def run_chaos(
    folder: Path,
    fork_server: ForkServer,
    seed: int,
    duration_s: float,
    *,
    num_servers: int = 3,
    num_clients: int = 2,
    hold_s: float = 2.5,
    quiet_s: float = 5.0,
) -> ChaosRun:
    """
    Let faults happen for a time, and judge what the clients saw.

    Parameters
    ----------
    folder
        Models and the history, ``chaos-SEED.jsonl``, are written there.
    seed
        Of the schedule.
    duration_s
        Of the schedule.
    num_servers, num_clients
        Each client knows every server, in another order.
    hold_s
        How long a fault lasts; as long again it is calm after it.
    quiet_s
        After everything has healed.
    """
    rng = np.random.default_rng(seed)
    history = History()
    with _stands(folder, fork_server, num_servers) as stands, ExitStack() as stack:
        clients = [
            stack.enter_context(_client(f"client-{idx}", idx, stands, history))
            for idx in range(num_clients)
        ]
        for client in clients:
            client.run_until(lambda each: each.is_offloaded, READY_TIMEOUT_S)
        before_s, before = history.now_s(), footprint_of()
        for client in clients:
            _run_some(client)
        calm_s = history.now_s()
        with ExitStack() as traffic:
            for client in clients:
                traffic.enter_context(Traffic(client, _PAUSE_S))
            while history.now_s() < calm_s + duration_s:
                _one_fault(stands, rng, history, hold_s)
            Event().wait(quiet_s)
        after_s = history.now_s()
        for client in clients:
            _run_some(client)
        path = folder / f"chaos-{seed}.jsonl"
        history.write(path)
        told = History.read(path)
        differences = not_back(told.begun_within(before_s, calm_s), told.begun_within(after_s))
        growth = has_grown(before, footprint_of(), rss_slack_bytes=50_000_000, slack=8)
    return _judged(told, seed, duration_s, growth, differences)


def _judged(
    history: History,
    seed: int,
    duration_s: float,
    growth: list[str],
    differences: list[str],
) -> ChaosRun:
    ended = history.ended
    return ChaosRun(
        seed=seed,
        duration_s=duration_s,
        faults=[each.what for each in history.faults if each.what != "heal"],
        num_requests=len(ended),
        num_wrong=sum(each.is_right is False for each in ended),
        num_failed=sum(each.error is not None for each in ended),
        num_offloaded=sum(each.is_offloaded for each in ended),
        worst_s=max(each.latency_s for each in ended),
        problems=violations(history, _DEADLINE_S) + growth,
        differences=differences,
    )


def _run_some(client: ObservedClient) -> None:
    for _ in range(_NUM_AT_EACH_END):
        client.run()


def _one_fault(
    stands: list[Stand], rng: np.random.Generator, history: History, hold_s: float
) -> None:
    """Draw a fault and a server; let it happen, hold, heal, and be calm for as long."""
    idx = int(rng.integers(len(stands)))
    what = FAULTS[int(rng.integers(len(FAULTS)))]
    history.add(Fault(what, f"server {idx}", history.now_s()))
    with _fault(what, stands[idx]):
        Event().wait(hold_s)
    history.add(Fault("heal", f"server {idx}", history.now_s()))
    Event().wait(hold_s)


@contextmanager
def _fault(what: str, stand: Stand) -> Iterator[None]:
    """Have a fault while the block lasts."""
    link, server = stand.link, stand.server
    if what == "slow":
        with throttled(server.pid, 0.2):
            yield
        return
    begin, end = _ACTIONS[what]
    begin(stand)
    try:
        yield
    finally:
        end(stand)
        assert link.address
        assert server.is_running


def _restart(stand: Stand) -> None:
    stand.server.kill()
    stand.server.start()
    stand.server.wait_until_ready()


def _swap(stand: Stand) -> None:
    stand.server.kill()
    write_two_loops(stand.served, 1, _ROUNDS, seed=99)
    _restart(stand)


def _swap_back(stand: Stand) -> None:
    stand.server.kill()
    shutil.copyfile(stand.own, stand.served)
    _restart(stand)


_Action = Callable[[Stand], None]
_ACTIONS: dict[str, tuple[_Action, _Action]] = {
    "kill": (lambda stand: stand.server.kill(), _restart),
    "freeze": (lambda stand: stand.server.freeze(), lambda stand: stand.server.thaw()),
    "partition both": (
        lambda stand: stand.link.partition("both"),
        lambda stand: stand.link.heal(),
    ),
    "partition up": (lambda stand: stand.link.partition("up"), lambda stand: stand.link.heal()),
    "partition down": (
        lambda stand: stand.link.partition("down"),
        lambda stand: stand.link.heal(),
    ),
    "rate": (
        lambda stand: stand.link.set_rate(_RATE / 20, _RATE / 20),
        lambda stand: stand.link.set_rate(_RATE, _RATE),
    ),
    "delay": (
        lambda stand: stand.link.set_delay(_DELAY_S + 0.2, _DELAY_S + 0.2),
        lambda stand: stand.link.set_delay(_DELAY_S, _DELAY_S),
    ),
    "loss": (
        lambda stand: stand.link.disturb(jitter_s=0.03, loss=0.05),
        lambda stand: stand.link.disturb(),
    ),
    "swap": (_swap, _swap_back),
    "reset": (
        lambda stand: stand.link.reset_connections(),
        lambda stand: stand.link.reset_connections(),
    ),
}


@contextmanager
def _stands(folder: Path, fork_server: ForkServer, count: int) -> Iterator[list[Stand]]:
    own = write_two_loops(_made(folder / "own") / "chaos.onnx", 1, _ROUNDS)
    with ExitStack() as stack:
        stands = []
        for idx in range(count):
            served = _made(folder / f"served-{idx}") / "chaos.onnx"
            shutil.copyfile(own, served)
            server = stack.enter_context(fork_server.server([str(served)]))
            link = stack.enter_context(
                LinkProcess(
                    server.address,
                    delay_s=_DELAY_S,
                    up_bytes_per_s=_RATE,
                    down_bytes_per_s=_RATE,
                )
            )
            stands.append(Stand(server, link, own, served))
        yield stands


@contextmanager
def _client(name: str, idx: int, stands: list[Stand], history: History) -> Iterator[ObservedClient]:
    """Give a client that prefers another server than the others do."""
    order = [*stands[idx:], *stands[:idx]]
    model = stands[0].own
    inputs = feeds(3)
    with InferenceSession(
        model, server=[stand.link.address for stand in order], slowdown=_SLOWDOWN
    ) as session:
        session.wait_until_ready(READY_TIMEOUT_S)
        yield ObservedClient(name, session, inputs, truths(model, inputs), history)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
