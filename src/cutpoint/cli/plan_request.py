"""What a call of ``cutpoint plan`` asks, once its words are understood."""

from dataclasses import dataclass

from cutpoint.cost import Limits
from cutpoint.planning import Planner
from cutpoint.planning.objective import Objective
from cutpoint.records import Conditions


@dataclass(frozen=True)
class PlanRequest:
    """
    Links, planners, objective and limits.

    Parameters
    ----------
    situations
        Link and load, one for each link asked about.
    onward
        From the server to the one behind it; counts only where there is one.
    planners
        To be shown side by side; none for cutpoint's own choice alone.
    objective
        What the chosen row makes small.
    limits
        What no plan may do.
    num_jobs
        For planners of many jobs.
    input_as
        Ways in which the input may come to a server that does everything, as written; the
        usual ones if there is none.
    """

    situations: tuple[Conditions, ...]
    onward: Conditions
    planners: list[Planner]
    objective: Objective
    limits: Limits
    num_jobs: int
    input_as: tuple[str, ...] = ()
