"""Decide among rows and servers in microseconds: one small matrix product."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import CutTable, parts_of, row_terms
from cutpoint.exceptions import CostError
from cutpoint.planning.objective import LATENCY, Objective
from cutpoint.planning.plans import legs_of
from cutpoint.records import DEVICE, Conditions, Parts, Plan


class Decider:
    """
    The tables of one model and several servers, ready to be decided on.

    The objective is linear in what changes, so the latencies of all rows at all servers
    are one product of what each row takes and what the conditions weigh it with. It is
    the same sum as `cutpoint.cost.predict`, which a law holds it to.

    Parameters
    ----------
    tables
        Table of each server by its address. Rows may differ; row 0 is device-only in all.

    Raises
    ------
    CostError
        If there is no table, or they are of different models.
    """

    def __init__(self, tables: Mapping[str, CutTable]) -> None:
        if not tables:
            raise CostError("no table to decide on: give at least one server's")
        if len({table.sha256 for table in tables.values()}) > 1:
            raise CostError(f"the tables of {', '.join(tables)} are of different models")
        self.servers = tuple(tables)
        self._tables = tuple(tables.values())
        num_rows = max(len(table.cuts) for table in self._tables)
        self._terms = np.zeros((len(self.servers), num_rows, 5))
        for index, table in enumerate(self._tables):
            terms = row_terms(table)
            # A table with fewer rows repeats its first: argmin takes the earlier of equals.
            self._terms[index] = terms[0]
            self._terms[index, : len(terms)] = terms
        self._num_rows = num_rows
        self._weights = np.zeros((len(self.servers), 5, 1))
        self._flat_weights = self._weights[:, :, 0]
        self._latency_s = np.zeros((len(self.servers), num_rows, 1))
        self._flat_latency_s = self._latency_s.reshape(-1)
        self._plans = [
            [
                (cut.placement, cut.id, legs_of(cut, server, table.codecs_of(row)))
                for row, cut in enumerate(table.cuts)
            ]
            for server, table in zip(self.servers, self._tables, strict=True)
        ]
        self._numbers = [
            [
                tuple(float(column[row]) for column in _columns(table))
                for row in range(len(table.cuts))
            ]
            for table in self._tables
        ]

    def decide(self, conditions: Sequence[Conditions]) -> Plan:
        """
        Give the plan that answers soonest.

        Parameters
        ----------
        conditions
            Of each server, in the order of `servers`; the device's slow-down is the same
            in all.

        Returns
        -------
        Plan
            Ties go to the earlier server and row: device-only before server-only.

        Raises
        ------
        ValueError
            If there are not as many conditions as servers.
        """
        server, row = divmod(int(self.weigh(conditions).argmin()), self._num_rows)
        return self.plan(server, row, conditions[server])

    def weigh(
        self, conditions: Sequence[Conditions], objective: Objective = LATENCY
    ) -> NDArray[np.float64]:
        """
        Give the latency of every row at every server, server by server, or its energy.

        Parameters
        ----------
        objective
            What is to be small: one of `cutpoint.planning.objective.LINEAR`.

        Returns
        -------
        array
            Shape ``(n_servers * n_rows,)``; `UNUSABLE_S` or more where a row cannot be used.
            The next call writes over it.

        Raises
        ------
        ValueError
            If there are not as many conditions as servers.
        PlannerError
            If the objective is not linear.
        """
        if len(conditions) != len(self.servers):
            raise ValueError(f"conditions of {len(conditions)} servers for {len(self.servers)}")
        self._flat_weights[:] = [objective.weights(each) for each in conditions]
        np.matmul(self._terms, self._weights, out=self._latency_s)
        return self._flat_latency_s

    def plan(self, server: int, row: int, conditions: Conditions) -> Plan:
        """Give the plan of one row at one server, with its predicted parts."""
        placement, cut, legs = self._plans[server][row]
        return Plan(placement, cut, legs, self._parts(server, row, conditions))

    def _parts(self, server: int, row: int, conditions: Conditions) -> Parts:
        is_offloaded = self._plans[server][row][0] != DEVICE
        return parts_of(self._numbers[server][row], conditions, is_offloaded=is_offloaded)


def _columns(table: CutTable) -> tuple[np.ndarray, ...]:
    return (table.head_s, table.encode_s, table.tail_s, table.up_bytes, table.down_bytes)
