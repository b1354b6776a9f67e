"""The names tails are served under: the same on every host, whatever its runtime."""

from dataclasses import dataclass

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
    """

    model: str
    sha256: str
    cut: str

    def __str__(self) -> str:
        return f"{self.model}.{self.sha256[:DIGITS]}.{self.cut}"


def shown(name: str) -> str:
    """Quote a name that a peer sent, cut short where it is no name."""
    return repr(name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}...")
