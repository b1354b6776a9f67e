"""What each row of a table truly takes in a world: the exact form of the objective.

The terms are those of `cutpoint.cost.latency`; the rate is no number here but the schedule, which
is integrated over the transfer, and load is what is true when the request arrives.
"""

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import CutTable, Prediction
from cutpoint.records import Parts
from cutpoint.simulation.world import World

Floats = NDArray[np.float64]


def exact_prediction(
    table: CutTable, world: World, at_s: float | Floats, free_s: float = 0.0
) -> Prediction:
    """
    Give the parts of every row for inferences that begin at given times, each alone in the world.

    Parameters
    ----------
    at_s
        One time, or an array of them.
    free_s
        When the way up is free: what is encoded before leaves behind what was sent earlier.

    Returns
    -------
    Prediction
        Each part of shape ``(*at_s.shape, n_rows)``; the upload or download is infinite where
        it never ends, and the upload of barred rows always.

    Notes
    -----
    A leg meets the slow-down that is true when it begins: that of the device at `at_s`, that of
    the server when the request has arrived.
    """
    begun_s = np.asarray(at_s, float)[..., np.newaxis]
    slowdown = world.device.slowdowns_at(begun_s)
    head_s, encode_s = slowdown * table.head_s, slowdown * table.encode_s
    encoded_s = begun_s + head_s + encode_s
    sent_s = world.up_curve.all_finish_s(np.maximum(encoded_s, free_s), table.up_bytes)
    arrived_s = sent_s + world.delay_up_s
    if table.is_barred is not None:
        arrived_s = np.where(table.is_barred, np.inf, arrived_s)
    never = np.isinf(arrived_s)
    known_s = np.where(never, 0.0, arrived_s)
    wait_s = world.load.waits_s_at(known_s)
    tail_s = world.load.slowdowns_at(known_s) * table.tail_s
    ended_s = known_s + wait_s + tail_s
    back_s = world.down_curve.all_finish_s(ended_s, table.down_bytes) + world.delay_down_s
    offloaded = table.is_offloaded
    return Prediction(
        head_s=head_s,
        encode_s=encode_s,
        upload_s=np.where(offloaded, arrived_s - encoded_s, 0.0),
        wait_s=np.where(offloaded, wait_s, 0.0),
        tail_s=np.where(offloaded, tail_s, 0.0),
        download_s=np.where(offloaded, back_s - ended_s, 0.0),
    )


def exact_latencies(table: CutTable, world: World, at_s: float | Floats) -> Floats:
    """Give the latency of every row; shape ``(*at_s.shape, n_rows)``."""
    return exact_prediction(table, world, at_s).latency_s


def exact_parts(table: CutTable, world: World, at_s: float, row: int, free_s: float = 0.0) -> Parts:
    """Give the parts of one row for an inference that begins at a time."""
    return exact_prediction(table, world, at_s, free_s).parts(row)
