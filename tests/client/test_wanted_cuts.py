"""Which cuts a session holds."""

from types import SimpleNamespace

import pytest

from cutpoint.client.wanted_cuts import wanted_cuts
from cutpoint.exceptions import InvalidCutError
from cutpoint.graph import Cut, cut_id

DEVICE, SERVER = (
    Cut("device", "device-only", (), 1, ()),
    Cut("server", "server-only", ("x",), 0, ()),
)
FIRST, SECOND = (Cut("split", cut_id([name]), (name,), 1, ("y",)) for name in ("a", "b"))


def policy(*cuts: Cut, every: bool = False):
    """Give a policy by what it wants."""
    return SimpleNamespace(name="p", needs_every_candidate=every, candidates=lambda graph: cuts)


def table(*splits: Cut, is_limited: bool = False):
    """Give a compiled table by its cuts."""
    return SimpleNamespace(splits=splits, is_limited=is_limited)


def profile(*dropped: tuple[str, ...]):
    """Give a profile by the cuts it found too dear."""
    return SimpleNamespace(dropped_cuts=dropped)


def test_the_policys_less_what_any_profile_found_too_dear() -> None:
    """One of several profiles is enough to drop a cut."""
    wants = policy(DEVICE, SERVER, FIRST, SECOND)
    found = wanted_cuts(wants, None, [profile(), profile(("a",))], None)
    assert found == (DEVICE, SERVER, SECOND)


def test_a_cut_that_was_asked_for_is_held_however_dear() -> None:
    """A policy that stands for its cuts gets them."""
    assert wanted_cuts(policy(FIRST, every=True), None, [profile(("a",))], None) == (FIRST,)


def test_a_table_says_which_and_a_policy_adds_its_own() -> None:
    """Each once."""
    assert wanted_cuts(policy(SECOND), None, [], table(FIRST)) == (FIRST,)
    wants = policy(FIRST, SECOND, every=True)
    assert wanted_cuts(wants, None, [], table(FIRST)) == (FIRST, SECOND)


def test_a_table_compiled_under_limits_forbids_others() -> None:
    """The policy and its cut are named."""
    with pytest.raises(InvalidCutError, match=r"'p' cuts at \['b'\]"):
        wanted_cuts(policy(SECOND, every=True), None, [], table(FIRST, is_limited=True))
