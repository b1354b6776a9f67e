"""A latency setting as prices of a minimum cut, and the cheapest cut that keeps the limits."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import HeadRows, PrefixRows, Setting, every_head, head_rows, predict
from cutpoint.planning.cuts.heads import breadth_first_order
from cutpoint.planning.cuts.min_cut import MinCut
from cutpoint.planning.problem import Problem

_NUM_BISECTIONS = 40
_MAX_LISTED = 5_000


@dataclass(frozen=True)
class Prices:
    """
    Seconds a minimum cut adds up.

    Parameters
    ----------
    device_s, server_s
        Per block on either host; the way back of a block's outputs is in the latter.
    upload_s
        Per value, when it is sent.
    """

    device_s: NDArray[np.float64]
    server_s: NDArray[np.float64]
    upload_s: NDArray[np.float64]


def prices_of(problem: Problem, setting: Setting) -> Prices | None:
    """
    Give the prices of a setting; ``None`` if the server cannot be used.

    What every offload pays alike (messages, waiting) is in no price: it decides only
    between offloading and not.
    """
    table, conditions = problem.table, setting.seen(problem.conditions)
    link = conditions.link
    if link is None or not conditions.is_server_usable:
        return None
    server_s = conditions.load.slowdown * table.server_s
    server_s += table.wiring.returned_bytes / link.bandwidth_down_bytes_per_s
    sizes = np.array([value.size_bytes for value in table.values])
    return Prices(
        device_s=conditions.device_slowdown * table.device_s,
        server_s=server_s,
        upload_s=sizes / link.bandwidth_up_bytes_per_s,
    )


def cheapest_head(problem: Problem, setting: Setting) -> int | None:
    """
    Give the head with the least latency under a setting, by minimum cuts.

    Returns
    -------
    int or None
        Exact unless memory is capped: then the best of all cuts where they can be listed,
        else of prefixes and those that Lagrangian prices on memory find. ``None`` if the
        limits leave none, or none was found.
    """
    table = problem.table
    heads = [table.everything]
    prices = prices_of(problem, setting)
    if prices is not None:
        network = MinCut(table, problem.limits.may_leave(table))
        heads.append(network.head(prices.device_s, prices.server_s, prices.upload_s))
        if problem.limits.has_memory_caps:
            heads += [*heads_that_fit(problem), *_with_dear_memory(problem, network, prices)]
    rows = head_rows(table, heads, problem.limits)
    return best_head(rows, problem, setting)


def heads_that_fit(problem: Problem) -> list[int]:
    """Give the heads that keep the limits: all where they can be listed, else prefixes."""
    table, limits = problem.table, problem.limits
    listed = every_head(table, limits, _MAX_LISTED)
    if listed is not None:
        return [listed.heads[row] for row in np.flatnonzero(listed.is_allowed)]
    found = []
    for order in (None, breadth_first_order(table)):
        rows = PrefixRows(table, order)
        found += [rows.head(int(row)) for row in np.flatnonzero(rows.is_allowed(limits))]
    return found


def best_head(rows: HeadRows, problem: Problem, setting: Setting) -> int | None:
    """Give the best allowed head of a few; of equals the first; ``None`` if there is none."""
    latency_s = predict(rows, setting.seen(problem.conditions)).latency_s
    allowed = np.flatnonzero(rows.is_allowed & np.isfinite(latency_s))
    return rows.heads[int(allowed[np.argmin(latency_s[allowed])])] if len(allowed) else None


def _with_dear_memory(problem: Problem, network: MinCut, prices: Prices) -> list[int]:
    """Give the heads met while the price of memory on either host is raised until it fits."""
    table, limits = problem.table, problem.limits
    total = max(float(table.memory.sum()), 1.0)
    highest = 2 * (prices.device_s.sum() + prices.server_s.sum() + prices.upload_s.sum())
    found = []
    for caps in ("device", "server"):
        low, high = 0.0, float(highest) * table.num_blocks
        for _ in range(_NUM_BISECTIONS):
            price = (low + high) / 2 * table.memory / total
            dear = (
                replace(prices, device_s=prices.device_s + price)
                if caps == "device"
                else replace(prices, server_s=prices.server_s + price)
            )
            head = network.head(dear.device_s, dear.server_s, dear.upload_s)
            found.append(head)
            on_device = float(table.memory[_members(head, table.num_blocks)].sum())
            fits = (
                on_device <= limits.device_memory_bytes
                if caps == "device"
                else table.memory.sum() - on_device <= limits.server_memory_bytes
            )
            low, high = (low, (low + high) / 2) if fits else ((low + high) / 2, high)
    return found


def _members(head: int, num_blocks: int) -> NDArray[np.bool_]:
    return np.array([bool(head >> block & 1) for block in range(num_blocks)])
