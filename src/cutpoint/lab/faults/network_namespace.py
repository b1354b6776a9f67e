"""A second host on this machine: a network namespace, and a cable that can be pulled."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_SUBNET = "10.77.86"
"""Private and seldom used; the cable's ends are .1 (here) and .2 (there)."""


@dataclass(frozen=True)
class Namespace:
    """
    The other host.

    Parameters
    ----------
    name
        Of the namespace.
    cable
        Name of the cable's end there.
    """

    name: str
    cable: str

    @property
    def host(self) -> str:
        """Its address."""
        return f"{_SUBNET}.2"

    @property
    def prefix(self) -> tuple[str, ...]:
        """What a command line begins with to be run there."""
        return ("ip", "netns", "exec", self.name)

    def pull(self) -> None:
        """Pull the cable there: packets vanish, and nobody is told."""
        _ip("-n", self.name, "link", "set", self.cable, "down")

    def plug(self) -> None:
        """Plug it in again."""
        _ip("-n", self.name, "link", "set", self.cable, "up")


def can_make_namespaces() -> bool:
    """Tell whether this process may make network namespaces, by making one."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = f"cutpoint-try-{os.getpid()}"
    try:
        _ip("netns", "add", name)
        _ip("netns", "delete", name)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


@contextmanager
def network_namespace() -> Iterator[Namespace]:
    """
    Give another host, and remove it again.

    Raises
    ------
    subprocess.CalledProcessError
        If it cannot be made; `can_make_namespaces` tells beforehand.
    """
    name, here, there = f"cutpoint-{os.getpid()}", f"cph{os.getpid()}", f"cpt{os.getpid()}"
    _ip("netns", "add", name)
    try:
        _ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
        _ip("address", "add", f"{_SUBNET}.1/24", "dev", here)
        _ip("-n", name, "address", "add", f"{_SUBNET}.2/24", "dev", there)
        _ip("link", "set", here, "up")
        _ip("-n", name, "link", "set", there, "up")
        _ip("-n", name, "link", "set", "lo", "up")
        yield Namespace(name, there)
    finally:
        _ip("netns", "delete", name)  # the cable goes with its end


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)
