"""A setting of the one objective: which of its terms a published model counts."""

from dataclasses import dataclass, replace
from math import inf

from cutpoint.records import Conditions, LoadConditions


@dataclass(frozen=True)
class Setting:
    """
    Which terms of the objective count; the others are taken as zero (or one).

    Parameters
    ----------
    message
        ``a``, the fixed time of a message.
    waiting
        ``W``, the wait in the server's queue.
    load
        ``k``, the server's slow-down; without it the server counts as idle.
    device_load
        ``g``, the device's own slow-down.
    returning
        The way back of the outputs.
    server
        The server's time; without it the server is free (k = 0).
    overlap
        Uploads run beside the device's computing (a two-machine flow shop), each value a
        message of its own; without it one message carries all, after the head.
    """

    message: bool = True
    waiting: bool = True
    load: bool = True
    device_load: bool = True
    returning: bool = True
    server: bool = True
    overlap: bool = False

    def seen(self, conditions: Conditions) -> Conditions:
        """Give the conditions as a scheme of this setting sees them."""
        link, load = conditions.link, conditions.load
        if link is not None and not self.message:
            link = replace(link, message_up_s=0.0, message_down_s=0.0)
        if link is not None and not self.returning:
            link = replace(link, bandwidth_down_bytes_per_s=inf, message_down_s=0.0)
        slowdown = (load.slowdown if self.load else 1.0) if self.server else 0.0
        return replace(
            conditions,
            link=link,
            load=LoadConditions(load.wait_s if self.waiting else 0.0, slowdown),
            device_slowdown=conditions.device_slowdown if self.device_load else 1.0,
        )


FULL = Setting()
"""Everything the objective has, without overlap."""
