"""The one latency objective: the only place where a latency is computed from parts.

::

    T = g * (head + encode)                          device, slowed by g
      + [offloaded] * ( a + s / B                    one message, all crossing values
                      + W + k * tail                 queue, then a server slowed by k
                      + a_down + s_out / B_down )    the outputs come back

Every published system is a setting of it: DADS drops g, a, W, k and the return,
LoADPart adds k, DIAMOND adds a and W.
"""

from dataclasses import dataclass

import numpy as np

from cutpoint.cost.cut_table import Column, CutTable
from cutpoint.records import Conditions, Parts


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


def predict(table: CutTable, conditions: Conditions) -> Prediction:
    """
    Predict every row of a table under conditions.

    Parameters
    ----------
    conditions
        Link, load and device as believed now.

    Returns
    -------
    Prediction
        Rows that use the server are infinite when it cannot be used.
    """
    offloaded = table.is_offloaded
    head_s = conditions.device_slowdown * table.head_s
    encode_s = conditions.device_slowdown * table.encode_s
    link, load = conditions.link, conditions.load
    if link is None or not conditions.is_server_usable:
        never = np.where(offloaded, np.inf, 0.0)
        none = np.zeros_like(never)
        return Prediction(head_s, encode_s, never, none, none, none)
    upload_s = link.message_up_s + table.up_bytes / link.bandwidth_up_bytes_per_s
    download_s = link.message_down_s + table.down_bytes / link.bandwidth_down_bytes_per_s
    return Prediction(
        head_s=head_s,
        encode_s=encode_s,
        upload_s=np.where(offloaded, upload_s, 0.0),
        wait_s=np.where(offloaded, load.wait_s, 0.0),
        tail_s=load.slowdown * table.tail_s,
        download_s=np.where(offloaded, download_s, 0.0),
    )
