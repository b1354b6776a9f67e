"""Stages of a pipeline of frames, and the rate they allow; beside the latency, not part of it."""

from dataclasses import dataclass
from math import inf

import numpy as np

from cutpoint.cost.cost_table import Column
from cutpoint.cost.rows import Rows
from cutpoint.records import Conditions


@dataclass(frozen=True)
class Stages:
    """
    Seconds each stage is busy with one frame.

    ::

        device = g * (head + encode)     link = a + s / B     server = k * tail

    Parameters
    ----------
    device_s, link_s, server_s
        Shape ``(n_rows,)``.
    """

    device_s: Column
    link_s: Column
    server_s: Column

    @property
    def longest_s(self) -> Column:
        """Seconds between two frames at best. Shape ``(n_rows,)``."""
        return np.maximum(np.maximum(self.device_s, self.link_s), self.server_s)

    @property
    def frames_per_s(self) -> Column:
        """Frames per second at best; infinite where no stage takes time."""
        with np.errstate(divide="ignore"):
            return np.asarray(1.0 / self.longest_s)


def stages(rows: Rows, conditions: Conditions) -> Stages:
    """
    Give the stages of every row.

    Waiting in the server's queue delays a frame but does not hold up the next one, so W
    is no stage. Rows that use a server that cannot be used, and barred rows, have an
    infinite link stage.
    """
    device_s = conditions.device_slowdown * (rows.head_s + rows.encode_s)
    link = conditions.link
    if link is None or not conditions.is_server_usable:
        link_s = np.where(rows.is_offloaded, inf, 0.0)
    else:
        upload_s = link.message_up_s + rows.up_bytes / link.bandwidth_up_bytes_per_s
        link_s = np.where(rows.is_offloaded, upload_s, 0.0)
    if rows.is_barred is not None:
        link_s = np.where(rows.is_barred, inf, link_s)
    return Stages(device_s, link_s, conditions.load.slowdown * rows.tail_s)
