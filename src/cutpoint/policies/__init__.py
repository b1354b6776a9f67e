"""WHO DECIDES: one file per policy."""

from cutpoint.policies.cutpoint import Cutpoint
from cutpoint.policies.fixed import Fixed
from cutpoint.policies.hedge import Hedging, checked_hedge
from cutpoint.policies.policy import Hedge, Policy, Sensing, Situation
from cutpoint.policies.published import Published
from cutpoint.policies.registry import PUBLISHED, policy_named

__all__ = [
    "PUBLISHED",
    "Cutpoint",
    "Fixed",
    "Hedge",
    "Hedging",
    "Policy",
    "Published",
    "Sensing",
    "Situation",
    "checked_hedge",
    "policy_named",
]
