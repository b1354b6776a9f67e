"""What a server that is not ours was found to hold, as tables and transports see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cutpoint.client.decoding import Decoding
from cutpoint.client.foreign_tail import ForeignTail
from cutpoint.cost import CodecSpeed, HostCosts
from cutpoint.graph import SERVER_ONLY, Sizes
from cutpoint.records import RAW


@dataclass(frozen=True)
class ForeignHoldings:
    """
    The whole model, and tails that were checked.

    Parameters
    ----------
    whole_s
        What the whole model takes there when idle.
    sizes
        Of the model's open dimensions that times hold for.
    tails
        By their name at the server.
    tail_s
        What each takes there when idle, decoding included, by name.
    """

    whole_s: float = 0.0
    sizes: Sizes = field(default_factory=dict)
    tails: Mapping[str, ForeignTail] = field(default_factory=dict)
    tail_s: Mapping[str, float] = field(default_factory=dict)

    def with_tail(self, tail: ForeignTail, tail_s: float) -> "ForeignHoldings":
        """Give what it is with one more."""
        return replace(
            self,
            tails={**self.tails, tail.name: tail},
            tail_s={**self.tail_s, tail.name: tail_s},
        )

    def without(self, name: str) -> "ForeignHoldings":
        """Give what it is with one less."""
        return replace(
            self, tails={each: tail for each, tail in self.tails.items() if each != name}
        )

    @property
    def cut_ids(self) -> frozenset[str]:
        """Cuts that are offloaded to in some way."""
        return frozenset({SERVER_ONLY, *(tail.cut.id for tail in self.tails.values())})

    @property
    def costs(self) -> HostCosts:
        """Times by cut; of several tails behind one the longest, for one number stands for all."""
        tail_s = {SERVER_ONLY: self.whole_s}
        for name, tail in self.tails.items():
            tail_s[tail.cut.id] = max(tail_s.get(tail.cut.id, 0.0), self.tail_s[name])
        return HostCosts(self.whole_s, {}, tail_s, frozenset(tail_s), self.sizes)

    @property
    def decoding(self) -> Decoding:
        """Codecs of the tails; each decodes by itself, so that takes no time of its own."""
        rows = {(SERVER_ONLY, RAW), *(tail.row for tail in self.tails.values())}
        codecs = {codec for _, codec in rows}
        lacks = {(cut, codec) for cut in self.cut_ids for codec in codecs} - rows
        named = frozenset(codecs - {RAW})
        return Decoding(named, dict.fromkeys(named, CodecSpeed()), frozenset(lacks))
