"""The emulator between two devices, where no device is needed."""

import os
import threading
import time
from pathlib import Path

import pytest

from cutpoint.lab.disturbance import Disturbance
from cutpoint.lab.emulation.packet_lane import PacketLane
from cutpoint.lab.emulation.tun_process import TunEmulator

_PATIENCE_S = 10.0


def _is_running() -> bool:
    return any(thread.name == "tun-emulator" for thread in threading.enumerate())


def test_it_ends_when_a_device_is_gone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Such a device is readable for ever: to ask it again and again would take a whole core."""
    gone = os.open(tmp_path, os.O_RDONLY)  # readable, and cannot be read either
    there, other = os.pipe()
    try:
        up, down = (PacketLane(None, 0.0, 1e6, Disturbance()) for _ in range(2))
        TunEmulator(gone, there, up, down)
        until_s = time.monotonic() + _PATIENCE_S
        while _is_running() and time.monotonic() < until_s:
            time.sleep(0.01)
        assert not _is_running()
        assert "a device of the link is gone" in capfd.readouterr().err
    finally:
        for each in (gone, there, other):
            os.close(each)
