"""What a source of load is told, and what it tells."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class GivenInput:
    """
    One input of the model that is asked for.

    Parameters
    ----------
    name, dims
        Name and shape.
    dtype
        NumPy's name of its element type.
    """

    name: str
    dims: tuple[int, ...]
    dtype: str = "float32"


@dataclass(frozen=True)
class Target:
    """
    Whom to ask for what.

    Parameters
    ----------
    addresses
        Of servers, in order of preference.
    model
        Name there.
    sha256
        Of its file.
    input, dims
        Name and shape of its first input.
    num_connections
        To each server.
    dtype
        NumPy's name of that input's element type.
    others
        Its other inputs.
    """

    addresses: tuple[str, ...]
    model: str
    sha256: str
    input: str
    dims: tuple[int, ...]
    num_connections: int = 4
    dtype: str = "float32"
    others: tuple[GivenInput, ...] = ()

    @property
    def inputs(self) -> tuple[GivenInput, ...]:
        """All of them."""
        return (GivenInput(self.input, self.dims, self.dtype), *self.others)


@dataclass(frozen=True)
class LoadOrder:
    """
    How to ask.

    Parameters
    ----------
    duration_s
        New requests are made for so long.
    deadline_s
        An answer is of use so long after its request was due.
    rate_per_s
        Requests of a Poisson process; they are made whether others are answered or not.
    num_at_once
        So many are under way at any time instead, the next when one ends; 0 for a rate.
    retry_ratio
        Extra attempts per request, at the next server.
    seed
        Of the arrivals.
    """

    duration_s: float
    deadline_s: float
    rate_per_s: float = 1.0
    num_at_once: int = 0
    retry_ratio: float = 0.1
    seed: int = 0


@dataclass
class Load:
    """
    What came of it.

    Parameters
    ----------
    num_requests, num_attempts
        Made; an attempt is a request that was sent to one server.
    num_late, num_failed, num_hints
        Without an answer in time; with an error; refusals that said when to come back.
    answered_s
        From when each request was due to its answer, of those answered in time.
    rejected_s
        From the sending to the refusal, of each attempt that was refused.
    lag_s
        How much later than due each request was made: the source's own fault.
    """

    num_requests: int = 0
    num_attempts: int = 0
    num_late: int = 0
    num_failed: int = 0
    num_hints: int = 0
    answered_s: list[float] = field(default_factory=list)
    rejected_s: list[float] = field(default_factory=list)
    lag_s: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class LoadWord:
    """
    What a source of changing load is told, a line each; exactly one is given.

    Parameters
    ----------
    rate_per_s
        Requests per second from now on; it says nothing to that.
    order
        To be carried out beside that; answered by what came of it.
    asks
        What came of all requests at a rate so far is wanted.
    """

    rate_per_s: float | None = None
    order: LoadOrder | None = None
    asks: bool = False
