"""A cable to a second host on this machine, slowed by the kernel's token bucket."""

from collections.abc import Iterator
from contextlib import contextmanager

from cutpoint.lab.emulation.namespaces import FarHost, far_host, ip, run_tool

_FRAME_BYTES = 1514
_PAYLOAD_BYTES = 1448
"""Of one full frame, what is inside TCP: a rate means these, as on the other links."""

_LEAST_BURST_BYTES = 3200
_BURST_S = 0.5e-3
"""What may pass at once after a pause. Longer ones would let the first part of every transfer
through for nothing, shorter ones lose rate whenever the kernel's timer is late."""

_QUEUE_BYTES = 4 * 1024 * 1024
_BITS_PER_BYTE = 8


@contextmanager
def tbf_link(up_bytes_per_s: float, down_bytes_per_s: float) -> Iterator[FarHost]:
    """
    Give a far host behind a slow cable; remove both at the end.

    Parameters
    ----------
    up_bytes_per_s, down_bytes_per_s
        Rates to the far host, and back, of what is inside TCP.

    Raises
    ------
    ConfigurationError
        If that needs more rights or tools than there are.

    Notes
    -----
    No delay, no jitter and no loss: this kernel tool knows rates only. Packets leave one by one
    (``gso_max_segs 1``): a bucket that is smaller than a packet that waits stops for ever.
    """
    with far_host() as host:
        ip("link", "add", host.near_device, "type", "veth", "peer", "name", host.far_device)
        for device in (host.near_device, host.far_device):
            ip("link", "set", device, "gso_max_segs", "1")
        host.join()
        _slow(host.near_device, up_bytes_per_s)
        _slow(host.far_device, down_bytes_per_s, *host.prefix)
        yield host


def _slow(device: str, bandwidth_bytes_per_s: float, *prefix: str) -> None:
    rate_bytes_per_s = bandwidth_bytes_per_s * _FRAME_BYTES / _PAYLOAD_BYTES
    burst_bytes = max(_LEAST_BURST_BYTES, round(rate_bytes_per_s * _BURST_S))
    words = ["tc", "qdisc", "replace", "dev", device, "root", "tbf"]
    words += ["rate", f"{round(rate_bytes_per_s * _BITS_PER_BYTE)}bit"]
    words += ["burst", str(burst_bytes), "limit", str(_QUEUE_BYTES)]
    run_tool(*prefix, *words)
