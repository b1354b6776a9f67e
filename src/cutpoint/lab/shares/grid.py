"""Conditions at which splits and ends are compared: every mix of a few numbers each."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import inf

import numpy as np
from numpy.typing import NDArray

from cutpoint.cost import condition_weights
from cutpoint.records import Conditions, LinkConditions, LoadConditions
from cutpoint.units import from_mbit_per_s


@dataclass(frozen=True)
class Grid:
    """
    Every mix of bandwidth, device, load and round trip.

    Parameters
    ----------
    bandwidths_bytes_per_s
        Of the link, both ways.
    device_slowdowns
        How many times slower than the measured host the device is.
    server_slowdowns
        Load factors of the server.
    round_trips_s
        Of an empty message.
    has_answers
        Whether the way back takes time for its bytes.
    """

    bandwidths_bytes_per_s: tuple[float, ...]
    device_slowdowns: tuple[float, ...]
    server_slowdowns: tuple[float, ...]
    round_trips_s: tuple[float, ...]
    has_answers: bool = True

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """How many of each, in the order of the fields."""
        return (
            len(self.bandwidths_bytes_per_s),
            len(self.device_slowdowns),
            len(self.server_slowdowns),
            len(self.round_trips_s),
        )

    @cached_property
    def conditions(self) -> tuple[Conditions, ...]:
        """All points, the bandwidth changing slowest."""
        mixes = product(
            self.bandwidths_bytes_per_s,
            self.device_slowdowns,
            self.server_slowdowns,
            self.round_trips_s,
        )
        return tuple(self._conditions(*mix) for mix in mixes)

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """What each point weighs the terms of a row with. Shape ``(n_points, 5)``."""
        return np.array([condition_weights(each) for each in self.conditions])

    def _conditions(
        self, bandwidth: float, device: float, server: float, round_trip_s: float
    ) -> Conditions:
        back = bandwidth if self.has_answers else inf
        link = LinkConditions(bandwidth, back, round_trip_s / 2, round_trip_s / 2)
        return Conditions(link, LoadConditions(slowdown=server), device)


def grid_of(
    bandwidths_mbit_per_s: tuple[float, ...],
    device_slowdowns: tuple[float, ...],
    server_slowdowns: tuple[float, ...],
    round_trips_s: tuple[float, ...],
) -> Grid:
    """Give a grid whose bandwidths are in Mbit/s."""
    bandwidths = tuple(from_mbit_per_s(each) for each in bandwidths_mbit_per_s)
    return Grid(bandwidths, device_slowdowns, server_slowdowns, round_trips_s)


_DEVICES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
_LOADS = (1.0, 2.0, 5.0, 10.0, 20.0)
_ROUND_TRIPS_S = (0.002, 0.02, 0.08)

USUAL_LINKS = grid_of((1, 2, 5, 10, 20, 50, 100), _DEVICES, _LOADS, _ROUND_TRIPS_S)
"""1 to 100 Mbit/s: 630 points."""

WIDE = grid_of(
    (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000), _DEVICES, _LOADS, _ROUND_TRIPS_S
)
"""0.1 to 1000 Mbit/s: 1170 points."""

IDLE_SERVER = grid_of((1, 5, 20, 100), (5.0, 20.0), (1.0,), (0.01,))
"""Four links, two devices and an idle server: 8 points."""

LOADED_SERVER = grid_of((1, 5, 20, 100), (5.0, 20.0), (1.0, 5.0), (0.01,))
"""The same with a server that may also be five times slower: 16 points."""
