"""Real servers that die, freeze, slow down and change; links that fail."""

from collections.abc import Iterator

import pytest

from cutpoint.lab.fork_server import ForkServer


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """Give what starts servers in a fraction of a second."""
    with ForkServer() as server:
        yield server
