"""Whose the delay of an answer is, where the server tells nothing: the link's or the server's."""

from math import isfinite

_SURPRISING = 1.3
"""An answer that took so many times what was expected is explained by neither belief."""

_AGAIN_S = 2.0
"""What was found out is looked at again after this, as long as answers stay late."""

_SHARE = 0.01
"""Probes take no more than this of what is sent ..."""

_AT_FIRST_BYTES = 32 * 1024
"""... beyond a few at first."""

_LEAST_SPACING_S = 1e-4


class Blame:
    """
    Splits what answers took into link and server, by what a probe of the link says meanwhile.

    A server of the protocol reads any question to its end and answers it at once, however slow
    its models are: how fast the link carries such a probe is how fast it carried the request. So
    a late answer counts for neither until the probe is back; then the link took what it takes
    at the rate that was measured, and the server the rest.

    Parameters
    ----------
    probe_bytes
        Of one probe, for the share that probes may take.
    """

    def __init__(self, probe_bytes: int) -> None:
        self._probe_bytes = probe_bytes
        self._budget_bytes = float(_AT_FIRST_BYTES)
        self._trusted: float | None = None
        self._measured: float | None = None
        self._measured_at_s = float("-inf")
        self._is_asking = False

    def __repr__(self) -> str:
        state = "asking" if self._is_asking else "on time" if self._measured is None else "late"
        return f"<Blame: {state}>"

    @property
    def wants_probe(self) -> bool:
        """Whether the link is to be measured now, though it is not idle."""
        return self._is_asking and self._budget_bytes >= self._probe_bytes

    def answered(
        self, took_s: float, size_bytes: int, round_trip_s: float, idle_s: float, at_s: float
    ) -> float | None:
        """
        Give what of an answer's time was the server's.

        Parameters
        ----------
        took_s
            From sending to the answer.
        size_bytes
            That were sent.
        round_trip_s
            Of an empty message.
        idle_s
            What the server takes when idle.

        Returns
        -------
        float or None
            Seconds; ``None`` while it is being found out: nothing is to be learned then.
        """
        self._budget_bytes = min(self._budget_bytes + _SHARE * size_bytes, _AT_FIRST_BYTES)
        if self._trusted is None or not idle_s > 0:
            return idle_s
        if took_s <= _SURPRISING * (round_trip_s + size_bytes / self._trusted + idle_s):
            self._measured, self._is_asking = None, False
            return idle_s
        if at_s - self._measured_at_s > _AGAIN_S:
            self._is_asking = True
        measured = self._measured  # which another thread may forget meanwhile
        if measured is None:
            return None
        link_s = round_trip_s + size_bytes / measured
        return idle_s if took_s <= _SURPRISING * (link_s + idle_s) else took_s - link_s

    def probed(self, bytes_per_s: float, at_s: float) -> None:
        """Take what the link was just measured to carry."""
        if not (isfinite(bytes_per_s) and bytes_per_s > 0):
            return
        if self._is_asking or self._measured is not None:
            if self._is_asking:
                self._budget_bytes -= self._probe_bytes
            self._measured, self._measured_at_s = bytes_per_s, at_s
            self._is_asking = False

    def trust(self, bytes_per_s: float | None) -> None:
        """Take the rate that is believed while answers are on time."""
        if bytes_per_s is not None and self._measured is None and not self._is_asking:
            self._trusted = bytes_per_s


def carried_bytes_per_s(size_bytes: float, spacing_s: float, held_up_s: float) -> float:
    """
    Give how fast a link has carried a probe, where an empty message was late, too.

    What holds up a message of nothing is no link that carries little: a server that is short of
    its processor answers every question late, and by chance the larger one later.

    Parameters
    ----------
    size_bytes
        Of the probe.
    spacing_s
        By how much longer than an empty message it took.
    held_up_s
        By how much longer than usual the empty one took.
    """
    return size_bytes / max(spacing_s - held_up_s, _LEAST_SPACING_S)
