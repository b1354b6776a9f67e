"""Connections that are opened anew by one thread while another closes them for good."""

import sys
from threading import Thread

from cutpoint.client.health import HealthCheck

_TURNS = 150


def main(address: str) -> None:
    """Do both at once, many times."""
    sys.setswitchinterval(1e-5)
    for _ in range(_TURNS):
        health = HealthCheck(address)
        thread = Thread(target=lambda opened=health: [opened.reopen() for _ in range(8)])
        thread.start()
        health.close()
        thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
