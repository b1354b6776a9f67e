"""The names tails are served under: the same on every host, whatever its runtime."""

from dataclasses import dataclass

from cutpoint.records import RAW

DIGITS = 12
"""Of the model file's digest in a name."""

_LONGEST_SHOWN = 100
"""Characters of a name in a message: what to do comes behind it."""


@dataclass(frozen=True)
class TailName:
    """
    A tail as a model of the protocol.

    Parameters
    ----------
    model
        Name of the whole model.
    sha256
        Hex digest of the model file; its first 12 digits are in the name.
    cut
        Id of the cut.
    codec
        That the tail undoes by itself: it takes standard typed tensors then.
    """

    model: str
    sha256: str
    cut: str
    codec: str = RAW

    def __str__(self) -> str:
        name = f"{self.model}.{self.sha256[:DIGITS]}.{self.cut}"
        return name if self.codec == RAW else f"{name}.{self.codec}"


def shown(name: str) -> str:
    """Quote a name that a peer sent, cut short where it is no name."""
    return repr(name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}...")
