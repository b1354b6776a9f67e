"""What can happen to an inference; every event carries its own time."""

from dataclasses import dataclass


@dataclass(frozen=True)
class HeadDone:
    """
    The head has run on the device and its crossing values are encoded.

    Parameters
    ----------
    at_s
        Now, on the session's clock.
    head_s, encode_s
        What each took.
    """

    at_s: float
    head_s: float
    encode_s: float = 0.0


@dataclass(frozen=True)
class Uploaded:
    """
    The last byte has reached the server.

    Parameters
    ----------
    upload_s
        First byte handed to the link -> last byte at the server.
    """

    at_s: float
    upload_s: float


@dataclass(frozen=True)
class Answered:
    """
    The outputs of the tail have arrived.

    Parameters
    ----------
    wait_s, tail_s
        As the server reports them, by its own clock.
    """

    at_s: float
    wait_s: float
    tail_s: float


@dataclass(frozen=True)
class OffloadFailed:
    """
    The server will not answer.

    Parameters
    ----------
    reason
        What happened, for people: ends in the record.
    """

    at_s: float
    reason: str


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
    """

    at_s: float
    tail_s: float


Event = HeadDone | Uploaded | Answered | OffloadFailed | PatienceEnded | TailDone
