"""The memory budget: what makes room for more, and what never does."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.exceptions import ModelError, NoRoomError
from cutpoint.server.memory_budget import Holding, Kind, MemoryBudget


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """Give its time."""
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    """Give the budget's clock."""
    return Clock()


Take = Callable[..., Holding]


@pytest.fixture
def gone() -> list[str]:
    """Give the list of what made room, in order."""
    return []


@pytest.fixture
def take(gone: list[str]) -> Take:
    """Give what admits weights, which note that they are let go."""

    def admit(
        budget: MemoryBudget, model: str, kind: Kind, size: int, *, is_wanted: bool = True
    ) -> Holding:
        label = f"{model}:{kind}"
        holding = Holding(model, kind, size, lambda: gone.append(label), running=1)
        budget.admit(holding)
        budget.built(holding, is_wanted=is_wanted)
        return holding

    return admit


def test_without_a_limit_weights_are_only_counted(clock: Clock, take: Take, gone) -> None:
    """Any number of models fits; what was freed is counted no more."""
    budget = MemoryBudget(clock=clock)
    holdings = [take(budget, f"m{i}", "model", 1 << 40) for i in range(9)]
    assert budget.held_bytes == 9 << 40
    budget.freed(holdings[0])
    budget.freed(holdings[0])
    assert budget.held_bytes == 8 << 40
    assert gone == []


def test_tails_go_before_models_and_the_longest_unused_first(
    clock: Clock, take: Take, gone
) -> None:
    """However recently a tail was used, it goes before the segments of any model."""
    budget = MemoryBudget(100, 32, clock=clock)
    take(budget, "a", "model", 30)
    clock.now_s += 1
    take(budget, "b", "model", 30)
    clock.now_s += 1
    used = take(budget, "a", "tail", 10)
    clock.now_s += 1
    take(budget, "b", "tail", 10)
    clock.now_s += 1
    budget.touch(used)
    clock.now_s += 100
    take(budget, "c", "model", 20)
    assert gone == []
    for size, expected in ((10, "b:tail"), (10, "a:tail"), (10, "a:model")):
        take(budget, "d", "model", size)
        assert gone.pop(0) == expected
        assert not gone
    assert budget.held_bytes <= 100
    assert budget.num_evicted == 3


def test_what_runs_or_was_used_just_now_stays(clock: Clock, take: Take, gone) -> None:
    """There is an error that says what is missing rather than a request without weights."""
    budget = MemoryBudget(100, clock=clock)
    running = take(budget, "a", "model", 60)
    budget.begin(running)
    clock.now_s += 3600
    with pytest.raises(ModelError, match=r"'b': 60 B of weights do not fit into 100 B, 20 B"):
        take(budget, "b", "model", 60)
    budget.end(running)
    with pytest.raises(ModelError, match="give more with --memory"):
        take(budget, "b", "model", 60)
    clock.now_s += 11
    take(budget, "b", "model", 60)
    assert gone == ["a:model"]
    assert budget.held_bytes == 60


def test_what_nobody_asked_for_yet_goes_at_once(clock: Clock, take: Take, gone) -> None:
    """At the start models are loaded one after the other: the first make room for the last."""
    budget = MemoryBudget(100, clock=clock)
    for name in "abc":
        take(budget, name, "model", 60, is_wanted=False)
    assert gone == ["a:model", "b:model"]


def test_a_models_next_version_does_not_take_its_room(clock: Clock, take: Take, gone) -> None:
    """The one that serves goes on serving until the next is warm."""
    budget = MemoryBudget(100, clock=clock)
    take(budget, "a", "model", 60, is_wanted=False)
    clock.now_s += 3600
    with pytest.raises(ModelError, match="do not fit"):
        take(budget, "a", "model", 60)
    assert gone == []


def test_too_many_tails_of_one_model_push_out_the_oldest(clock: Clock, take: Take, gone) -> None:
    """Without a limit in bytes each model has so many; those of others do not count."""
    budget = MemoryBudget(None, 2, clock=clock)
    take(budget, "a", "model", 1)
    for _ in range(2):
        take(budget, "b", "tail", 1)
    clock.now_s += 100
    for _ in range(2):
        take(budget, "a", "tail", 1)
    with pytest.raises(ModelError, match="holds 2 tails"):
        take(budget, "a", "tail", 1)
    clock.now_s += 11
    take(budget, "a", "tail", 1)
    assert gone == ["a:tail"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcd"), st.sampled_from(("model", "tail")), st.integers(1, 60),
            st.floats(0, 30), st.booleans(),
        ),
        max_size=40,
    )
)  # fmt: skip
def test_the_limit_holds_whatever_comes(steps) -> None:
    """Never more than the limit, never less of what runs, and nothing goes twice."""
    clock = Clock()
    budget = MemoryBudget(100, 3, clock=clock)
    held: list[Holding] = []
    released: list[Holding] = []
    for model, kind, size, pause_s, is_begun in steps:
        clock.now_s += pause_s
        new = Holding(model, kind, size, lambda: None, running=1)
        new.release = lambda new=new: released.append(new)  # type: ignore[misc]
        try:
            budget.admit(new)
        except ModelError:
            continue
        budget.built(new, is_wanted=True)
        held.append(new)
        if is_begun:
            budget.begin(new)
        assert budget.held_bytes <= 100
        assert budget.held_bytes == sum(h.size_bytes for h in held if h not in released)
        assert not any(each.running for each in released)
        assert len(set(map(id, released))) == len(released)


def test_who_finds_no_room_is_told_of_others_only_where_there_are_any(
    take: Take, clock: Clock
) -> None:
    """One model alone may be larger than all there is: nothing else is in use then."""
    budget = MemoryBudget(100, clock=clock)
    with pytest.raises(ModelError, match="50 B are missing: give more with --memory"):
        take(budget, "large", "model", 150)
    take(budget, "small", "model", 80)
    with pytest.raises(ModelError, match="30 B are missing and the rest is in use: give more"):
        take(budget, "other", "model", 50)


def test_room_is_there_once_what_took_it_rests_or_is_gone(clock: Clock, take: Take, gone) -> None:
    """Asking makes none; the error says how much was wanted, and what never fits never does."""
    budget = MemoryBudget(100, clock=clock)
    held = take(budget, "busy", "model", 80)
    with pytest.raises(NoRoomError) as caught:
        take(budget, "other", "model", 50)
    assert caught.value.size_bytes == 50
    assert budget.has_room("other", 20)
    assert not budget.has_room("other", 50)
    clock.now_s += 10.0
    assert budget.has_room("other", 50)
    assert not budget.has_room("busy", 50), "a model's own segments serve until the next is warm"
    budget.touch(held)
    assert not budget.has_room("other", 50)
    budget.freed(held)
    assert budget.has_room("other", 100)
    assert not budget.has_room("other", 101)
    assert gone == []
