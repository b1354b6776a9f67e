"""Whether a plan that offloads is raced: the device computes on, and the first answer wins."""

from dataclasses import replace
from math import inf
from typing import get_args

import numpy as np

from cutpoint.cost import POWER_PROFILES, PowerProfile
from cutpoint.cost.race import first_s, lognormal_quantile
from cutpoint.exceptions import ConfigurationError
from cutpoint.policies.policy import Hedge, Policy, Situation
from cutpoint.records import InferenceRecord, Plan

_TAIL = 0.99
"""The share of inferences that are not of the tail."""

_WORTH = 3.0
"""A hundredth off the 99th percentile of the latency is worth so many hundredths more joules."""

_FORGETS = 0.99
_PRIOR_OFFLOADS, _PRIOR_LOST = 20.0, 0.1
"""Offloads that are lost are counted over about the last hundred, as if one in two hundred of
twenty had been lost before the first."""

_LEAST_J, _WIDEST = 1e-12, 10.0
"""Least that an inference draws, and the widest spread of which anything can be said: quotients and
powers of others overflow."""

_GROSSLY = 2.0
"""A server that had not answered after so many times what was predicted counts as lost."""

_FRESH_S, _LOAD_SPREAD, _OLD_LOAD_SPREAD = 1.0, 0.1, 0.5
"""Spread of the server's own time, while what is known of its load is fresh, and after that."""

_TIMES_PREDICTED, _LEAST_PATIENCE_S = 3.0, 0.1
"""How long a device that does not race waits at most: as `cutpoint.inference.patience_s`."""


def checked_hedge(text: str) -> Hedge:
    """
    Give one of the three ways to hedge.

    Raises
    ------
    ConfigurationError
        If it is none.
    """
    known: dict[str, Hedge] = {each: each for each in get_args(Hedge)}
    if text not in known:
        raise ConfigurationError(f"hedge={text!r}: take one of {', '.join(known)}")
    return known[text]


class Hedging:
    """
    Adds the race to plans, and remembers how often offloads were lost.

    ``always`` races whatever is offloaded. ``auto`` races where the tail is worth the joules:
    where the hundredths by which the race lowers the 99th percentile of the latency, or its
    mean if that is more, times three, are at least the hundredths by which it raises the energy of
    the inference. The race may be another plan than the one that is soonest alone (`decided`): a
    device that would not send, because the link is likely slow, races it where it may be fast. The
    99th percentile is that of a lognormal time of the server about what was predicted, as wide
    as the link's estimates spread and the load is old, or, where more than one offload in a
    hundred is lost lately, what a lost one takes: the device's patience and then its own
    computing. Under an objective in which joules weigh, the three become
    ``(1 - share) / share`` of that weight where this is less, which is 0 for joules alone.
    With a deadline it also races, whatever the joules, where the server alone would miss
    it more than once in a hundred times and the device keeps it.

    Parameters
    ----------
    sending_slowdown
        Times which the device computes for longer while it sends.
    power
        What it draws; a Raspberry Pi 4 on Wi-Fi where the session knows nothing better.
    """

    def __init__(self, sending_slowdown: float = 1.0, power: PowerProfile | None = None) -> None:
        self.sending_slowdown = sending_slowdown
        self._power = power or POWER_PROFILES["raspberry-pi-4b-wifi"]
        self._offloads = _PRIOR_OFFLOADS
        self._lost = _PRIOR_LOST

    def __repr__(self) -> str:
        return f"<Hedging: {self.lost_share:.1%} of offloads lost>"

    @property
    def lost_share(self) -> float:
        """Share of offloads that were lost lately."""
        return self._lost / self._offloads

    def decided(self, policy: Policy, situation: Situation) -> Plan:
        """
        Let a policy decide, and give its plan, racing if it is to.

        One that can say what is soonest if it is raced is asked for that too: where that is worth
        the joules it is taken, though alone another one is sooner.
        """
        plan = policy.decide(situation)
        raced = getattr(policy, "raced", None)
        if raced is None or situation.hedge != "auto" or not _worth_in(situation):
            return self.hedged(plan, situation)
        offer: Plan | None = raced(situation)
        if offer is not None and offer.server is not None and offer != plan:
            plain, prospect = self._prospect(plan, situation), self._prospect(offer, situation)
            if plain and prospect and self._is_worth_it(prospect, plain, situation):
                return replace(offer, races=True)
        return self.hedged(plan, situation)

    def hedged(self, plan: Plan, situation: Situation) -> Plan:
        """Give the plan, racing if it is to; one that races already stays as it is."""
        if plan.races or plan.server is None or situation.hedge == "off":
            return plan
        if situation.hedge == "always":
            return replace(plan, races=True)
        prospect = self._prospect(plan, situation)
        if prospect is None:
            return plan
        is_worth_it = self._is_worth_it(prospect, prospect, situation)
        return replace(plan, races=prospect.is_deadline_at_stake or is_worth_it)

    def observe(self, record: InferenceRecord) -> None:
        """Learn whether an offload was lost: it failed, was given up, or lost a race by far."""
        if record.planned == "device":
            return
        is_lost = record.failed_in is not None
        if record.race is not None and record.race.is_won:
            predicted = record.predicted
            way_s = predicted.latency_s - predicted.head_s - predicted.encode_s
            is_lost |= record.measured.tail_s + record.measured.lost_s > _GROSSLY * way_s
        self._offloads = _FORGETS * self._offloads + 1.0
        self._lost = _FORGETS * self._lost + is_lost

    def _is_worth_it(self, offer: "_Prospect", plain: "_Prospect", situation: Situation) -> bool:
        """Tell whether racing one plan is worth what it draws more than another one alone."""
        saved = max(
            _saved(offer.raced_tail_s, plain.tail_s), _saved(offer.raced_mean_s, plain.mean_s)
        )
        added = offer.raced_j(self._power) / max(plain.alone_j(self._power), _LEAST_J) - 1.0
        return _worth_in(situation) * saved >= added

    def _prospect(self, plan: Plan, situation: Situation) -> "_Prospect | None":
        row = situation.table.find(plan.cut, plan.codec)
        if row is None:
            return None
        slowdown = situation.conditions.device_slowdown * self.sending_slowdown
        return _Prospect(plan, float(situation.table.rest_s[row]) * slowdown, situation, self)


class _Prospect:
    """What one plan is expected to take and to draw, alone and raced."""

    def __init__(self, plan: Plan, rest_s: float, situation: Situation, hedging: Hedging) -> None:
        parts = plan.predicted
        self._parts = parts
        self._is_offloaded = plan.server is not None
        self._own_s = parts.head_s + parts.encode_s
        self._way_s = max(parts.latency_s - self._own_s, 1e-9)
        self._rest_s = rest_s
        self._lost = hedging.lost_share
        self._deadline_s = situation.deadline_s
        self._spread = _spread_of(plan, situation)

    @property
    def is_deadline_at_stake(self) -> bool:
        """Whether the server may miss the deadline and the device, computing on, keeps it."""
        deadline_s = inf if self._deadline_s is None else self._deadline_s
        left_s = deadline_s - self._own_s
        if left_s == inf or self._rest_s > left_s:
            return False
        return self._way_tail_s > left_s

    @property
    def mean_s(self) -> float:
        """Mean latency, if it is not raced; of the device alone it is what is predicted."""
        if not self._is_offloaded:
            return self._parts.latency_s
        lost_s = self._lost * (self._patience_s + self._rest_s)
        return self._own_s + (1.0 - self._lost) * self._way_mean_s + lost_s

    @property
    def tail_s(self) -> float:
        """The 99th percentile of that."""
        return self._own_s + self._way_tail_s if self._is_offloaded else self._parts.latency_s

    @property
    def raced_mean_s(self) -> float:
        """Mean latency of the race."""
        return self._own_s + self._first_s

    @property
    def raced_tail_s(self) -> float:
        """The 99th percentile of that."""
        return self._own_s + min(self._way_tail_s, self._rest_s)

    def alone_j(self, power: PowerProfile) -> float:
        """Give what it draws on average, if it is not raced."""
        own_j = power.compute_w * self._own_s
        if not self._is_offloaded:
            return own_j + power.compute_w * self._parts.tail_s
        given_up_j = power.send_w * self._patience_s + power.compute_w * self._rest_s
        way_j = self._way_w(power) * self._way_mean_s
        return own_j + (1.0 - self._lost) * way_j + self._lost * given_up_j

    def raced_j(self, power: PowerProfile) -> float:
        """Give what the race draws on average."""
        beside_w = power.compute_w - power.idle_w
        return power.compute_w * self._own_s + (self._way_w(power) + beside_w) * self._first_s

    @property
    def _first_s(self) -> float:
        """Mean time until either has outputs, where a lost offload leaves them to the device."""
        way_s, rest_s = np.array([self._way_s]), np.array([self._rest_s])
        first_mean_s = float(first_s(way_s, rest_s, self._spread)[0])
        return (1.0 - self._lost) * first_mean_s + self._lost * self._rest_s

    @property
    def _way_mean_s(self) -> float:
        return self._way_s * float(np.exp(min(self._spread, _WIDEST) ** 2 / 2))

    def _way_w(self, power: PowerProfile) -> float:
        parts = self._parts
        joules = (
            power.send_w * parts.upload_s
            + power.receive_w * parts.download_s
            + power.idle_w * (parts.wait_s + parts.tail_s)
        )
        return joules / self._way_s

    @property
    def _patience_s(self) -> float:
        least_s = max(self._rest_s, _LEAST_PATIENCE_S)
        return max(_TIMES_PREDICTED * self._way_s, self._way_s + least_s)

    @property
    def _way_tail_s(self) -> float:
        """The 99th percentile of the time until there are outputs, if nothing is raced."""
        answered = 1.0 - self._lost
        if answered <= _TAIL:
            return self._patience_s + self._rest_s
        late_s = lognormal_quantile(self._way_s, self._spread, _TAIL / answered)
        return min(late_s, self._patience_s + self._rest_s)


def _saved(raced_s: float, alone_s: float) -> float:
    """Give the share of a latency that a race saves."""
    return 1.0 - raced_s / alone_s if alone_s > 0 else 0.0


def _spread_of(plan: Plan, situation: Situation) -> float:
    """Give the spread of the whole way: its parts vary on their own, each by its share of it."""
    parts, conditions = plan.predicted, situation.conditions
    link_spread = 0.0 if conditions.link is None else conditions.link.spread
    age_s = conditions.load_age_s
    is_fresh = age_s is not None and age_s <= _FRESH_S
    load_spread = _LOAD_SPREAD if is_fresh else _OLD_LOAD_SPREAD
    on_link_s = parts.upload_s + parts.download_s
    on_server_s = parts.wait_s + parts.tail_s
    whole_s = max(on_link_s + on_server_s, 1e-9)
    return float(np.hypot(on_link_s * link_spread, on_server_s * load_spread)) / whole_s


def _worth_in(situation: Situation) -> float:
    """Give what a hundredth of the tail is worth in hundredths of joules, by the objective."""
    objective = situation.objective
    if objective.name in ("energy", "deadline"):
        return 0.0
    share = objective.energy_share if objective.name == "weighted" else 0.0
    return _WORTH if share <= 0 else min((1.0 - share) / share, _WORTH)
