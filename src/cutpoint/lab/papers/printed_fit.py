"""What the printed figures of DADS say about its test bed, if they are taken at their word."""

from dataclasses import dataclass

import numpy as np

from cutpoint.lab.papers.printed_dads import SAVED_ON_CLOUD, SPEEDUPS

_NET = "resnet18"


@dataclass(frozen=True)
class PrintedFit:
    """
    Cloud-only on ResNet18 as a line over the seconds of a bit.

    Parameters
    ----------
    cloud_share
        Seconds of the cloud / seconds of the edge, for the whole net.
    input_mbit_per_edge_s
        Megabits of the input for each second that the net takes on the edge.
    worst
        Largest relative distance of the printed figures from the line.
    """

    cloud_share: float
    input_mbit_per_edge_s: float
    worst: float

    def edge_s(self, input_bytes: float) -> float:
        """Give the seconds of the edge, if cloud-only uploads so much."""
        return input_bytes * 8 / 1e6 / self.input_mbit_per_edge_s

    def cloud_s(self, input_bytes: float) -> float:
        """Give the seconds of the cloud, if cloud-only uploads so much."""
        return self.cloud_share * self.edge_s(input_bytes)


def printed_fit() -> PrintedFit:
    """
    Fit cloud-only = cloud + input / uplink to the four printed uplinks, in edge-only times.

    Edge-only over cloud-only follows from two printed figures: the speed-up on edge-only, and what
    is saved on cloud-only. Relative distances are made small, since the figures span a factor of
    sixteen.
    """
    uplinks = sorted(SAVED_ON_CLOUD)
    cloud_only = np.array(
        [1 / (SPEEDUPS[_NET, uplink] * (1 - SAVED_ON_CLOUD[uplink])) for uplink in uplinks]
    )
    terms = np.column_stack([np.ones(len(uplinks)), 1 / np.array(uplinks)])
    found, *_ = np.linalg.lstsq(terms / cloud_only[:, np.newaxis], np.ones(len(uplinks)))
    worst = float(np.abs(terms @ found / cloud_only - 1).max())
    return PrintedFit(float(found[0]), float(found[1]), worst)
