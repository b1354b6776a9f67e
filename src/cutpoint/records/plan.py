"""A plan: which leg runs where, and what it is predicted to take."""

from dataclasses import dataclass
from typing import Literal

from cutpoint.records.parts import Parts

Placement = Literal["device", "split", "server"]
"""Where an inference runs, in words: never told by an empty cut."""

DEVICE = "device"
"""The name of the device among the hosts; servers go by their address."""

RAW = "raw"
"""The codec that sends a value's bytes as they are."""


@dataclass(frozen=True)
class Leg:
    """
    One host's consecutive share of an inference.

    Parameters
    ----------
    host
        ``"device"`` or the server's address.
    up_to_cut
        Id of the cut at which this leg ends; ``None`` for the leg that ends with
        the model's outputs.
    crossing
        Names of the values this leg hands on, sorted; empty for the last leg.
    codecs
        Codec per crossing value, in the same order.
    """

    host: str
    up_to_cut: str | None
    crossing: tuple[str, ...] = ()
    codecs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """
    Where each part of one inference runs, and what that is predicted to take.

    Parameters
    ----------
    placement
        ``"device"``, ``"split"`` or ``"server"``.
    cut
        Id of the cut: which nodes run on the device.
    legs
        In the order in which they run.
    predicted
        Predicted seconds, part by part.
    note
        Why this is not what the policy stands for, if it is not.
    races
        Whether the device computes on from the cut after sending, and the first answer wins.
    """

    placement: Placement
    cut: str
    legs: tuple[Leg, ...]
    predicted: Parts
    note: str | None = None
    races: bool = False

    @property
    def crossing(self) -> tuple[str, ...]:
        """Names of the values that travel to the server, sorted."""
        return self.legs[0].crossing

    @property
    def codec(self) -> str:
        """The one codec of the values that travel; raw where none of them is encoded."""
        return next((codec for codec in self.legs[0].codecs if codec != RAW), RAW)

    @property
    def server(self) -> str | None:
        """Address of the server of the last leg; ``None`` when nothing is offloaded."""
        return None if self.legs[-1].host == DEVICE else self.legs[-1].host
