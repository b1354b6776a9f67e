import inspect

import pytest

from cutpoint import exceptions
from cutpoint.exceptions import CutpointError, OverloadedError

CLASSES = {
    name: each
    for name, each in vars(exceptions).items()
    if inspect.isclass(each) and each.__module__ == exceptions.__name__
}
BUILT_IN = {"UnitError": ValueError, "MissingDependencyError": ImportError}
BUILT_IN |= {"ModelError": ValueError, "FeedError": ValueError}


def drawn_tree() -> dict[str, str | None]:
    """Read the tree of the module's docstring: parent by class."""
    parents: dict[str, str | None] = {}
    path: list[tuple[int, str]] = []
    for line in (exceptions.__doc__ or "").splitlines():
        name = next((word for word in line.split() if word.endswith("Error")), None)
        if name is None or not line.startswith("    "):
            continue
        depth = line.index(name)
        path = [(at, above) for at, above in path if at < depth]
        parents[name] = path[-1][1] if path else None
        path.append((depth, name))
    return parents


def test_the_tree_drawn_is_the_tree_of_classes() -> None:
    """The docstring draws every class once, below the class it is derived from."""
    actual = {
        name: next((base.__name__ for base in each.__bases__ if base in CLASSES.values()), None)
        for name, each in CLASSES.items()
    }
    assert drawn_tree() == actual


def test_every_error_is_caught_by_the_root() -> None:
    """Whoever catches the root catches all."""
    assert all(issubclass(each, CutpointError) for each in CLASSES.values())


@pytest.mark.parametrize("name", BUILT_IN)
def test_callers_mistakes_are_built_in_errors_too(name: str) -> None:
    """What a caller did wrong is caught by code that does not know this package."""
    assert issubclass(CLASSES[name], BUILT_IN[name])


@pytest.mark.parametrize("name", sorted(set(CLASSES) - {"OverloadedError"}))
def test_a_message_is_kept(name: str) -> None:
    """An error says what it was told to say."""
    assert str(CLASSES[name]("what, where, what to do")) == "what, where, what to do"


def test_overload_says_when_to_come_back() -> None:
    """An overloaded server's message is kept, and when it expects to have room."""
    error = OverloadedError("queue is full", retry_after_s=0.2)
    assert (
        str(error),
        error.retry_after_s,
        OverloadedError("").retry_after_s,
    ) == ("queue is full", 0.2, 0.0)
