"""The parts of one inference's latency; predicted and measured alike."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Parts:
    """
    Seconds of each part of one inference; they add up to its latency.

    Parameters
    ----------
    head_s
        The head on the device (all of the model when nothing is offloaded).
    encode_s
        Turning the crossing values into bytes, and before that files that were fed into pixels.
    upload_s
        First byte handed to the link -> last byte at the server.
    wait_s
        In the server's queue.
    tail_s
        The tail, where it ran: on the server, or on the device after a fallback.
    download_s
        End of the tail on the server -> outputs on the device.
    lost_s
        Spent on an offload that brought no answer, before the device went on alone.
    """

    head_s: float = 0.0
    encode_s: float = 0.0
    upload_s: float = 0.0
    wait_s: float = 0.0
    tail_s: float = 0.0
    download_s: float = 0.0
    lost_s: float = 0.0

    @property
    def latency_s(self) -> float:
        """Device input ready -> output ready."""
        return (  # written out: asked several times for every inference
            self.head_s
            + self.encode_s
            + self.upload_s
            + self.wait_s
            + self.tail_s
            + self.download_s
            + self.lost_s
        )
