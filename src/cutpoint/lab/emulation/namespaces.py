"""A second host on this machine, with a wire to it that can be made slow."""

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cutpoint.exceptions import ConfigurationError

_TIMEOUT_S = 20.0
_NUMBERS = itertools.count()


@dataclass(frozen=True)
class FarHost:
    """
    A network namespace of its own, joined to this one by two devices.

    Parameters
    ----------
    name
        Of the namespace.
    near_device, far_device
        The wire's end here, and there.
    near_address, far_address
        IPv4 addresses of the two ends.
    """

    name: str
    near_device: str
    far_device: str
    near_address: str
    far_address: str

    @property
    def prefix(self) -> tuple[str, ...]:
        """What a command line begins with to be run there."""
        return ("ip", "netns", "exec", self.name)

    def join(self) -> None:
        """Move the far device over, and give both ends their addresses."""
        ip("link", "set", self.far_device, "netns", self.name)
        there = ("-n", self.name)
        for where, device, address in (
            ((), self.near_device, self.near_address),
            (there, self.far_device, self.far_address),
        ):
            ip(*where, "address", "add", f"{address}/30", "dev", device)
            ip(*where, "link", "set", device, "up")


def why_no_namespaces() -> str:
    """Tell what is missing for links between namespaces; empty if nothing is, by making one."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "links between namespaces need root"
    missing = [tool for tool in ("ip", "tc") if shutil.which(tool) is None]
    if missing:
        return f"links between namespaces need the tool {missing[0]!r} (iproute2)"
    try:
        with far_host():
            return ""
    except (OSError, ConfigurationError) as error:
        return f"this machine makes no namespaces: {error}"


@contextmanager
def far_host() -> Iterator[FarHost]:
    """
    Make a namespace, with names and addresses for a wire to it; remove it at the end.

    Raises
    ------
    ConfigurationError
        If it cannot be made.
    """
    number = next(_NUMBERS)
    place = (os.getpid() * 4 + number) % 2**14
    subnet = f"10.78.{place >> 6}.{(place & 63) * 4}"
    first, last = subnet.rsplit(".", 1)
    tag = f"{os.getpid()}x{number}"
    host = FarHost(
        f"cutpoint-{tag}",
        f"cpn{tag}",
        f"cpf{tag}",
        f"{first}.{int(last) + 1}",
        f"{first}.{int(last) + 2}",
    )
    ip("netns", "add", host.name)
    try:
        ip("-n", host.name, "link", "set", "lo", "up")
        yield host
    finally:
        ip("netns", "delete", host.name)


def ip(*words: str) -> None:
    """
    Run ``ip``.

    Raises
    ------
    ConfigurationError
        If it fails, with what it said.
    """
    run_tool("ip", *words)


def run_tool(*words: str) -> None:
    """
    Run a tool of iproute2.

    Raises
    ------
    ConfigurationError
        If it is not there or fails, with what it said.
    """
    try:
        subprocess.run(words, check=True, capture_output=True, text=True, timeout=_TIMEOUT_S)
    except FileNotFoundError as error:
        raise ConfigurationError(f"there is no {words[0]!r} here: install iproute2") from error
    except subprocess.CalledProcessError as error:
        raise ConfigurationError(
            f"{' '.join(words)!r} failed: {str(error.stderr).strip()}; links between namespaces "
            "need root"
        ) from error
