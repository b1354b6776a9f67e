"""What can happen to an inference; every event carries its own time."""

from dataclasses import dataclass


@dataclass(frozen=True)
class HeadDone:
    """
    The head has run on the device; what crosses may be encoded already.

    Parameters
    ----------
    at_s
        Now, on the session's clock.
    head_s, encode_s
        What each took; what is encoded while it is sent ends with `EncodeDone`.
    cpu_s, stretched_s
        Of the head, as `cutpoint.records.LegRun` has them.
    """

    at_s: float
    head_s: float
    encode_s: float = 0.0
    cpu_s: float | None = None
    stretched_s: float = 0.0


@dataclass(frozen=True)
class EncodeDone:
    """
    The last byte that crosses is encoded; those before it may have left meanwhile.

    Parameters
    ----------
    sending_s
        How long bytes have been on their way already.
    """

    at_s: float
    sending_s: float = 0.0


@dataclass(frozen=True)
class Uploaded:
    """
    The last byte has reached the server.

    Parameters
    ----------
    upload_s
        First byte handed to the link -> last byte at the server.
    is_running
        Whether the server began to compute at once; else the request is in its queue.
    """

    at_s: float
    upload_s: float
    is_running: bool = False


@dataclass(frozen=True)
class UploadLags:
    """
    The upload is under way and does not keep up.

    Parameters
    ----------
    remaining_s
        What is left of it will take at least this long at the rate now seen.
    """

    at_s: float
    remaining_s: float


@dataclass(frozen=True)
class Started:
    """The server has taken the request out of its queue and begun to compute."""

    at_s: float


@dataclass(frozen=True)
class Replying:
    """The first piece of the answer has arrived, and more are to come."""

    at_s: float


@dataclass(frozen=True)
class Answered:
    """
    The outputs of the tail have arrived.

    Parameters
    ----------
    wait_s, tail_s, decode_s
        As the server reports them, by its own clock; decoding is no part of the tail.
    cpu_s
        CPU time of tail and decoding; ``None`` where the server does not tell.
    """

    at_s: float
    wait_s: float
    tail_s: float
    decode_s: float = 0.0
    cpu_s: float | None = None


@dataclass(frozen=True)
class Retry:
    """
    Another server that may be tried.

    Parameters
    ----------
    server
        Its address.
    patience_s
        How long to wait for it, from the moment the sending begins anew.
    """

    server: str
    patience_s: float


@dataclass(frozen=True)
class OffloadFailed:
    """
    The server will not answer.

    Parameters
    ----------
    reason
        What happened, for people: ends in the record.
    retry
        Another server to try; ``None`` where there is none, or it would be of no use.
    is_unsent
        Whether nothing of the request had left the device.
    """

    at_s: float
    reason: str
    retry: Retry | None = None
    is_unsent: bool = False


@dataclass(frozen=True)
class PatienceEnded:
    """The time the device is willing to wait for the server has passed."""

    at_s: float


@dataclass(frozen=True)
class TailDone:
    """
    The device has finished the tail by itself.

    Parameters
    ----------
    tail_s
        What it took.
    cpu_s, stretched_s
        Of that, as `cutpoint.records.LegRun` has them.
    """

    at_s: float
    tail_s: float
    cpu_s: float | None = None
    stretched_s: float = 0.0


Event = (
    HeadDone
    | EncodeDone
    | Uploaded
    | UploadLags
    | Started
    | Replying
    | Answered
    | OffloadFailed
    | PatienceEnded
    | TailDone
)
