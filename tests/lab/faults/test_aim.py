"""Faults aimed at a phase of an inference."""

import pytest

from cutpoint.client.offload import Offload
from cutpoint.inference import HeadDone, Inference, Replying, Started, Uploaded
from cutpoint.lab.faults.aim import aimed_at
from cutpoint.records import DEVICE, Leg, Parts, Plan

ALONE = Plan("device", "device-only", (Leg(DEVICE, None),), Parts())
OFFLOADED = Plan(
    "server",
    "server-only",
    (Leg(DEVICE, "server-only", ("x",), ("raw",)), Leg("edge:8001", None)),
    Parts(),
)


@pytest.fixture
def machine() -> Inference:
    """Give an inference that is to run on a server."""
    return Inference(OFFLOADED)


@pytest.mark.parametrize("phase", ["connect", "upload", "wait", "compute", "reply"])
def test_each_phase_is_hit_when_it_begins_and_once(phase, machine):
    """What happens before leaves it alone, and what happens after does not fire again."""
    fired: list[str] = []
    offload = Offload(1, None)
    seen = []
    with aimed_at(phase, 0.0, lambda: fired.append(phase)):
        steps = {
            "connect": machine.start,
            "upload": lambda: machine.handle(HeadDone(0.0, 0.0)),
            "wait": lambda: offload.note(Uploaded(0.1, 0.1)),
            "compute": lambda: offload.note(Started(0.2)),
            "reply": lambda: offload.note(Replying(0.3)),
        }
        for name, step in steps.items():
            if name == phase:
                assert not fired
            step()
            seen.append(name)
    assert fired == [phase]
    assert seen[-1] == "reply"


def test_a_request_that_runs_at_once_never_waits():
    """The acknowledgement of the last piece tells which it is."""
    fired: list[str] = []
    with aimed_at("wait", 0.0, lambda: fired.append("wait")):
        Offload(1, None).note(Uploaded(0.1, 0.1, is_running=True))
    with aimed_at("compute", 0.0, lambda: fired.append("compute")):
        Offload(1, None).tell(Uploaded(0.1, 0.1, is_running=True))
    assert fired == ["compute"]


def test_what_the_device_does_alone_is_not_aimed_at():
    """A plan without a server has none of the phases."""
    fired: list[str] = []
    with aimed_at("connect", 0.0, lambda: fired.append("connect")):
        Inference(ALONE).start()
    assert fired == []
