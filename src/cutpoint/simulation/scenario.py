"""What is simulated: devices, servers, and who else uses them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from cutpoint.cost import CutTable, PowerProfile
from cutpoint.exceptions import ConfigurationError
from cutpoint.planning import LATENCY, Objective
from cutpoint.policies import Hedge, Policy
from cutpoint.records import Conditions
from cutpoint.simulation.world import World


@dataclass(frozen=True)
class ClosedLoop:
    """
    The next inference begins when the one before has ended.

    Parameters
    ----------
    pause_s
        Between them.
    """

    pause_s: float = 0.0


@dataclass(frozen=True)
class Periodic:
    """
    Inputs come at a fixed pace, as from a camera.

    Parameters
    ----------
    period_s
        Between two.
    first_s
        When the first one comes.
    """

    period_s: float
    first_s: float = 0.0


@dataclass(frozen=True)
class Poisson:
    """
    Inputs come at random, independently of each other.

    Parameters
    ----------
    rate_per_s
        On average.
    """

    rate_per_s: float


Arrivals = ClosedLoop | Periodic | Poisson


@dataclass(frozen=True)
class DeviceSpec:
    """
    A device and its session.

    Parameters
    ----------
    name
        By which its records are found.
    policy
        Of this device alone: it remembers. One that cuts at values by name has been asked for
        its candidates before, as a session does.
    table
        What it decides among.
    world
        Its link and its speed; the load is what its requests meet at the server beside the
        queue that is simulated.
    arrivals
        When its inferences begin; what comes while it computes waits.
    server
        Name of the one that it uses.
    link
        Devices that name the same one share its rate, which is that of the first of them;
        ``None`` for one of its own.
    deadline_s
        Wanted latency.
    num_inferences
        After which it rests.
    objective
        What its policy is to make small.
    power
        What it draws, if its joules are to be counted.
    hedge
        When it computes on after sending.
    sending_slowdown
        Times which it computes for longer while it sends.
    believes
        Gives what it is told at a time, in place of its estimators; whether the server can be
        used, it finds out by itself all the same.
    """

    name: str
    policy: Policy
    table: CutTable
    world: World
    arrivals: Arrivals = ClosedLoop()
    server: str = "edge"
    link: str | None = None
    deadline_s: float | None = None
    num_inferences: int | None = None
    objective: Objective = LATENCY
    power: PowerProfile | None = None
    hedge: Hedge = "off"
    sending_slowdown: float = 1.0
    believes: Callable[[float], Conditions] | None = None


@dataclass(frozen=True)
class ServerSpec:
    """
    A server: workers behind one bounded queue.

    Parameters
    ----------
    name
        By which devices find it.
    num_workers
        Requests that run at the same time.
    max_waiting
        Requests that may wait; one more is refused. ``None`` for twice the workers.
    down
        Pairs ``(from_s, to_s)``: its process is dead, which its connections notice at once.
    """

    name: str = "edge"
    num_workers: int = 1
    max_waiting: int | None = None
    down: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class BackgroundSpec:
    """
    Requests of others, which come at random and whatever the server does (open loop).

    Parameters
    ----------
    server
        Who serves them.
    rate_per_s
        On average.
    service_s
        What each takes.
    from_s, to_s
        When they come.
    """

    server: str
    rate_per_s: float
    service_s: float
    from_s: float = 0.0
    to_s: float = inf


@dataclass(frozen=True)
class Scenario:
    """
    Everything that is simulated together.

    Raises
    ------
    ConfigurationError
        If two devices or two servers have one name, or a server that is named is not there.
    """

    devices: tuple[DeviceSpec, ...]
    servers: tuple[ServerSpec, ...] = (ServerSpec(),)
    background: tuple[BackgroundSpec, ...] = ()

    def __post_init__(self) -> None:
        _check_distinct("device", [device.name for device in self.devices])
        _check_distinct("server", [server.name for server in self.servers])
        known = {server.name for server in self.servers}
        for user, name in (
            *((f"device {device.name!r}", device.server) for device in self.devices),
            *(("background load", load.server) for load in self.background),
        ):
            if name not in known:
                raise ConfigurationError(
                    f"{user} uses server {name!r}, which the scenario does not have: it has "
                    f"{', '.join(sorted(known)) or 'none'}"
                )


def _check_distinct(kind: str, names: Sequence[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(f"two {kind}s of a scenario are called {twice!r}: rename one")
