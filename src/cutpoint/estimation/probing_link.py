"""What estimators have in common that send probes of their own and know a link by nothing else."""

from math import inf, isfinite
from typing import Protocol

from cutpoint.records import LinkConditions, ProbeRequest, ProbeSample


class ProbingLink(Protocol):
    """
    A published estimator of a link, apart from the session's own.

    It has no clock and sends nothing: it says what is to be sent, and is told what came of it.
    """

    @property
    def bandwidth_bytes_per_s(self) -> float | None:
        """Rate believed now; ``None`` before the first estimate."""
        ...

    def next_probe(self, at_s: float) -> ProbeRequest | None:
        """Give what is to be sent now; what is given is taken for sent."""
        ...

    def sensed(self, sample: ProbeSample) -> None:
        """Learn from a probe that was answered; those of one request come in its order."""
        ...

    def transferred(self, size_bytes: float, duration_s: float, at_s: float) -> None:
        """
        Learn from a transfer that was no probe.

        Parameters
        ----------
        size_bytes, duration_s
            What was sent, and the time from the begin of sending to the answer, less the
            server's own.
        at_s
            When it was over.
        """
        ...

    def conditions(self) -> LinkConditions | None:
        """Give the link as believed now; ``None`` before the first estimate."""
        ...


class ProbeTimer:
    """
    Tells when the next probe is due.

    Parameters
    ----------
    every_s
        Least time between two.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._last_s = -inf

    def is_due(self, at_s: float) -> bool:
        """Tell whether one is due; if so, the next one is due that much later."""
        if at_s - self._last_s < self._every_s:
            return False
        self._last_s = at_s
        return True

    def put_off(self, at_s: float) -> None:
        """Take note that a probe would tell nothing new at a time."""
        self._last_s = max(self._last_s, at_s)


def is_telling(size_bytes: float, duration_s: float) -> bool:
    """Tell whether a size and a time may be of a real transfer: finite, and not negative."""
    return isfinite(size_bytes) and isfinite(duration_s) and size_bytes >= 0 and duration_s > 0


def symmetric(bandwidth_bytes_per_s: float | None, message_s: float = 0.0) -> LinkConditions | None:
    """
    Give the conditions of a link that is known by one rate.

    Parameters
    ----------
    message_s
        Fixed time of a message and its answer; half of it each way.
    """
    if bandwidth_bytes_per_s is None:
        return None
    rate, one_way_s = bandwidth_bytes_per_s, message_s / 2
    return LinkConditions(rate, rate, one_way_s, one_way_s)
