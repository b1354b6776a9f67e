"""A TCP link emulator in user space: rate, delay and a bounded queue between two sockets.

As a process of its own::

    python -m cutpoint.lab.proxy --target 127.0.0.1:8001 --delay 5ms --up 5Mbit/s --down 20Mbit/s

It says ``{"address": "127.0.0.1:PORT"}`` when ready, and then reads the lines of
`cutpoint.lab.link_commands`; ``quit`` or the end of the input ends it.
"""

import argparse
import contextlib
import functools
import json
import math
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TextIO, TypeVar, final

from cutpoint.lab.disturbance import Disturbance
from cutpoint.lab.lane import Lane
from cutpoint.lab.link_commands import Side, obey, parse_rate
from cutpoint.lab.precedence import come_first
from cutpoint.lab.relay import LOOPBACK, Relay, Target
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.units import parse_duration

T = TypeVar("T")

_ANSWER_S = 10.0


@final
class LinkProxy:
    """
    Listens on loopback and forwards every connection to a target, over an emulated link.

    All connections share one rate per direction, first come, first served, in
    pieces of about 2 ms of link time. A byte leaves the bottleneck when the
    rate lets it and is delivered ``delay_s`` later. While the bottleneck's
    queue is full nothing is read, so that the sender feels it.

    Parameters
    ----------
    target
        ``HOST:PORT`` to forward to; it need not listen yet. The name is
        resolved once, on start.
    delay_s
        One-way delay in each direction, in seconds.
    up
        Rate from client to target, time counted from the start; None for no limit.
    down
        Rate from target to client.
    queue_s
        Queue of each direction, in seconds at the present rate (at least 4 KB).
    listen_port
        Port on loopback; 0 takes any free one.
    disturbance
        How unevenly pieces are delayed, in both directions.

    Raises
    ------
    ValueError
        If ``target`` is not ``HOST:PORT``, or a time is negative or not finite.

    Notes
    -----
    TCP's own handshakes end at the proxy, so connecting takes no round trip
    of the link. Bytes that wait in the queue stay there when the rate drops:
    50 ms' worth at 20 Mbit/s is one second's worth at 1 Mbit/s. An end (FIN)
    travels behind the bytes before it; when one side fails (reset, refused,
    gone), the other side is reset at once.

    Examples
    --------
    >>> link = LinkProxy("127.0.0.1:8001", delay_s=5e-3, up=RateSchedule.constant(625e3))
    >>> with link:
    ...     address = link.address
    """

    def __init__(
        self,
        target: str,
        *,
        delay_s: float = 0.0,
        up: RateSchedule | None = None,
        down: RateSchedule | None = None,
        queue_s: float = 0.05,
        listen_port: int = 0,
        disturbance: Disturbance | None = None,
    ) -> None:
        self._target_host, self._target_port = _split_address(target)
        self._up = Lane(up, delay_s, queue_s, seed=1)
        self._down = Lane(down, delay_s, queue_s, seed=2)
        for lane in (self._up, self._down):
            lane.set_disturbance(disturbance or Disturbance())
        self._listen_port = listen_port
        self._relay: Relay | None = None

    def __repr__(self) -> str:
        state = "stopped" if self._relay is None else f"listening at {self.address}"
        return f"<LinkProxy to {self._target_host}:{self._target_port}, {state}>"

    def __enter__(self) -> "LinkProxy":
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def address(self) -> str:
        """
        ``127.0.0.1:PORT``, where clients connect.

        Raises
        ------
        RuntimeError
            If the proxy is not started.
        """
        if self._relay is None:
            raise RuntimeError("the link has no address: start it first, or use it in a with block")
        return f"{LOOPBACK}:{self._relay.port}"

    def start(self) -> None:
        """
        Listen, and begin the schedules.

        Raises
        ------
        OSError
            If the target's name does not resolve, or the port is taken.
        RuntimeError
            If the proxy is started already.
        """
        if self._relay is not None:
            raise RuntimeError(f"the link is started already, at {self.address}")
        target = _resolve(self._target_host, self._target_port)
        self._relay = Relay(target, (self._up, self._down), self._listen_port)
        for lane in (self._up, self._down):
            lane.begin()
        self._relay.start()

    def close(self) -> None:
        """Reset all connections and stop listening; closing twice is fine."""
        if self._relay is not None:
            self._relay.close()
            self._relay = None

    def set_rate(self, up_bytes_per_s: float | None, down_bytes_per_s: float | None) -> None:
        """
        Replace both schedules by constant rates, at once, also for bytes that wait.

        Parameters
        ----------
        up_bytes_per_s, down_bytes_per_s
            New rates; None for no limit, 0 for an outage.

        Raises
        ------
        ValueError
            If a rate is negative or not finite.
        RuntimeError
            If the proxy is not started.
        """
        up, down = _constant(up_bytes_per_s), _constant(down_bytes_per_s)

        def apply(_: Relay) -> None:
            self._up.set_schedule(up)
            self._down.set_schedule(down)

        self._call(apply)

    def play(
        self, up: RateSchedule | None, down: RateSchedule | None = None, position_s: float = 0.0
    ) -> None:
        """
        Empty the link, and go on with two schedules from a place in them.

        Returns once that is done. What waits in the queues, is on the way or waits in a
        kernel's buffer is delivered at once, past the rate and the delay: bytes of TCP cannot be
        dropped without breaking their stream. So two senders that are put at the same
        position find the same link. While it is partitioned or stalled nothing is moved, and
        connections that are being made are not waited for.

        Parameters
        ----------
        up, down
            From client to target, and back; ``None`` for no limit.
        position_s
            Where both stand now, in seconds from their beginning.

        Raises
        ------
        ValueError
            If the position is negative or not finite.
        RuntimeError
            If the proxy is not started, or its loop does not answer.
        """
        if not 0 <= position_s < math.inf:
            raise ValueError(f"position_s must be at least 0 and finite, got {position_s}")
        is_done = threading.Event()

        def apply(relay: Relay) -> None:
            relay.drain()
            self._up.play(up, position_s)
            self._down.play(down, position_s)
            is_done.set()

        self._call(apply)
        if not is_done.wait(_ANSWER_S):
            raise RuntimeError(f"the link's loop did not answer in {_ANSWER_S:.0f} s: it is gone")

    def set_delay(self, up_s: float, down_s: float) -> None:
        """
        Change the one-way delays, for what leaves the bottleneck from now on.

        Raises
        ------
        ValueError
            If one is negative or not finite.
        RuntimeError
            If the proxy is not started.
        """

        def apply(_: Relay) -> None:
            self._up.set_delay(up_s)
            self._down.set_delay(down_s)

        for delay_s in (up_s, down_s):
            if not 0 <= delay_s < math.inf:
                raise ValueError(f"a delay must be at least 0 and finite, got {delay_s}")
        self._call(apply)

    def partition(self, side: Side = "both") -> None:
        """
        Stop the bytes of one or both directions; connections stay and new ones hang.

        Parameters
        ----------
        side
            ``"up"`` stops what goes to the target, ``"down"`` what comes back. Either
            way no new connection is made: its handshake needs both.

        Raises
        ------
        RuntimeError
            If the proxy is not started.
        """
        self._call(lambda relay: relay.partition(side != "down", side != "up"))

    def heal(self) -> None:
        """End a partition or a stall; what was held up is delivered at once."""
        self._call(lambda relay: relay.partition(False, False))

    def stall(self, duration_s: float) -> None:
        """Deliver nothing in either direction for a time, as over a radio in a shadow."""

        def apply(_: Relay) -> None:
            for lane in (self._up, self._down):
                lane.block(duration_s)

        self._call(apply)

    def disturb(self, disturbance: Disturbance) -> None:
        """Delay pieces unevenly in both directions from now on."""

        def apply(_: Relay) -> None:
            for lane in (self._up, self._down):
                lane.set_disturbance(disturbance)

        self._call(apply)

    def reset_connections(self) -> None:
        """Reset every connection, as a box between that forgot them; new ones are taken."""
        self._call(Relay.reset_all)

    def _call(self, function: Callable[[Relay], None]) -> None:
        relay = self._relay
        if relay is None:
            raise RuntimeError("the link is not started: start it, or use it in a with block")
        relay.call(lambda: function(relay))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one link until ``quit`` or the end of standard input; returns the exit status."""
    options = _parser().parse_args(arguments)
    link = LinkProxy(
        options.target,
        delay_s=options.delay,
        up=_constant(options.up),
        down=_constant(options.down),
        listen_port=options.listen,
        disturbance=Disturbance(options.jitter, options.loss),
    )
    with link:
        _say(sys.stdout, json.dumps({"address": link.address}))
        # Ctrl-C is an interactive user's way to say quit.
        with contextlib.suppress(KeyboardInterrupt):
            obey(link, sys.stdin, functools.partial(_say, sys.stdout))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cutpoint.lab.proxy", description="A TCP link with a rate and a delay."
    )
    parser.add_argument(
        "--target", required=True, metavar="HOST:PORT", type=_argument(_checked_target)
    )
    parser.add_argument("--listen", default=0, type=int, metavar="PORT", help="0: any free port")
    parser.add_argument("--delay", default=0.0, type=_argument(parse_duration), help="one way")
    parser.add_argument("--jitter", default=0.0, type=_argument(parse_duration), help="at most")
    parser.add_argument("--loss", default=0.0, type=float, help="share of pieces sent twice")
    for direction in ("--up", "--down"):
        parser.add_argument(
            direction, default=None, type=_argument(parse_rate), help="none: no limit"
        )
    return parser


def _argument(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Let argparse show the parser's own message instead of only the wrong text."""

    def parse_argument(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse_argument


def _checked_target(text: str) -> str:
    _split_address(text)
    return text


def _constant(bandwidth_bytes_per_s: float | None) -> RateSchedule | None:
    return None if bandwidth_bytes_per_s is None else RateSchedule.constant(bandwidth_bytes_per_s)


def _split_address(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"target must be HOST:PORT with a port from 1 to 65535, got {address!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _resolve(host: str, port: int) -> Target:
    """First address of the target; IPv4 first, because that is where local servers listen."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    family, _, _, _, (numeric_host, *_) = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return Target(family, (str(numeric_host), port))


def _say(stream: TextIO, text: str) -> None:
    stream.write(text + "\n")
    stream.flush()


if __name__ == "__main__":
    come_first()  # here alone: whoever calls `main` has other work too
    sys.exit(main())
