"""Policies that are told the link, and hear of the server's load or do not."""

from collections.abc import Sequence
from dataclasses import replace

from cutpoint.graph import Cut, Graph
from cutpoint.policies import Policy, Situation
from cutpoint.records import InferenceRecord, LoadConditions, LoadReport, Plan
from cutpoint.records.probe import ProbeRequest, ProbeSample
from cutpoint.simulation.senses import sensing_of

POLL_EVERY_S = 1.0
"""An empty probe asks for the load so often: the follow-on's code polls by a thread of its own."""


class LoadBlind:
    """
    The same planner with k = 1 and W = 0, always.

    Parameters
    ----------
    inner
        Decides; it hears of no load, and is told the link.
    """

    is_steady = True
    needs_every_candidate = False

    def __init__(self, inner: Policy) -> None:
        self.name = f"{inner.name}, load-blind"
        self._inner = inner

    def candidates(self, graph: Graph) -> Sequence[Cut]:
        """Give those of the policy."""
        return self._inner.candidates(graph)

    def decide(self, situation: Situation) -> Plan:
        """Decide as if the server were idle."""
        idle = replace(situation.conditions, load=LoadConditions(), load_age_s=None)
        return self._inner.decide(replace(situation, conditions=idle))

    def observe(self, record: InferenceRecord) -> None:
        """Let the policy learn all but what the server told of its load."""
        self._inner.observe(replace(record, load=None))


class LoadAware:
    """
    A policy that hears of the load, and is told the link.

    In the load experiments of the follow-on's code bandwidth comes from the configuration too:
    what differs from `LoadBlind` is what is known of the load, and nothing else.

    Parameters
    ----------
    inner
        Decides, by estimators of its own for the load.
    """

    is_steady = False
    needs_every_candidate = False

    def __init__(self, inner: Policy) -> None:
        self.name = inner.name
        self._inner = inner
        self._sensing = sensing_of(inner)
        self._polled_s: float | None = None

    def candidates(self, graph: Graph) -> Sequence[Cut]:
        """Give those of the policy."""
        return self._inner.candidates(graph)

    def decide(self, situation: Situation) -> Plan:
        """Decide as the policy does."""
        return self._inner.decide(situation)

    def observe(self, record: InferenceRecord) -> None:
        """Let the policy learn."""
        self._inner.observe(record)

    def next_probe(self, server: str, at_s: float) -> ProbeRequest | None:
        """Ask for the load now and then."""
        del server
        if self._polled_s is not None and at_s < self._polled_s + POLL_EVERY_S:
            return None
        self._polled_s = at_s
        return ProbeRequest((0,))

    def sensed(self, server: str, sample: ProbeSample | LoadReport) -> None:
        """Tell the policy of the load, and of nothing else."""
        if self._sensing is not None and isinstance(sample, LoadReport):
            self._sensing.sensed(server, sample)
