"""Self-correction: what inferences took, beside what was believed, folded back by host and cut."""

from dataclasses import replace
from math import log

import numpy as np
from numpy.typing import NDArray

from cutpoint.estimation import Residuals
from cutpoint.policies.policy import Situation
from cutpoint.records import InferenceRecord, Parts, Plan

_NO_NEWS = log(1.1)
"""A host that is off by no more than this is as it was profiled."""

_MOST_SERVERS, _MOST_PLANS = 64, 256

_NONE = (1.0, 1.0)
"""What the device and the server of a plan are corrected by that is none of those corrected."""

Column = NDArray[np.float64]


class Factors:
    """
    Factors on the times of a table's rows.

    Parameters
    ----------
    device, server
        Of the head on the device and of the tail on the server. Shape ``(n_rows,)``.
    """

    def __init__(self, device: Column, server: Column) -> None:
        self.device = device
        self.server = server

    def __repr__(self) -> str:
        return f"<Factors: device {self.device}, server {self.server}>"


class Corrections:
    """
    What this device and each server turn out to take, beside what a session believes.

    The session's own estimators follow what changes for a whole host (heat, load). What they
    cannot tell is that the table is wrong of one cut: a profile that was measured on another
    machine, or of another server.
    """

    def __init__(self) -> None:
        self._device = Residuals()
        self._servers: dict[str, Residuals] = {}
        self._told_device = 1.0
        self._told_servers: dict[str, float] = {}
        self._planned: dict[Parts, tuple[float, float]] = {}
        self.has_news = False

    def __repr__(self) -> str:
        return f"<Corrections: device {self._device}, servers {self._servers}>"

    def factors(self, situation: Situation) -> Factors | None:
        """Give the factors of the rows of a situation's table; ``None`` where all are near 1."""
        self.has_news = False
        conditions, server = situation.conditions, situation.server or ""
        self._told_device = conditions.device_slowdown
        self._told_servers[server] = conditions.load.slowdown
        found = self._servers.get(server)
        self._device.follow(conditions.device_slowdown, situation.at_s)
        if found is not None:
            found.follow(conditions.load.slowdown, situation.at_s)
        if self._device.most <= _NO_NEWS and (found is None or found.most <= _NO_NEWS):
            return None
        return self._factors(situation, counts_host=True)

    def hoped(self, situation: Situation) -> Factors:
        """Give the factors if both hosts as a whole were as they are told to be."""
        return self._factors(situation, counts_host=False)

    def corrected(self, plan: Plan, row: int, factors: Factors) -> Plan:
        """Give a plan whose predicted parts are corrected."""
        device, server = float(factors.device[row]), float(factors.server[row])
        if device == server == 1:
            return plan
        parts = plan.predicted
        parts = replace(parts, head_s=parts.head_s * device, tail_s=parts.tail_s * server)
        if len(self._planned) >= _MOST_PLANS:
            del self._planned[next(iter(self._planned))]
        self._planned[parts] = device, server
        return replace(plan, predicted=parts)

    def observe(self, record: InferenceRecord) -> None:
        """Learn from an inference that has ended."""
        predicted, conditions = record.predicted, record.conditions
        device, server = self._planned.get(predicted, _NONE) if self._planned else _NONE
        measured = record.measured
        told = conditions.device_slowdown
        self._learn(
            self._device,
            record.cut,
            measured.head_s,
            predicted.head_s / (told * device),
            (told, self._told_device),
            record.at_s + measured.head_s,
        )
        told, address = conditions.load.slowdown, record.server
        tail_s = _tail_s(record)
        if address is None or tail_s is None or not told > 0:
            return
        self._learn(
            self._residuals_of(address),
            record.cut,
            tail_s,
            predicted.tail_s / (told * server),
            (told, self._told_servers.get(address, told)),
            record.at_s + measured.latency_s,
        )

    def _factors(self, situation: Situation, *, counts_host: bool) -> Factors:
        cuts, at_s = [cut.id for cut in situation.table.cuts], situation.at_s
        found = self._servers.get(situation.server or "")
        device = self._device.logs(cuts, at_s, counts_host=counts_host)
        server = np.zeros_like(device)
        if found is not None:
            server = found.logs(cuts, at_s, counts_host=counts_host)
        return Factors(_telling(device), _telling(server))

    def _learn(
        self,
        residuals: Residuals,
        cut: str,
        duration_s: float,
        idle_s: float,
        told: tuple[float, float],
        at_s: float,
    ) -> None:
        self.has_news |= abs(residuals.observe(cut, duration_s, idle_s, told, at_s)) > _NO_NEWS / 2

    def _residuals_of(self, server: str) -> Residuals:
        found = self._servers.get(server)
        if found is None:
            while len(self._servers) >= _MOST_SERVERS:
                del self._servers[next(iter(self._servers))]
            found = self._servers[server] = Residuals()
        return found


def _tail_s(record: InferenceRecord) -> float | None:
    """Give what the tail took on the server asked, at least; ``None`` where that is not known."""
    if record.attempts != 1:
        return None
    measured, predicted = record.measured, record.predicted
    if record.placement != "device":
        return measured.tail_s
    if record.failed_in != "compute":
        return None
    # It was given up: that it took longer than believed is known, and no more.
    least_s = measured.lost_s - predicted.upload_s - predicted.wait_s
    return least_s if least_s > predicted.tail_s else None


def _telling(logs: Column) -> Column:
    """Give factors less what is no news: a row is not left for a tenth."""
    found: Column = np.exp(np.sign(logs) * np.maximum(np.abs(logs) - _NO_NEWS, 0.0))
    return found
