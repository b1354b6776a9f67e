import pytest

from cutpoint.exceptions import InvalidCutError
from cutpoint.graph import Graph
from cutpoint.policies import PUBLISHED, Cutpoint, Fixed, policy_named


def test_cutpoint_by_name() -> None:
    """The policy of the house goes by its name."""
    assert isinstance(policy_named("cutpoint"), Cutpoint)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_schemes_by_name(name: str) -> None:
    """Each goes by the name its paper gave it."""
    assert (PUBLISHED[name], name) == (type(policy_named(name)), policy_named(name).name)


@pytest.mark.parametrize(
    "name", ["device", "server", "a", "a,b", "a,b@uint8+zstd", "server@jpeg:90"]
)
def test_anything_else_is_fixed(name: str) -> None:
    """The ends and the names of values give a policy that keeps to them."""
    policy = policy_named(name)
    assert (Fixed, name) == (type(policy), policy.name)


def test_each_call_gives_a_policy_of_its_own() -> None:
    """A policy remembers: two sessions share none."""
    for name in ("cutpoint", *PUBLISHED):
        assert policy_named(name) is not policy_named(name)


def test_a_mistyped_policy_is_told_the_names_there_are(graph: Graph) -> None:
    """It is taken for a value: who meant a policy hears which there are."""
    with pytest.raises(
        InvalidCutError, match=r"'neurosurgeonn'.*nor is it a policy.*neurosurgeon,"
    ):
        policy_named("neurosurgeonn").candidates(graph)
