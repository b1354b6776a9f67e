"""What a policy senses by itself: it is asked for probes, and told of their answers and of load."""

import logging
from collections import deque
from threading import Lock
from typing import cast

from cutpoint.client.policy_probes import possible_sizes
from cutpoint.policies import Policy
from cutpoint.policies.policy import Sensing
from cutpoint.records import LoadReport, ProbeRequest, ProbeSample

_log = logging.getLogger(__name__)

_MOST_WAITING = 1000
"""Samples that wait for a policy that is busy deciding; of more, the oldest are dropped."""


class PolicySenses:
    """
    Between the threads that hear of servers and a policy, which is called by one at a time.

    Who hears never waits: a sample that comes while the policy is deciding is told it later. A
    policy without estimators of its own is asked and told nothing; one that fails at it is logged
    once, and asked and told nothing more.

    Parameters
    ----------
    policy
        Asked and told, if it has `Sensing`'s two methods.
    lock
        Held whenever the policy is called, by whomever.
    """

    def __init__(self, policy: Policy, lock: Lock) -> None:
        is_sensing = all(callable(getattr(policy, name, None)) for name in ("next_probe", "sensed"))
        self._policy = cast("Sensing", policy) if is_sensing else None
        self._lock = lock
        self._waiting: deque[tuple[str, ProbeSample | LoadReport]] = deque(maxlen=_MOST_WAITING)

    def __repr__(self) -> str:
        return f"<PolicySenses of {self._policy!r}: {len(self._waiting)} samples wait>"

    def next_probe(self, server: str, at_s: float) -> ProbeRequest | None:
        """Give what the policy wants to be sent to a server now."""
        if self._policy is None:
            return None
        with self._lock:
            self.deliver()
            return self._asked(server, at_s)

    def sensed(self, server: str, sample: ProbeSample | LoadReport) -> None:
        """Tell the policy of a sample, now or when it is free."""
        if self._policy is None:
            return
        self._waiting.append((server, sample))
        if self._lock.acquire(blocking=False):
            try:
                self.deliver()
            finally:
                self._lock.release()

    def deliver(self) -> None:
        """Tell the policy of what waits, in order; to be called with the lock held."""
        while self._waiting and self._policy is not None:
            server, sample = self._waiting.popleft()
            try:
                self._policy.sensed(server, sample)
            except Exception:
                self._give_up()

    def _asked(self, server: str, at_s: float) -> ProbeRequest | None:
        if self._policy is None:
            return None
        try:
            wanted = self._policy.next_probe(server, at_s)
            return None if wanted is None else ProbeRequest(possible_sizes(wanted))
        except Exception:  # a policy of somebody else's must not end the watch over a server
            self._give_up()
            return None

    def _give_up(self) -> None:
        _log.exception("policy %r failed at estimates of its own: it makes no more", self._policy)
        self._policy = None
        self._waiting.clear()
