from dataclasses import FrozenInstanceError, fields
from typing import get_args

import pytest

from cutpoint.inference import Action, Event, HeadDone, RunHead


def test_every_event_carries_its_time() -> None:
    """The machine has no clock: each event says when it happened, before all else."""
    assert {"at_s"} == {fields(event)[0].name for event in get_args(Event)}


def test_events_and_actions_are_values() -> None:
    """Equal events are one event, equal actions one action, and none can be changed."""
    assert HeadDone(1.0, 0.5) == HeadDone(1.0, 0.5, 0.0)
    assert RunHead() == RunHead()
    with pytest.raises(FrozenInstanceError):
        HeadDone(1.0, 0.5).at_s = 2.0
    assert all(each.__dataclass_params__.frozen for each in (*get_args(Event), *get_args(Action)))
