"""Cells of LoADPart's grid on the real clock."""

from dataclasses import replace

import pytest
from tests.lab.arena.shots import shot

from cutpoint.lab.loadpart.cells import AWARE, BLIND
from cutpoint.lab.loadpart.real_cells import RealCell


@pytest.mark.parametrize(("level", "counts"), [(0.0, False), (0.9, True)])
def test_a_loaded_server_is_no_disturbance(level: float, counts: bool) -> None:
    """Others hold its core: on an idle server that spoils an inference, under load it is the k."""
    shots = tuple(
        replace(shot(name, latency_s, round_number=number), contention_server=4.0)
        for number in range(5)
        for name, latency_s in ((AWARE, 1.0), (BLIND, 2.0))
    )
    found = RealCell("net", level, 8.0, shots, seed=0).ratio(AWARE)
    assert (found is not None) == counts


def test_a_disturbed_device_spoils_an_inference_whatever_the_load() -> None:
    """What holds the device's core is no part of any cell."""
    shots = tuple(shot(name, 1.0, contention=4.0) for name in (AWARE, BLIND))
    assert RealCell("net", 0.9, 8.0, shots, seed=0).ratio(AWARE) is None
