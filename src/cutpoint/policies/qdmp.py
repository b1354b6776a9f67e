"""QDMP as a policy."""

from cutpoint.planning.schemes.qdmp import Qdmp as QdmpPlanner
from cutpoint.policies.published import Published


class Qdmp(Published):
    """
    QDMP: the minimum cut of device, upload and server time [1]_; a reconstruction.

    What it adds to DADS is how fast the cut is found: between two adjacent cut vertices. Over
    rows of a table both are one scan, so it decides as ``dads`` does where both believe the same:
    what differs between the two in a report is DADS's ping against the session's estimators.

    Notes
    -----
    Only the abstract was at hand. The search itself is the planner ``qdmp`` of
    `cutpoint.planning.PLANNERS`. The abstract names no estimator: it believes what every policy
    is told.

    References
    ----------
    .. [1] Zhang, S., Li, Y., Liu, X., Guo, S., Wang, W., Wang, J., Ding, B., Wu, D.
           (2020). Towards Real-time Cooperative Deep Inference over the Cloud and Edge
           End Devices. *Proceedings of the ACM on Interactive, Mobile, Wearable and
           Ubiquitous Technologies*, 4(2), 69.
    """

    name = "qdmp"
    setting = QdmpPlanner.setting
