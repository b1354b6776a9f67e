"""What an inference asks for; the client or the simulator carries it out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RunHead:
    """Run the nodes before the cut; all of them for device-only."""


@dataclass(frozen=True)
class Send:
    """
    Encode the crossing values and send them to the server.

    Parameters
    ----------
    patience_s
        How long to wait for the answer before telling `PatienceEnded`, from when all is encoded.
    server
        Address of another server than the planned one; ``None`` for the planned one.
    """

    patience_s: float
    server: str | None = None


@dataclass(frozen=True)
class Cancel:
    """
    Tell the server asked last to drop the request, and drop what is still to be sent.

    Parameters
    ----------
    is_late
        Whether it should have answered by now: that it did not, tells something of it.
    """

    is_late: bool = True


@dataclass(frozen=True)
class RunTail:
    """
    Run the nodes behind the cut on the device, from the values it still holds.

    Asked for together with `Send` it is a race: it begins when all is encoded, and the server's
    events go on coming in meanwhile.
    """


@dataclass(frozen=True)
class StopTail:
    """Call off the tail that the device computes: the server was first."""


@dataclass(frozen=True)
class Deliver:
    """
    Give the outputs to the caller.

    Parameters
    ----------
    from_server
        Whether they are the server's; else the device's own.
    """

    from_server: bool


Action = RunHead | Send | Cancel | RunTail | StopTail | Deliver
