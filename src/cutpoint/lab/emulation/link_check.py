"""Transfers over the same rate and delay by three links: in user space, TUN and token bucket."""

import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal

from cutpoint.lab.emulation.tbf_link import tbf_link
from cutpoint.lab.emulation.transfer import transfer_server, transfer_times_s
from cutpoint.lab.emulation.tun_link import TunLink
from cutpoint.lab.link_child import LinkChild
from cutpoint.lab.link_process import LinkProcess
from cutpoint.lab.traces import Trace

LinkKind = Literal["user space", "TUN", "tbf"]

SIZES_BYTES = (100_000, 300_000, 1_000_000)

_WARM_UP_BYTES = 600_000
"""Opens TCP's window to more than any rate times delay here."""

_WARM_UP_MOST_S = 1.0
_QUEUE_BYTES = 2e6
"""Room for all of a transfer: none of it is lost in the queue and sent again."""


@dataclass(frozen=True)
class LinkSetting:
    """
    A rate and a delay, or a trace from one place on.

    Parameters
    ----------
    bandwidth_bytes_per_s
        Both ways; with a trace, upwards its mean.
    delay_s
        One way.
    trace, position_s
        Played upwards from there.
    """

    bandwidth_bytes_per_s: float
    delay_s: float
    trace: Trace | None = None
    position_s: float = 0.0

    def due_s(self, size_bytes: int) -> float:
        """Calculate how long a transfer takes, and the answer of one byte to it."""
        if self.trace is None:
            return size_bytes / self.bandwidth_bytes_per_s + 2 * self.delay_s
        sent_s = self.trace.up.finish_s(self.position_s, size_bytes) - self.position_s
        return sent_s + 2 * self.delay_s


@dataclass(frozen=True)
class Transfers:
    """
    What transfers of one size took over one link.

    Parameters
    ----------
    link
        Which kind.
    setting, size_bytes
        What was asked of it.
    took_s
        Each, until the answer was there.
    """

    link: LinkKind
    setting: LinkSetting
    size_bytes: int
    took_s: tuple[float, ...]

    @property
    def error(self) -> float:
        """Median over what is due, minus one."""
        return statistics.median(self.took_s) / self.setting.due_s(self.size_bytes) - 1


def constant_transfers(
    link: LinkKind, setting: LinkSetting, sizes_bytes: Sequence[int], num: int
) -> tuple[Transfers, ...]:
    """
    Send each size several times at a constant rate, over one warm connection.

    Raises
    ------
    ConfigurationError
        If a link between namespaces cannot be made.
    """
    rate = setting.bandwidth_bytes_per_s
    warm_up_bytes = int(min(_WARM_UP_BYTES, max(rate * _WARM_UP_MOST_S, sizes_bytes[0])))
    in_turn = [size_bytes for size_bytes in sizes_bytes for _ in range(num)]
    with _far_side(link, setting) as (_, address):
        took_s = transfer_times_s(address, in_turn, warm_up_bytes)
    pairs = list(zip(in_turn, took_s, strict=True))
    return tuple(
        Transfers(link, setting, size, tuple(each for given, each in pairs if given == size))
        for size in sizes_bytes
    )


def traced_transfers(
    link: LinkKind, settings: Sequence[LinkSetting], size_bytes: int, num: int
) -> tuple[Transfers, ...]:
    """
    Send one size from several places of traces, each several times, over warm connections.

    Parameters
    ----------
    link
        Not the token bucket, which plays none.
    settings
        Of one delay; each with a trace.
    """
    found = []
    with _far_side(link, settings[0]) as (child, address):
        for setting in settings:
            if child is None or setting.trace is None:
                raise ValueError(f"a link by {link} plays no trace, or none is given")
            child.play(None)
            play = partial(child.play, setting.trace.up, None, setting.position_s)
            took_s = transfer_times_s(address, [size_bytes] * num, _WARM_UP_BYTES, play)
            found.append(Transfers(link, setting, size_bytes, tuple(took_s)))
    return tuple(found)


def cold_transfer_s(setting: LinkSetting, size_bytes: int, num: int) -> float:
    """Give the median of transfers over the TUN link, each over a connection of its own."""
    with _far_side("TUN", setting) as (_, address):
        return statistics.median(transfer_times_s(address, [size_bytes], 0)[0] for _ in range(num))


@contextmanager
def _far_side(link: LinkKind, setting: LinkSetting) -> Iterator[tuple[LinkChild | None, str]]:
    """Give a link, where it is one that plays, and the far side's address through it."""
    rate, delay_s = setting.bandwidth_bytes_per_s, setting.delay_s
    with ExitStack() as stack:
        enter = stack.enter_context
        if link == "tbf":
            host = enter(tbf_link(rate, rate))
            yield None, enter(transfer_server(host.far_address, host.prefix))
        elif link == "TUN":
            tun = TunLink(
                delay_s=delay_s,
                up_bytes_per_s=rate,
                down_bytes_per_s=rate,
                queue_bytes=_QUEUE_BYTES,
            )
            enter(tun)
            yield tun, enter(transfer_server(tun.address, tun.host.prefix))
        else:
            target = enter(transfer_server())
            process = LinkProcess(
                target, delay_s=delay_s, up_bytes_per_s=rate, down_bytes_per_s=rate
            )
            yield enter(process), process.address
