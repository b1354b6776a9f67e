"""The names tails are served under: the same on every host, whatever its runtime."""

from dataclasses import dataclass

DIGITS = 12
"""Of the model file's digest in a name."""


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
