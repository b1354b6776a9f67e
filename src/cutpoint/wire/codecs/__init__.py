"""HOW a value travels: one codec per file, found by name."""

from cutpoint.wire.codecs.codec import Buffer, Codec

__all__ = ["Buffer", "Codec"]
