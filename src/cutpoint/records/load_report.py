"""What a server told of its load, at a time."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LoadReport:
    """
    A server's word on its load, with an answer or a poll.

    What is not told is ``None``; what was told and cannot be true was never made a report.

    Parameters
    ----------
    at_s
        When it arrived, on the session's clock: the server's own clock is used for nothing but
        `age_s`.
    age_s
        How old the figures were when they left the server, by its clock.
    wait_s
        ``W``, mean wait of the latest requests in its queue.
    slowdown
        ``k``, execution time / idle execution time of the latest requests.
    execution_s
        Pairs ``(batch size, E)``: mean execution time of the model asked, ascending by batch.
    batch
        Requests that ran as one, on average.
    num_pending
        Requests in its queue now.
    is_polled
        Whether it was asked for, rather than riding on an answer.
    """

    at_s: float
    age_s: float = 0.0
    wait_s: float | None = None
    slowdown: float | None = None
    execution_s: tuple[tuple[int, float], ...] = ()
    batch: float | None = None
    num_pending: int | None = None
    is_polled: bool = False
