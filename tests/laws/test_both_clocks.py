"""Law: same events, same actions, in the client and in the simulator."""

from collections.abc import Sequence
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulation.made_up import RATES, tables, worlds

from cutpoint.client.drive import Drive
from cutpoint.cost import CutTable
from cutpoint.inference import Action, Deliver, EncodeDone, Event, HeadDone, Inference, TailDone
from cutpoint.policies import Cutpoint, Fixed, Hedge, Policy
from cutpoint.simulation.scenario import BackgroundSpec, DeviceSpec, Scenario, ServerSpec
from cutpoint.simulation.simulator import simulate
from cutpoint.simulation.world import World

Told = list[tuple[Event | None, tuple[Action, ...]]]


class Replayed(Drive):
    """The client's loop, whose segments and server tell what was recorded."""

    def __init__(self, inference: Inference, events: Sequence[Event]) -> None:
        super().__init__(inference, None, None, None, lambda: 0.0)  # type: ignore[arg-type]
        self.actions: list[Action] = []
        self._script = list(events)

    def replay(self) -> None:
        """Go through all of it."""
        self._run()

    @property
    def is_told(self) -> bool:
        """Whether nothing of what was recorded is left."""
        return not self._script

    def _carry_out(self, action: Action) -> Event | None:
        self.actions.append(action)
        is_done_here = self._script and isinstance(
            self._script[0], HeadDone | EncodeDone | TailDone
        )
        return self._script.pop(0) if is_done_here and not isinstance(action, Deliver) else None

    def _next_event(self) -> Event:
        return self._script.pop(0)


@settings(max_examples=40)
@given(
    table=tables(),
    world=worlds(st.just(0.0) | RATES),
    policy=st.sampled_from([Cutpoint, lambda: Fixed("server")]),
    background=st.floats(0, 20),
    died_s=st.floats(0.1, 3),
    hedge=st.sampled_from(get_args(Hedge)),
)
def test_what_was_simulated_is_what_runs(
    table: CutTable,
    world: World,
    policy: type[Policy],
    background: float,
    died_s: float,
    hedge: Hedge,
) -> None:
    """The client's loop, fed with the events of a simulated inference, takes the same actions."""
    stories: dict[int, tuple[Inference, Told]] = {}

    def told(inference: Inference, event: Event | None, actions: tuple[Action, ...]) -> None:
        stories.setdefault(id(inference), (inference, []))[1].append((event, actions))

    device = DeviceSpec("device", policy(), table, world, num_inferences=8, hedge=hedge)
    server = ServerSpec(down=((died_s, died_s + 1.0),))
    load = BackgroundSpec("edge", background, 0.1)
    simulate(Scenario((device,), (server,), (load,)), 10.0, told=told)
    for inference, story in stories.values():
        if not inference.is_done:
            continue  # the simulation ended before it did
        events = [event for event, _ in story if event is not None]
        wanted = [action for _, actions in story for action in actions]
        twin = Inference(inference.plan, inference.patience_s, inference.rest_s)
        drive = Replayed(twin, events)
        drive.replay()
        assert drive.actions == wanted[: len(drive.actions)]
        assert wanted[len(drive.actions) :] in ([], [Deliver(True)], [Deliver(False)])
        assert drive.is_told
        assert (twin.measured, twin.legs) == (inference.measured, inference.legs)
        assert twin.race == inference.race
