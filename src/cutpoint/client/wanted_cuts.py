"""Which cuts a session holds."""

from collections.abc import Sequence

from cutpoint.cost import CutTable
from cutpoint.exceptions import InvalidCutError
from cutpoint.graph import Cut, Graph
from cutpoint.policies import Policy
from cutpoint.records import Profile


def wanted_cuts(
    policy: Policy, graph: Graph, profiles: Sequence[Profile], compiled: CutTable | None
) -> tuple[Cut, ...]:
    """
    Give the table's cuts, or the policy's less those the profile found too dear.

    Parameters
    ----------
    policy
        Of the session.
    graph
        Of the model.
    profiles
        Of this device, as given.
    compiled
        Table that was given, if one was.

    Raises
    ------
    InvalidCutError
        If the policy stands for a cut that a table compiled under limits does not have.
    """
    if compiled is None:
        is_all = policy.needs_every_candidate
        dropped = set() if is_all else {cut for each in profiles for cut in each.dropped_cuts}
        return tuple(cut for cut in policy.candidates(graph) if cut.crossing not in dropped)
    own = policy.candidates(graph) if policy.needs_every_candidate else ()
    forbidden = [cut for cut in own if compiled.is_limited and cut not in compiled.splits]
    if forbidden:
        raise InvalidCutError(
            f"policy {policy.name!r} cuts at {list(forbidden[0].crossing)}, which the "
            "table, compiled under limits, does not have: choose one of its cuts"
        )
    return tuple(dict.fromkeys((*compiled.splits, *own)))
