"""A link of packets to a second host on this machine, with everything that a link may do."""

import sys
from contextlib import ExitStack
from typing import final

from cutpoint.lab.disturbance import Disturbance
from cutpoint.lab.emulation.namespaces import FarHost, far_host
from cutpoint.lab.link_child import LinkChild, duration_text, rate_text


@final
class TunLink(LinkChild):
    """
    A network namespace behind two TUN devices, and a process that forwards the packets.

    The kernel's own TCP runs over it, with its windows, its slow start and its answers to
    loss, which the link in user space has not. Linux, and root.

    Parameters
    ----------
    delay_s
        One-way delay in each direction.
    up_bytes_per_s, down_bytes_per_s
        Rates to the far host, and back, of what is inside TCP; ``None`` for no limit.
    queue_bytes
        What may wait in each direction; more is dropped. Less than rate times round trip, and
        TCP does not fill the link.
    jitter_s, loss
        Each packet takes up to so much longer, in order; this share is dropped.

    Raises
    ------
    ValueError
        If one is out of its range.

    Notes
    -----
    `address` is the far host's. A server is started there with ``link.host.prefix`` before its
    command line. Starting raises ConfigurationError where namespaces cannot be made.
    """

    def __init__(
        self,
        *,
        delay_s: float = 0.0,
        up_bytes_per_s: float | None = None,
        down_bytes_per_s: float | None = None,
        queue_bytes: float = 128 * 1024,
        jitter_s: float = 0.0,
        loss: float = 0.0,
    ) -> None:
        for name, value in (("delay_s", delay_s), ("queue_bytes", queue_bytes)):
            if not value >= 0:
                raise ValueError(f"{name} must be at least 0, got {value}")
        disturbance = Disturbance(jitter_s, loss)
        self._options = ["--delay", duration_text(delay_s), "--queue", f"{queue_bytes:.0f}"]
        self._options += ["--up", rate_text(up_bytes_per_s)]
        self._options += ["--down", rate_text(down_bytes_per_s)]
        self._options += ["--jitter", duration_text(disturbance.jitter_s)]
        self._options += ["--loss", f"{disturbance.loss:.6f}"]
        self._cleanup = ExitStack()
        self._host: FarHost | None = None
        super().__init__([])

    @property
    def host(self) -> FarHost:
        """
        The far host.

        Raises
        ------
        RuntimeError
            If the link is not started.
        """
        if self._host is None:
            raise RuntimeError("the link is not started: start it, or use it in a with block")
        return self._host

    def start(self) -> None:
        """
        Make the far host, and wait until it is reached.

        Raises
        ------
        ConfigurationError
            If that needs more rights or tools than there are.
        RuntimeError
            If the link is started already, or its process ended.
        """
        if self._host is None:
            self._host = self._cleanup.enter_context(far_host())
            self._command = [sys.executable, "-m", "cutpoint.lab.emulation.tun_process"]
            self._command += ["--near", self._host.near_device, "--far", self._host.far_device]
            self._command += ["--address", self._host.far_address, *self._options]
        try:
            super().start()
            self._host.join()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the process, and remove the far host; twice is fine."""
        super().close()
        self._host = None
        self._cleanup.close()
