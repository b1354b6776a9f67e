"""Who competes: a policy, the input as it is fed, and the codecs it may use."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from cutpoint.lab.arena.subject import INPUT_CODEC, InputKind
from cutpoint.policies import Hedge, Policy

PolicyMaker = Callable[[], Policy]


@dataclass(frozen=True)
class Contender:
    """
    One line of a comparison.

    Parameters
    ----------
    name
        For people; one of a kind in an arena.
    policy
        As for `InferenceSession`, or what makes one: policies remember, so each session has
        its own.
    input
        How the picture is fed: ``"float32"`` runs the model as it was published, the others its
        twin with the preprocessing inside.
    codecs
        As for `InferenceSession`; ``None`` for all that lose nothing, and where `is_lossy` for
        all that keep the subject's tolerance.
    is_lossy
        Whether codecs may change the outputs as far as the subject's tolerance allows.
    objective
        As for `InferenceSession`.
    power
        Name of what the device draws, if its joules are to be counted.
    hedge
        When the device computes on after sending.
    """

    name: str
    policy: str | PolicyMaker
    input: InputKind = "uint8"
    codecs: str | None = "raw"
    is_lossy: bool = False
    objective: str = "latency"
    power: str | None = None
    hedge: Hedge = "off"


def published(policy: str) -> Contender:
    """Give a published scheme as it was published: float32 throughout, nothing encoded."""
    return Contender(policy, policy, input="float32")


DEVICE_ONLY = Contender("device-only", "device")
SERVER_ONLY_FLOAT32 = Contender("server-only float32", "server", input="float32")
SERVER_ONLY_UINT8 = Contender("server-only uint8", "server")
SERVER_ONLY_JPEG = Contender(
    "server-only jpeg", f"server@{INPUT_CODEC}", codecs=INPUT_CODEC, is_lossy=True
)
"""The pixels are there: the device makes the file, which takes its time."""

BASELINES = (DEVICE_ONLY, SERVER_ONLY_FLOAT32, SERVER_ONLY_UINT8, SERVER_ONLY_JPEG)
"""In every comparison."""

CUTPOINT = Contender("cutpoint", "cutpoint", codecs=None, is_lossy=True)
"""The pixels, and every codec that keeps the subject's tolerance."""

RACING = replace(CUTPOINT, name="cutpoint, hedge auto", hedge="auto")
"""The same; where the tail is worth the joules the device computes on after sending."""
