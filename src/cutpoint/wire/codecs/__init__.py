"""HOW a value travels: one codec per file, found by name."""

from cutpoint.records import RAW
from cutpoint.wire.codecs.codec import Buffer, Codec
from cutpoint.wire.codecs.quantiser import Quantiser
from cutpoint.wire.codecs.ranged import Ranged
from cutpoint.wire.codecs.registry import (
    LOSSLESS,
    LOSSY,
    available_codecs,
    codec_named,
    codecs_for,
    decodes,
    family_of,
)

__all__ = [
    "LOSSLESS",
    "LOSSY",
    "RAW",
    "Buffer",
    "Codec",
    "Quantiser",
    "Ranged",
    "available_codecs",
    "codec_named",
    "codecs_for",
    "decodes",
    "family_of",
]
