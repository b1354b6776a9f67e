"""Every policy that has a name of its own."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from cutpoint.policies.cutpoint import Cutpoint
from cutpoint.policies.dads import Dads
from cutpoint.policies.fixed import Fixed
from cutpoint.policies.loadpart import LoadPart
from cutpoint.policies.neurosurgeon import Neurosurgeon
from cutpoint.policies.policy import Policy
from cutpoint.policies.published import Published
from cutpoint.policies.qdmp import Qdmp

PUBLISHED: Mapping[str, type[Published]] = MappingProxyType(
    {scheme.name: scheme for scheme in (Neurosurgeon, Dads, Qdmp, LoadPart)}
)
"""The published schemes by name, as their papers appeared; a new one is one file and one entry."""

_NAMED: Mapping[str, Callable[[], Policy]] = {Cutpoint.name: Cutpoint, **PUBLISHED}


def policy_named(name: str) -> Policy:
    """
    Give a policy by name.

    Parameters
    ----------
    name
        ``"cutpoint"``, a key of `PUBLISHED`, ``"device"``, ``"server"``, or the names of the
        values to cut at, joined by commas; behind the last two ``@`` and a codec, such as
        ``"server@jpeg:90"``. A value that is called like a policy cannot be cut at by name.

    Raises
    ------
    PlannerError
        If it names a codec where nothing is sent.
    """
    make = _NAMED.get(name)
    return Fixed(name) if make is None else make()
