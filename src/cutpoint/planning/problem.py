"""What a planner is asked."""

from dataclasses import dataclass

from cutpoint.cost import NO_LIMITS, CostTable, Limits
from cutpoint.exceptions import CostError
from cutpoint.records import Conditions


@dataclass(frozen=True)
class Problem:
    """
    Costs, conditions and limits: everything a planner may look at.

    Parameters
    ----------
    table
        What each block takes, and what travels.
    conditions
        The device, the link to the server, and its load.
    limits
        What no plan may do.
    onward
        The link from the server to the one behind it, and that one's load; needs a table
        of three hosts.
    num_jobs
        Inferences that are there at once, for planners of many jobs.

    Raises
    ------
    CostError
        If there are no jobs, or `onward` is given without costs of a third host.
    """

    table: CostTable
    conditions: Conditions
    limits: Limits = NO_LIMITS
    onward: Conditions | None = None
    num_jobs: int = 1

    def __post_init__(self) -> None:
        if self.num_jobs < 1:
            raise CostError(f"{self.num_jobs} jobs: a problem has at least one")
        if self.onward is not None and self.table.num_hosts < 3:
            raise CostError(
                f"cost table {self.table.name!r} has no third host: give the seconds of the "
                "server behind the server, or leave its link out"
            )
