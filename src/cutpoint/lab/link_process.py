"""An emulated link in a process of its own."""

import sys
from typing import final

from cutpoint.lab.disturbance import Disturbance
from cutpoint.lab.link_child import LinkChild, duration_text, rate_text


@final
class LinkProcess(LinkChild):
    """
    Runs `cutpoint.lab.proxy` as a child process: its own interpreter, its own share of a core.

    Parameters
    ----------
    target
        ``HOST:PORT`` to forward to; it need not listen yet.
    delay_s
        One-way delay in each direction, in seconds.
    up_bytes_per_s, down_bytes_per_s
        Rates from client to target, and back; None for no limit.
    listen_port
        Port on loopback; 0 takes any free one.
    jitter_s, loss
        How unevenly pieces are delayed, as for `Disturbance`.

    Raises
    ------
    ValueError
        If a rate or the delay is negative, or the jitter or loss out of its range.

    Notes
    -----
    The child ends when its standard input does, so it does not outlive this
    process even if this process is killed.
    """

    def __init__(
        self,
        target: str,
        *,
        delay_s: float = 0.0,
        up_bytes_per_s: float | None = None,
        down_bytes_per_s: float | None = None,
        listen_port: int = 0,
        jitter_s: float = 0.0,
        loss: float = 0.0,
    ) -> None:
        if not delay_s >= 0:
            raise ValueError(f"delay_s must be at least 0, got {delay_s}")
        disturbance = Disturbance(jitter_s, loss)
        command = [sys.executable, "-m", "cutpoint.lab.proxy"]
        command += ["--target", target, "--listen", str(listen_port)]
        command += ["--delay", duration_text(delay_s)]
        command += ["--up", rate_text(up_bytes_per_s)]
        command += ["--down", rate_text(down_bytes_per_s)]
        command += ["--jitter", duration_text(disturbance.jitter_s)]
        command += ["--loss", f"{disturbance.loss:.6f}"]
        super().__init__(command)
