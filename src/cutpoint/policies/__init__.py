"""WHO DECIDES: one file per policy."""

from cutpoint.policies.fixed import Fixed
from cutpoint.policies.policy import Policy, Situation
from cutpoint.policies.published import Published
from cutpoint.policies.registry import PUBLISHED, policy_named
from cutpoint.policies.soonest import Soonest

__all__ = [
    "PUBLISHED",
    "Fixed",
    "Policy",
    "Published",
    "Situation",
    "Soonest",
    "policy_named",
]
