"""Every policy that has a name of its own."""

from collections.abc import Mapping
from types import MappingProxyType

from cutpoint.policies.ans import Ans
from cutpoint.policies.cutpoint import Cutpoint
from cutpoint.policies.dads import Dads
from cutpoint.policies.diamond import Diamond
from cutpoint.policies.fixed import Fixed
from cutpoint.policies.loadpart import LoadPart
from cutpoint.policies.loadpart_followon import LoadPartFollowOn
from cutpoint.policies.neurosurgeon import Neurosurgeon
from cutpoint.policies.policy import Policy
from cutpoint.policies.published import Published
from cutpoint.policies.qdmp import Qdmp

PUBLISHED: Mapping[str, type[Published] | type[Ans]] = MappingProxyType(
    {
        scheme.name: scheme
        for scheme in (Neurosurgeon, Dads, Qdmp, LoadPart, LoadPartFollowOn, Diamond, Ans)
    }
)
"""The published schemes by name, as their papers appeared; a new one is one file and one entry."""


def policy_named(name: str, seed: int | None = None) -> Policy:
    """
    Give a policy by name.

    Parameters
    ----------
    name
        ``"cutpoint"``, a key of `PUBLISHED`, ``"device"``, ``"server"``, or the names of the
        values to cut at, joined by commas; behind the last two ``@`` and a codec, such as
        ``"server@jpeg:90"``. A value that is called like a policy cannot be cut at by name.
    seed
        Of what a policy draws, so that devices side by side do not all act at once; ``None``
        draws nothing.

    Raises
    ------
    PlannerError
        If it names a codec where nothing is sent.
    """
    if name == Cutpoint.name:
        return Cutpoint(seed=seed)
    make = PUBLISHED.get(name)
    return Fixed(name, (Cutpoint.name, *PUBLISHED)) if make is None else make()
