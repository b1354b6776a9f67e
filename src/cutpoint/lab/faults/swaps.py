"""Another model of the same name after a restart, under load, again and again."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from cutpoint.lab.faults.client import Traffic
from cutpoint.lab.faults.history import Fault, History
from cutpoint.lab.faults.invariants import violations
from cutpoint.lab.faults.models import feeds, write_two_loops
from cutpoint.lab.faults.setting import Setting, setting
from cutpoint.lab.fork_server import ForkServer

RENEGOTIATED_S = 1.0
"""The right model is ready -> first offloaded request begins."""

_ROUNDS = 4
_SLOWDOWN = 4.0
_BACK_TIMEOUT_S = 20.0
_NAME = "swapped"


@dataclass(frozen=True)
class SwapCampaign:
    """
    The swaps and the requests meanwhile.

    Parameters
    ----------
    is_foreign
        Whether the server tells no digest.
    num_swaps, num_requests, num_offloaded, num_wrong
        Counts; wrong ones are to be none.
    num_offloaded_meanwhile
        Answers that a server gave while it held the other model; each would be wrong.
    back_s
        For each swap: right model ready -> first offloaded request begins.
    problems
        What broke an invariant.
    """

    is_foreign: bool
    num_swaps: int
    num_requests: int
    num_offloaded: int
    num_wrong: int
    num_offloaded_meanwhile: int
    back_s: list[float]
    problems: list[str] = field(default_factory=list)


def run_swaps(
    folder: Path,
    fork_server: ForkServer,
    num_swaps: int,
    *,
    is_foreign: bool = False,
    wrong_for_s: float = 0.6,
    right_for_s: float = 0.4,
) -> SwapCampaign:
    """
    Restart the server with other weights, and with its own again, so often.

    Parameters
    ----------
    folder
        Models are written there.
    num_swaps
        How often.
    is_foreign
        Whether the server is not cutpoint's and tells no digest.
    wrong_for_s, right_for_s
        How long it serves each.
    """
    models = _Models(folder)
    server = fork_server.foreign_server(str(models.served)) if is_foreign else None
    with setting(
        fork_server,
        models.own,
        feeds(3),
        server=server or fork_server.server([str(models.served)]),
        policy="server",
        slowdown=_SLOWDOWN,
    ) as at:
        at.settle()
        spans, back_s = [], []
        with Traffic(at.client):
            for number in range(num_swaps):
                spans.append(_serve_other(at, models, number + 1, wrong_for_s))
                back_s.append(_serve_own(at, models))
                Event().wait(right_for_s)
        return _judged(at.history, is_foreign, spans, back_s)


class _Models:
    """The file the session holds, the file that is served, and others of the same name."""

    def __init__(self, folder: Path) -> None:
        for name in ("own", "served", "other"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.own = write_two_loops(folder / "own" / f"{_NAME}.onnx", 1, _ROUNDS)
        self.served = folder / "served" / f"{_NAME}.onnx"
        self._other = folder / "other" / f"{_NAME}.onnx"
        self.serve_own()

    def serve_own(self) -> None:
        shutil.copyfile(self.own, self.served)

    def serve_other(self, seed: int) -> None:
        shutil.copyfile(write_two_loops(self._other, 1, _ROUNDS, seed=seed), self.served)


def _serve_other(at: Setting, models: _Models, seed: int, duration_s: float) -> tuple[float, float]:
    """Restart with other weights for a time; gives from when to when they were served."""
    at.server.kill()
    models.serve_other(seed)
    from_s = at.history.now_s()
    at.history.add(Fault("swap", "server", from_s))
    at.restart()
    Event().wait(duration_s)
    at.server.kill()
    return from_s, at.history.now_s()


def _serve_own(at: Setting, models: _Models) -> float:
    """Restart with the right weights; gives how long until the first offloaded request began."""
    models.serve_own()
    ready_s = at.restart()
    at.history.add(Fault("heal", "server", ready_s))
    waiting = Event()
    while at.history.now_s() < ready_s + _BACK_TIMEOUT_S:
        back = [each for each in at.history.begun_within(ready_s) if each.is_offloaded]
        if back:
            return back[0].began_s - ready_s
        waiting.wait(0.01)
    return float("inf")


def _judged(
    history: History, is_foreign: bool, spans: list[tuple[float, float]], back_s: list[float]
) -> SwapCampaign:
    ended = history.ended
    meanwhile = [
        each
        for each in ended
        if each.is_offloaded
        and any(from_s <= each.began_s and each.ended_s <= to_s for from_s, to_s in spans)
    ]
    return SwapCampaign(
        is_foreign=is_foreign,
        num_swaps=len(spans),
        num_requests=len(ended),
        num_offloaded=sum(each.is_offloaded for each in ended),
        num_wrong=sum(each.is_right is False for each in ended),
        num_offloaded_meanwhile=len(meanwhile),
        back_s=back_s,
        problems=violations(history),
    )
