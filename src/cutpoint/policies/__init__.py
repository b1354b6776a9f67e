"""WHO DECIDES: one file per policy."""

from cutpoint.policies.fixed import Fixed
from cutpoint.policies.policy import Policy, Situation
from cutpoint.policies.soonest import Soonest


def policy_named(name: str) -> Policy:
    """
    Give a policy by name.

    Parameters
    ----------
    name
        ``"soonest"``, ``"device"``, ``"server"``, or the names of the values to cut
        at, joined by commas; behind the last two ``@`` and a codec, such as
        ``"server@jpeg:90"``.

    Raises
    ------
    PlannerError
        If it names a codec where nothing is sent.
    """
    return Soonest() if name == Soonest.name else Fixed(name)


__all__ = ["Fixed", "Policy", "Situation", "Soonest", "policy_named"]
