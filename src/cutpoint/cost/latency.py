"""The one latency objective: the only place where a latency is computed from parts.

::

    T = g * (head + encode)                          device, slowed by g
      + [offloaded] * ( a + s / B                    one message, all crossing values
                      + W + k * tail                 queue, then a server slowed by k
                      + a_down + s_out / B_down )    the outputs come back

With overlap the device and the link are a two-machine flow shop: their parts are its
makespan. A placement of more than two legs adds the same terms once per leg and
message. Every published system is a setting of it (`Setting`): DADS drops g, a, W, k
and the return, LoADPart adds k, DIAMOND adds a and W, Duan & Wu take the makespan and
a free server.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost.cost_table import Column, CostTable
from cutpoint.cost.flow_shop import makespan
from cutpoint.cost.itinerary import Message, itinerary
from cutpoint.cost.rows import Rows
from cutpoint.exceptions import CostError
from cutpoint.records import Conditions, LinkConditions, Parts

UNUSABLE_S = 1e18
"""Stands for infinity where it is multiplied by zero: longer than the universe is old."""


@dataclass(frozen=True)
class Prediction:
    """
    Predicted seconds per part and row; infinite where the server cannot be used.

    Parameters
    ----------
    head_s, encode_s, upload_s, wait_s, tail_s, download_s
        Shape ``(n_rows,)``.
    """

    head_s: Column
    encode_s: Column
    upload_s: Column
    wait_s: Column
    tail_s: Column
    download_s: Column

    @property
    def latency_s(self) -> Column:
        """Sum of the parts. Shape ``(n_rows,)``."""
        return (
            self.head_s
            + self.encode_s
            + self.upload_s
            + self.wait_s
            + self.tail_s
            + self.download_s
        )

    def parts(self, row: int) -> Parts:
        """Give one row's parts."""
        return Parts(
            head_s=float(self.head_s[row]),
            encode_s=float(self.encode_s[row]),
            upload_s=float(self.upload_s[row]),
            wait_s=float(self.wait_s[row]),
            tail_s=float(self.tail_s[row]),
            download_s=float(self.download_s[row]),
        )


def predict(rows: Rows, conditions: Conditions) -> Prediction:
    """
    Predict every row of a table under conditions.

    Parameters
    ----------
    rows
        A `CutTable`, or the heads of a `CostTable`.
    conditions
        Link, load and device as believed now.

    Returns
    -------
    Prediction
        Rows that use the server are infinite when it cannot be used, and barred rows always.
    """
    offloaded = rows.is_offloaded
    head_s = conditions.device_slowdown * rows.head_s
    encode_s = conditions.device_slowdown * rows.encode_s
    link, load = conditions.link, conditions.load
    if link is None or not conditions.is_server_usable:
        never = np.where(offloaded, np.inf, 0.0)
        none = np.zeros_like(never)
        return Prediction(head_s, encode_s, never, none, none, none)
    upload_s = link.message_up_s + rows.up_bytes / link.bandwidth_up_bytes_per_s
    if rows.is_barred is not None:
        upload_s = np.where(rows.is_barred, np.inf, upload_s)
    download_s = link.message_down_s + rows.down_bytes / link.bandwidth_down_bytes_per_s
    return Prediction(
        head_s=head_s,
        encode_s=encode_s,
        upload_s=np.where(offloaded, upload_s, 0.0),
        wait_s=np.where(offloaded, load.wait_s, 0.0),
        tail_s=load.slowdown * rows.tail_s,
        download_s=np.where(offloaded, download_s, 0.0),
    )


def parts_of(numbers: Sequence[float], conditions: Conditions, *, is_offloaded: bool) -> Parts:
    """
    Give the parts of one row: what `predict` gives of all, without an array.

    Parameters
    ----------
    numbers
        Seconds of head, encoding and tail, bytes up and down: a row's columns.
    is_offloaded
        Whether the row uses the server.
    """
    head_s, encode_s, tail_s, up_bytes, down_bytes = numbers
    slowdown, link, load = conditions.device_slowdown, conditions.link, conditions.load
    if link is None or not is_offloaded:
        return Parts(slowdown * head_s, slowdown * encode_s)
    return Parts(
        slowdown * head_s,
        slowdown * encode_s,
        link.message_up_s + up_bytes / link.bandwidth_up_bytes_per_s,
        load.wait_s,
        load.slowdown * tail_s,
        link.message_down_s + down_bytes / link.bandwidth_down_bytes_per_s,
    )


def row_terms(rows: Rows) -> NDArray[np.float64]:
    """
    Give the objective's terms of every row, to be multiplied by `condition_weights`.

    Returns
    -------
    array
        ``[head + encode, offloaded, s, tail, s_out]``. Shape ``(n_rows, 5)``.
    """
    device_s = rows.head_s + rows.encode_s
    if rows.is_barred is not None:
        device_s = np.where(rows.is_barred, UNUSABLE_S, device_s)
    return np.column_stack(
        [
            device_s,
            rows.is_offloaded.astype(float),
            rows.up_bytes,
            rows.tail_s,
            rows.down_bytes,
        ]
    )


def condition_weights(conditions: Conditions) -> tuple[float, float, float, float, float]:
    """
    Give what each of the `row_terms` weighs now: ``[g, a + W + a_down, 1/B, k, 1/B_down]``.

    A server that cannot be used makes offloading weigh `UNUSABLE_S`, which no latency is.
    """
    link, load = conditions.link, conditions.load
    if link is None or conditions.unavailable is not None:
        return (conditions.device_slowdown, UNUSABLE_S, 0.0, 0.0, 0.0)
    return (
        conditions.device_slowdown,
        link.message_up_s + load.wait_s + link.message_down_s,
        1.0 / link.bandwidth_up_bytes_per_s,
        load.slowdown,
        1.0 / link.bandwidth_down_bytes_per_s,
    )


def latency_of(
    table: CostTable,
    placement: tuple[int, ...],
    conditions: Conditions,
    onward: Conditions | None = None,
) -> Parts:
    """
    Give the parts of one inference under any placement, one part after the other.

    Parameters
    ----------
    placement
        Host of each block.
    conditions
        Device, link to the server, and its load.
    onward
        Link from the server to the one behind it, and that one's load.

    Raises
    ------
    CostError
        If the placement does not fit the table.
    """
    route = itinerary(table, placement)
    if placement and max(placement) > 1 and onward is None:
        raise CostError(f"a placement of {table.name!r} uses host 2, and nothing leads there")
    if route.messages and not _is_reachable(route.messages, conditions, onward):
        return Parts(head_s=_device_s(table, placement, conditions), upload_s=np.inf)
    slowdowns = [conditions.device_slowdown, conditions.load.slowdown]
    waits_s = [0.0, conditions.load.wait_s]
    if onward is not None:
        slowdowns.append(onward.load.slowdown)
        waits_s.append(onward.load.wait_s)
    host_s = [0.0] * table.num_hosts
    for host, blocks in route.legs:
        host_s[host] += slowdowns[host] * float(table.host_s[host, list(blocks)].sum())
    links = (conditions.link, None if onward is None else onward.link)
    return Parts(
        head_s=host_s[0],
        upload_s=sum(_message_s(m, links) for m in route.messages if m.is_up),
        wait_s=sum(waits_s[host] for host, _ in route.legs),
        tail_s=sum(host_s[1:]),
        download_s=sum(_message_s(m, links) for m in route.messages if not m.is_up),
    )


def overlapped_latency_of(
    table: CostTable, head: int, order: Sequence[int], conditions: Conditions
) -> Parts:
    """
    Give the parts of one cut whose values leave one by one while the device computes on.

    The upload's part is what is left of it when the device is done: the two add up to
    the makespan of the flow shop.

    Parameters
    ----------
    head
        Blocks on the device, as a bit mask.
    order
        Those blocks in the order in which they run; inputs that the tail needs leave first.

    Raises
    ------
    CostError
        If the order is not one of the head's blocks in which each follows what it needs.
    """
    _check_order(table, head, order)
    head_s = conditions.device_slowdown * float(table.device_s[list(order)].sum())
    link = conditions.link
    if head == table.everything:
        return Parts(head_s=head_s)
    if link is None or not conditions.is_server_usable:
        return Parts(head_s=head_s, upload_s=np.inf)
    send_s = upload_s_by_block(table, head, link)
    jobs = [
        (conditions.device_slowdown * float(table.device_s[block]), send_s[block])
        for block in order
    ]
    tail = [block for block in range(table.num_blocks) if not head >> block & 1]
    returned = [v for v in table.values if v.is_output and v.producer in tail]
    down_bytes = sum(value.size_bytes for value in returned)
    return Parts(
        head_s=head_s,
        upload_s=max(makespan(jobs, send_s[None]) - head_s, 0.0),
        wait_s=conditions.load.wait_s,
        tail_s=conditions.load.slowdown * float(table.server_s[tail].sum()),
        download_s=link.message_down_s + down_bytes / link.bandwidth_down_bytes_per_s,
    )


def upload_s_by_block(table: CostTable, head: int, link: LinkConditions) -> dict[int | None, float]:
    """
    Give the link time of what each block of a head sends, a message per value.

    Returns
    -------
    dict
        By block; ``None`` stands for the inputs.
    """
    send_s: dict[int | None, float] = {None: 0.0}
    send_s.update((block, 0.0) for block in range(table.num_blocks) if head >> block & 1)
    for value in table.values:
        stays = all(head >> consumer & 1 for consumer in value.consumers)
        if value.producer in send_s and not stays:
            upload_s = link.message_up_s + value.size_bytes / link.bandwidth_up_bytes_per_s
            send_s[value.producer] += upload_s
    return send_s


def _is_reachable(
    messages: Sequence[Message], conditions: Conditions, onward: Conditions | None
) -> bool:
    used = {message.link for message in messages}
    is_onward_usable = onward is not None and onward.is_server_usable
    return (0 not in used or conditions.is_server_usable) and (1 not in used or is_onward_usable)


def _device_s(table: CostTable, placement: tuple[int, ...], conditions: Conditions) -> float:
    on_device = [block for block, host in enumerate(placement) if host == 0]
    return conditions.device_slowdown * float(table.device_s[on_device].sum())


def _message_s(message: Message, links: Sequence[LinkConditions | None]) -> float:
    link = links[message.link]
    if link is None:
        raise CostError(f"a message goes over link {message.link}, which is not there")
    if message.is_up:
        return link.message_up_s + message.size_bytes / link.bandwidth_up_bytes_per_s
    return link.message_down_s + message.size_bytes / link.bandwidth_down_bytes_per_s


def _check_order(table: CostTable, head: int, order: Sequence[int]) -> None:
    done = 0
    for block in order:
        if table.predecessors[block] & ~done:
            raise CostError(
                f"block {table.blocks[block]!r} is ordered before something it needs: "
                "an order is topological"
            )
        done |= 1 << block
    if done != head:
        raise CostError(f"an order of {len(order)} blocks is not one of the head's blocks")
