"""What one server makes of encoded values: the codecs it knows, and how fast it is at them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cutpoint.cost import CodecSpeed
from cutpoint.wire.codecs import decodes


@dataclass(frozen=True)
class Decoding:
    """
    What a server told of itself; nothing before it did.

    Parameters
    ----------
    codecs
        Names of those it decodes, without their settings: ``jpeg`` is of any quality.
    speeds
        Of decoding on it when idle, by codec.
    lacks
        Pairs of a cut's id and a codec that it does not take, though it has the tail and
        knows the codec; a pair with raw may be among them.
    """

    codecs: frozenset[str] = frozenset()
    speeds: Mapping[str, CodecSpeed] = field(default_factory=dict)
    lacks: frozenset[tuple[str, str]] = frozenset()

    def takes(self, codec: str) -> bool:
        """Tell whether it decodes what a codec makes, whatever its settings."""
        return decodes(self.codecs, codec)

    def speed(self, codec: str) -> CodecSpeed | None:
        """Give its speed at a codec, at another quality of it where it was not timed at this."""
        exact = self.speeds.get(codec)
        if exact is not None:
            return exact
        alike = (name for name in self.speeds if _family(name) == _family(codec))
        return next((self.speeds[name] for name in alike), None)


def _family(codec: str) -> str:
    return codec.partition(":")[0]


NO_DECODING = Decoding()
"""A server that takes raw values alone."""
