"""An emulator of a link between two TUN devices, as a process of its own.

It says ``{"address": ...}`` when both devices are there, and then reads the lines of
`cutpoint.lab.link_commands`; ``quit`` or the end of the input ends it, and the devices.
"""

import argparse
import contextlib
import fcntl
import functools
import json
import os
import select
import struct
import sys
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TextIO

from cutpoint.lab.disturbance import Disturbance
from cutpoint.lab.emulation.packet_lane import PacketLane
from cutpoint.lab.link_commands import Side, obey, parse_rate
from cutpoint.lab.precedence import come_first
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.units import parse_duration

_SET_INTERFACE = 0x400454CA
_TUN_WITHOUT_HEADER = 0x0001 | 0x1000
_PACKET_MAX_BYTES = 65536
_PACKETS_A_ROUND = 64
_ANSWER_S = 10.0


class TunEmulator:
    """
    Forwards packets between two TUN devices over two lanes; obeys as a link does.

    Parameters
    ----------
    near, far
        File descriptors of the devices; non-blocking.
    up, down
        From near to far, and back.
    """

    def __init__(self, near: int, far: int, up: PacketLane, down: PacketLane) -> None:
        self._ways = ((near, far, up), (far, near, down))
        self._up, self._down = up, down
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._wake_receiver, self._wake_sender = os.pipe()
        self._began_s = time.perf_counter()
        threading.Thread(target=self._run, name="tun-emulator", daemon=True).start()

    def set_rate(self, up_bytes_per_s: float | None, down_bytes_per_s: float | None) -> None:
        """Change the rates, also for what waits."""
        self._call(lambda: self._go_on(_constant(up_bytes_per_s), _constant(down_bytes_per_s)))

    def play(self, up: RateSchedule | None, down: RateSchedule | None, position_s: float) -> None:
        """Deliver what is on the link, and go on from a position."""
        if not position_s >= 0:
            raise ValueError(f"position_s must be at least 0, got {position_s}")
        self._call(lambda: self._go_on(up, down, position_s))

    def set_delay(self, up_s: float, down_s: float) -> None:
        """Change the delays, for what leaves the queue from now on."""
        self._up.delay_s, self._down.delay_s = up_s, down_s

    def partition(self, side: Side) -> None:
        """Drop what comes, one way or both."""
        self._up.is_cut, self._down.is_cut = side != "down", side != "up"

    def heal(self) -> None:
        """End a partition or a stall."""

        def apply() -> None:
            for lane in (self._up, self._down):
                lane.is_cut = False
                lane.unblock()

        self._call(apply)

    def stall(self, duration_s: float) -> None:
        """Deliver nothing for a time."""

        def apply() -> None:
            for lane in (self._up, self._down):
                lane.block(self._now_s(), duration_s)

        self._call(apply)

    def disturb(self, disturbance: Disturbance) -> None:
        """Delay and drop packets from now on."""
        self._up.disturbance = self._down.disturbance = disturbance

    def reset_connections(self) -> None:
        """Refuse: there are none here."""
        raise ValueError("a link of packets knows no connections: reset them at their ends")

    def _go_on(
        self, up: RateSchedule | None, down: RateSchedule | None, position_s: float | None = None
    ) -> None:
        for (_, sink, lane), schedule in zip(self._ways, (up, down), strict=True):
            if position_s is not None:
                for packet in lane.pop_all():
                    _write(sink, packet)
            lane.play(self._now_s(), schedule, position_s)

    def _now_s(self) -> float:
        return time.perf_counter() - self._began_s

    def _call(self, function: Callable[[], None]) -> None:
        is_done = threading.Event()
        self._calls.put(function)
        self._calls.put(is_done.set)
        os.write(self._wake_sender, b"\0")
        if not is_done.wait(_ANSWER_S):
            raise RuntimeError("the emulator's loop does not answer: it is gone")

    def _run(self) -> None:
        fds = [source for source, _, _ in self._ways]
        while True:
            due_s = min(lane.due_s() for _, _, lane in self._ways)
            timeout_s = None if due_s == float("inf") else max(due_s - self._now_s(), 0.0)
            readable, _, _ = select.select([*fds, self._wake_receiver], [], [], timeout_s)
            if self._wake_receiver in readable:
                os.read(self._wake_receiver, 4096)
                self._take_calls()
            for source, sink, lane in self._ways:
                if source in readable and not self._take_packets(source, lane):
                    _say(sys.stderr, "a device of the link is gone: nothing is forwarded any more")
                    return
                for packet in lane.pop_due(self._now_s()):
                    _write(sink, packet)

    def _take_packets(self, source: int, lane: PacketLane) -> bool:
        """Tell whether the device is still there: one that is gone is readable for ever."""
        for _ in range(_PACKETS_A_ROUND):
            try:
                packet = os.read(source, _PACKET_MAX_BYTES)
            except BlockingIOError:
                break
            except OSError:
                return False
            lane.push(self._now_s(), packet)
        return True

    def _take_calls(self) -> None:
        with contextlib.suppress(Empty):
            while True:
                self._calls.get_nowait()()


def open_tun(name: str) -> int:
    """
    Make a TUN device; it goes when the descriptor is closed.

    Raises
    ------
    OSError
        If that is not permitted, or the name is taken.
    """
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(fd, _SET_INTERFACE, struct.pack("16sH", name.encode(), _TUN_WITHOUT_HEADER))
    except OSError:
        os.close(fd)
        raise
    return fd


def main() -> None:
    """Run one link until ``quit`` or the end of standard input."""
    parser = argparse.ArgumentParser(prog="python -m cutpoint.lab.emulation.tun_process")
    for option in ("--near", "--far", "--address"):
        parser.add_argument(option, required=True)
    parser.add_argument("--queue", type=float, required=True, help="bytes")
    for option in ("--delay", "--jitter"):
        parser.add_argument(option, type=parse_duration, default=0.0)
    for option in ("--up", "--down"):
        parser.add_argument(option, type=parse_rate, default=None)
    parser.add_argument("--loss", type=float, default=0.0)
    options = parser.parse_args()
    disturbance = Disturbance(options.jitter, options.loss)
    up, down = (
        PacketLane(_constant(rate), options.delay, options.queue, disturbance, seed)
        for seed, rate in ((1, options.up), (2, options.down))
    )
    emulator = TunEmulator(open_tun(options.near), open_tun(options.far), up, down)
    _say(sys.stdout, json.dumps({"address": options.address}))
    with contextlib.suppress(KeyboardInterrupt):
        obey(emulator, sys.stdin, functools.partial(_say, sys.stdout))


def _constant(bandwidth_bytes_per_s: float | None) -> RateSchedule | None:
    return None if bandwidth_bytes_per_s is None else RateSchedule.constant(bandwidth_bytes_per_s)


def _write(sink: int, packet: bytes) -> None:
    # A device that is down or full loses packets, as any does.
    with contextlib.suppress(OSError):
        os.write(sink, packet)


def _say(stream: TextIO, text: str) -> None:
    stream.write(text + "\n")
    stream.flush()


if __name__ == "__main__":
    come_first()
    main()
