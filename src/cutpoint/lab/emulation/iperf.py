"""What iperf3, a tool that is not ours, says a link delivers."""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cutpoint.exceptions import ConfigurationError
from cutpoint.lab.link_process import LinkProcess

_BLOCK = "100K"
"""Written at once: the smallest tensor that a claim is about."""

_WINDOW = "64K"
"""Socket buffers: what waits in the kernel when the time is up is not counted as received."""

_MORE_S = 30.0
_BITS_PER_BYTE = 8


@dataclass(frozen=True)
class IperfRun:
    """
    What the receiver counted.

    Parameters
    ----------
    asked_bytes_per_s, got_bytes_per_s
        The link's rate, and what arrived.
    size_bytes
        How much that was.
    """

    asked_bytes_per_s: float
    got_bytes_per_s: float
    size_bytes: int

    @property
    def error(self) -> float:
        """What arrived / what was asked, minus one."""
        return self.got_bytes_per_s / self.asked_bytes_per_s - 1


def find_iperf() -> str | None:
    """Tell where iperf3 is, if it is."""
    return shutil.which("iperf3")


def iperf_over(link_bytes_per_s: float, duration_s: float, program: str) -> IperfRun:
    """
    Send over the link in user space for a time, in blocks of 100 KB, without a delay.

    Parameters
    ----------
    link_bytes_per_s
        Rate of the link.
    duration_s
        How long it is kept busy. By ``iperf3 -n`` a test ends when the *sender's* kernel has taken
        the last byte, a second or more before the link has carried it; so it is by time, and
        the receiver's count that is read.
    program
        Path of iperf3.

    Raises
    ------
    ConfigurationError
        If the program does not run, or says something else.
    """
    with (
        _server(program) as port,
        LinkProcess(f"127.0.0.1:{port}", up_bytes_per_s=link_bytes_per_s) as link,
    ):
        host, link_port = link.address.split(":")
        command = [program, "-c", host, "-p", link_port, "-t", f"{duration_s:.0f}", "-J"]
        command += ["-l", _BLOCK, "-w", _WINDOW]
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=duration_s + _MORE_S, check=False
        )
    try:
        received = json.loads(ended.stdout)["end"]["sum_received"]
        got_bytes_per_s = received["bits_per_second"] / _BITS_PER_BYTE
        return IperfRun(link_bytes_per_s, got_bytes_per_s, int(received["bytes"]))
    except (ValueError, KeyError) as error:
        raise ConfigurationError(
            f"{program!r} gave no result: {(ended.stdout + ended.stderr)[-300:]!r}"
        ) from error


@contextmanager
def _server(program: str) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = int(found.getsockname()[1])
    command = [program, "-s", "-B", "127.0.0.1", "-p", str(port), "--forceflush"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if "listening" in line:
                    break
            else:
                raise ConfigurationError(f"{program!r} does not serve at port {port}")
            yield port
        finally:
            process.terminate()
