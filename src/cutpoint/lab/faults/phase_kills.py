"""SIGKILL aimed at each phase of an inference, and the way back."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import grpc
import numpy as np

from cutpoint.lab.faults.aim import aimed_at
from cutpoint.lab.faults.history import Ended, History
from cutpoint.lab.faults.invariants import violations
from cutpoint.lab.faults.models import MIDDLE, feeds, write_blocker, write_two_loops
from cutpoint.lab.faults.setting import Setting, setting
from cutpoint.lab.fork_server import ForkServer
from cutpoint.lab.forked_server import ForkedServer
from cutpoint.records import Phase
from cutpoint.units import from_mbit_per_s
from cutpoint.wire.channel import open_channel
from cutpoint.wire.protocol import messages, services

PHASES: tuple[Phase, ...] = ("connect", "upload", "wait", "compute", "reply")

RESUME_S = 1.5
"""Server ready -> first offloaded answer begins."""

ADDED_S = 0.05
"""Kill -> answer, beyond what the device needs for the tail."""

_TRIES_PER_KILL = 5
_SETTLED = 2
"""Offloaded requests before a kill: after a restart the link is known by three probes alone."""

_RESUME_TIMEOUT_S = 20.0
_BLOCKER = "blocker"
_BLOCKER_ROUNDS = 500
_BLOCKER_LEAD_S = 0.05
"""The other client's request is sent this long before ours, which then waits behind it."""


@dataclass(frozen=True)
class Scene:
    """
    What makes a phase long enough to be hit.

    Parameters
    ----------
    phase
        To be hit.
    policy
        Of the session.
    head_rounds, tail_rounds, copies
        Of the model.
    slowdown
        Of the emulated device.
    up_mbit_per_s, down_mbit_per_s
        Of the link.
    delay_s
        The kill comes up to this long after the phase has begun.
    """

    phase: Phase
    policy: str = "server"
    head_rounds: int = 2
    tail_rounds: int = 60
    copies: int = 1
    slowdown: float = 1.0
    up_mbit_per_s: float = 400.0
    down_mbit_per_s: float = 400.0
    delay_s: float = 0.02


SCENES = (
    Scene("connect", policy=MIDDLE, head_rounds=12, tail_rounds=8, slowdown=15.0, delay_s=0.04),
    Scene("upload", up_mbit_per_s=10.0, slowdown=15.0, delay_s=0.15),
    Scene("wait", slowdown=8.0, delay_s=0.02),
    Scene("compute", tail_rounds=200, slowdown=3.0, delay_s=0.03),
    Scene(
        "reply",
        slowdown=6.0,
        up_mbit_per_s=4000.0,
        down_mbit_per_s=4000.0,
        copies=160,
        delay_s=0.04,
    ),
)
"""The input is 262 kB: 0.2 s at 10 Mbit/s. The device is slow: one that would be done sooner has
reason to give up on the server before that is killed. What the kernel has taken of a reply it
delivers after its process is dead, a megabyte or two: so the reply is long in itself, 21 MB, and
not by a slow link."""


@dataclass(frozen=True)
class Kill:
    """
    One kill and what came of it.

    Parameters
    ----------
    aimed_at, failed_in
        The phase wanted, and the one the record names.
    is_in_time
        Whether the kill came before the request failed, and so is why.
    added_s
        Kill -> answer, less the time before the values were to be sent.
    noticed_s
        Of it, until the device knew and went on alone.
    tail_s
        What the device needed for the tail.
    resumed_s
        Server ready -> first offloaded request begins.
    is_right
        Whether the answer was.
    reason
        Why the device went on alone, as in the record.
    """

    aimed_at: Phase
    failed_in: str | None
    is_in_time: bool
    added_s: float
    noticed_s: float
    tail_s: float
    resumed_s: float
    is_right: bool
    reason: str | None

    @property
    def is_hit(self) -> bool:
        """Whether the request failed in the phase that was aimed at, and by the kill."""
        return self.is_in_time and self.failed_in == self.aimed_at

    @property
    def overhead_s(self) -> float:
        """Added time beyond the tail."""
        return self.added_s - self.tail_s


@dataclass(frozen=True)
class KillCampaign:
    """
    The kills of all phases.

    Parameters
    ----------
    kills
        Hits and misses.
    num_requests, num_wrong
        Of all requests, those around the kills included.
    problems
        What broke an invariant.
    """

    kills: list[Kill] = field(default_factory=list)
    num_requests: int = 0
    num_wrong: int = 0
    problems: list[str] = field(default_factory=list)

    def hits(self, phase: Phase) -> list[Kill]:
        """Give the kills that hit a phase."""
        return [kill for kill in self.kills if kill.is_hit and kill.failed_in == phase]

    @property
    def num_missed(self) -> int:
        """Kills that hit another phase than the one aimed at, or came after the answer."""
        return sum(not kill.is_hit for kill in self.kills)


class PhaseKiller:
    """
    Kills the server of a setting in one phase, again and again.

    Parameters
    ----------
    scene
        The phase.
    at
        The setting.
    rng
        Draws when in the phase.
    """

    def __init__(self, scene: Scene, at: Setting, rng: np.random.Generator) -> None:
        self._scene = scene
        self._at = at
        self._rng = rng

    def kill(self) -> Kill:
        """Offload, kill in the phase, take the answer, restart, see offloading come back."""
        at, history = self._at, self._at.history
        at.settle(_SETTLED)
        killed_s: list[float] = []

        def fire() -> None:
            killed_s.append(history.now_s())
            at.server.kill()

        delay_s = float(self._rng.uniform(0.1, 1.0)) * self._scene.delay_s
        with self._occupied(), aimed_at(self._scene.phase, delay_s, fire):
            ended = at.client.run()
        if not killed_s:  # the phase was not reached: count it as a miss, and start afresh
            fire()
        ready_s = at.restart()
        back = at.client.run_until(lambda each: each.is_offloaded, _RESUME_TIMEOUT_S)
        # Before its values are to be sent a request takes what it takes, kill or no kill.
        sent_s = ended.began_s + ended.head_s
        from_s = max(killed_s[0], sent_s)
        return Kill(
            aimed_at=self._scene.phase,
            failed_in=ended.failed_in,
            is_in_time=killed_s[0] < sent_s + ended.lost_s or ended.failed_in == "connect",
            added_s=ended.ended_s - from_s,
            noticed_s=max(sent_s + ended.lost_s - from_s, 0.0),
            tail_s=ended.tail_s,
            resumed_s=max(back.began_s - ready_s, 0.0),
            is_right=bool(ended.is_right),
            reason=ended.fallback_reason,
        )

    @contextmanager
    def _occupied(self) -> Iterator[None]:
        """Have another client's request on the only worker, where ours is to wait."""
        if self._scene.phase != "wait":
            yield
            return
        other = Thread(target=_ask_for_long, args=(self._at.server,), daemon=True)
        other.start()
        time.sleep(_BLOCKER_LEAD_S)
        yield
        other.join()


def run_phase_kills(
    folder: Path, fork_server: ForkServer, num_each: int, scenes: Sequence[Scene] = SCENES
) -> KillCampaign:
    """
    Kill a server so often in each phase; kills that hit another phase are repeated.

    Parameters
    ----------
    folder
        Models are written there.
    num_each
        Hits wanted per phase.
    scenes
        The phases.
    """
    campaign = KillCampaign()
    histories: list[History] = []
    for number, scene in enumerate(scenes):
        with _stage(folder, fork_server, scene) as at:
            killer = PhaseKiller(scene, at, np.random.default_rng(number))
            num_hits = 0
            for _ in range(_TRIES_PER_KILL * num_each):
                kill = killer.kill()
                campaign.kills.append(kill)
                num_hits += kill.is_hit
                if num_hits == num_each:
                    break
            histories.append(at.history)
    return _judged(campaign, histories)


def _judged(campaign: KillCampaign, histories: Sequence[History]) -> KillCampaign:
    ended: list[Ended] = [each for history in histories for each in history.ended]
    return KillCampaign(
        campaign.kills,
        len(ended),
        sum(each.is_right is False for each in ended),
        [problem for history in histories for problem in violations(history)],
    )


@contextmanager
def _stage(folder: Path, fork_server: ForkServer, scene: Scene) -> Iterator[Setting]:
    model = write_two_loops(
        folder / f"{scene.phase}.onnx", scene.head_rounds, scene.tail_rounds, copies=scene.copies
    )
    more = (write_blocker(folder / f"{_BLOCKER}.onnx"),) if scene.phase == "wait" else ()
    with setting(
        fork_server,
        model,
        feeds(3),
        delay_s=0.002,
        up_bytes_per_s=from_mbit_per_s(scene.up_mbit_per_s),
        down_bytes_per_s=from_mbit_per_s(scene.down_mbit_per_s),
        more_models=more,
        policy=scene.policy,
        slowdown=scene.slowdown,
    ) as at:
        yield at


def _ask_for_long(server: ForkedServer) -> None:
    """Ask for the blocker's answer, past the link; the server's death ends it."""
    (feed,) = feeds(1)
    request = messages.ModelInferRequest(model_name=_BLOCKER)
    request.inputs.add(name="x", datatype="FP32", shape=feed["x"].shape)
    request.inputs.add(name="rounds", datatype="INT64", shape=[1])
    request.raw_input_contents.append(feed["x"].tobytes())
    request.raw_input_contents.append(np.array([_BLOCKER_ROUNDS], np.int64).tobytes())
    with ExitStack() as stack:
        channel = stack.enter_context(open_channel(server.address))
        stub = services.GRPCInferenceServiceStub(channel)
        try:
            stub.ModelInfer(request, timeout=10.0)
        except grpc.RpcError:
            return
