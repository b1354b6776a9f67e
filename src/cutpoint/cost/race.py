"""What it takes, and what it costs, to race: the device computes on while the server is asked.

The server's time is taken as lognormal: its median is what is predicted, and its logarithm
spreads by a standard deviation. The device's own time is taken as known. With ``S`` the median,
``D`` the device's time, ``sigma`` the spread and ``a = ln(D / S) / sigma``, the mean of the
first to be done is that of a lognormal cut off at ``D``::

    E[min(S e^(sigma Z), D)] = S e^(sigma^2 / 2) Phi(a - sigma) + D Phi(-a)
"""

from math import erf, sqrt
from statistics import NormalDist

import numpy as np

from cutpoint.cost.cost_table import Column
from cutpoint.cost.latency import Prediction

_NARROWEST = 1e-9
"""A narrower spread is none: quotients by it overflow."""

_WIDEST = 10.0
"""Spread above which nothing could be said of the server anyway."""


def first_s(server_s: Column, device_s: Column, spread: float) -> Column:
    """
    Give the mean time until the first of the two is done.

    Parameters
    ----------
    server_s
        Median seconds of the server's way; infinite where it cannot be used. Shape ``(n,)``.
    device_s
        Seconds of the device's. Shape ``(n,)``.
    spread
        Standard deviation of the logarithm of the server's.

    Returns
    -------
    array
        Seconds, never above `device_s`. Shape ``(n,)``.
    """
    spread = min(spread, _WIDEST)
    if spread < _NARROWEST:
        return np.minimum(server_s, device_s)
    is_raced = (server_s > 0) & np.isfinite(server_s) & (device_s > 0)
    server = np.where(is_raced, server_s, 1.0)
    device = np.where(is_raced, device_s, 1.0)
    ahead = np.log(device / server) / spread
    mean = server * np.exp(spread**2 / 2) * _phi(ahead - spread) + device * _phi(-ahead)
    return np.where(is_raced, np.minimum(mean, device), np.minimum(server_s, device_s))


def race_latency_s(prediction: Prediction, rest_s: Column, spread: float) -> Column:
    """
    Give the mean latency of every row, if it is raced.

    Parameters
    ----------
    prediction
        Of every row, without a race.
    rest_s
        Seconds of what lies behind the cut on the device, as slow as it is now, while it sends.
        Shape ``(n_rows,)``.
    spread
        Of the way by the server.

    Returns
    -------
    array
        Seconds; a device-only row is as ever. Shape ``(n_rows,)``.
    """
    own_s = prediction.head_s + prediction.encode_s
    return np.asarray(own_s + first_s(server_way_s(prediction), rest_s, spread))


def server_way_s(prediction: Prediction) -> Column:
    """Give the seconds from the first byte sent to the outputs, of every row."""
    return np.asarray(
        prediction.upload_s + prediction.wait_s + prediction.tail_s + prediction.download_s
    )


def lognormal_quantile(median: float, spread: float, share: float) -> float:
    """Give what a lognormal figure is below in this share of cases (above 0, below 1)."""
    return float(median * np.exp(min(spread, _WIDEST) * NormalDist().inv_cdf(share)))


def _phi(values: Column) -> Column:
    """Give the standard normal distribution; SciPy, which has it, is no dependency here."""
    return np.array([(1.0 + erf(value / sqrt(2.0))) / 2.0 for value in values])
