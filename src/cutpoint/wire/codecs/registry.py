"""Every codec by its name, and which of them work here."""

import re
from collections.abc import Callable, Container, Iterable, Mapping
from functools import cache

from cutpoint.exceptions import CodecError
from cutpoint.records import RAW
from cutpoint.wire.codecs import compression, picture
from cutpoint.wire.codecs.codec import Codec
from cutpoint.wire.codecs.compressed import Compressed, CompressedAffine
from cutpoint.wire.codecs.float16 import Float16
from cutpoint.wire.codecs.jpeg import Jpeg
from cutpoint.wire.codecs.narrow import Narrow
from cutpoint.wire.codecs.png import Png
from cutpoint.wire.codecs.quantiser import Quantiser
from cutpoint.wire.codecs.raw import Raw
from cutpoint.wire.codecs.uint4 import Uint4
from cutpoint.wire.codecs.uint8 import Uint8
from cutpoint.wire.codecs.uint8_channel import Uint8Channel
from cutpoint.wire.codecs.uint16 import Uint16
from cutpoint.wire.codecs.webp import Webp
from cutpoint.wire.names import shown
from cutpoint.wire.tensors import TensorSpec

_Make = Callable[[Quantiser | None], Codec]

_PLAIN: Mapping[str, _Make] = {
    RAW: lambda _: Raw(),
    "float16": Float16,
    "uint8": lambda quantiser: Uint8(quantiser=quantiser),
    "uint8-channel": lambda _: Uint8Channel(),
    "uint16": lambda _: Uint16(),
}
_ZSTANDARD: Mapping[str, _Make] = {
    "zstd": lambda _: Compressed("zstd", Raw()),
    "narrow": lambda _: Narrow(),
    "uint8+zstd": lambda quantiser: CompressedAffine("uint8+zstd", Uint8(quantiser=quantiser)),
    "uint8-channel+zstd": lambda _: Compressed("uint8-channel+zstd", Uint8Channel()),
    "uint4+zstd": lambda _: CompressedAffine("uint4+zstd", Uint4()),
}
_PILLOW: Mapping[str, Callable[[], Codec]] = {"png": Png, "jpeg": Jpeg, "webp": Webp}
_WITH_QUALITY: Mapping[str, Callable[[int], Codec]] = {"jpeg": Jpeg, "webp": Webp}

_QUALITY = re.compile(r"(jpeg|webp):([1-9][0-9]?|100)")

LOSSLESS = (RAW, "zstd", "narrow", "png")
"""Codecs that give every bit back."""

LOSSY = (
    "float16", "uint8", "uint8+zstd", "uint8-channel", "uint8-channel+zstd", "uint4+zstd",
    "uint16", "jpeg", "webp",
)  # fmt: skip
"""Codecs that do not; ``jpeg`` and ``webp`` may name a quality: ``jpeg:75``."""


@cache
def codec_named(name: str, quantiser: Quantiser | None = None) -> Codec:
    """
    Give a codec.

    Parameters
    ----------
    name
        One of `LOSSLESS` and `LOSSY`; of ``jpeg`` and ``webp`` with a quality from 1 to 100.
    quantiser
        Does the arithmetic of those that know it where it is faster than NumPy; the bytes have
        the same meaning either way.

    Raises
    ------
    CodecError
        If there is none of this name, or what it needs is not installed.
    """
    if name in _PLAIN:
        return _PLAIN[name](quantiser)
    if name in _ZSTANDARD:
        compression.zstandard_module()
        return _ZSTANDARD[name](quantiser)
    if name in _PILLOW:
        picture.image_module()
        return _PILLOW[name]()
    if found := _QUALITY.fullmatch(name):
        picture.image_module()
        return _WITH_QUALITY[found[1]](int(found[2]))
    raise CodecError(
        f"no codec {shown(name)}: there are {', '.join((*LOSSLESS, *LOSSY))}; jpeg and webp may "
        "have a quality, such as jpeg:90"
    )


def available_codecs() -> tuple[str, ...]:
    """Name the codecs whose libraries are installed here; a quality is any."""
    zstandard = _ZSTANDARD if compression.is_installed() else ()
    pillow = _PILLOW if picture.is_installed() else ()
    return (*_PLAIN, *zstandard, *pillow)


def family_of(name: str) -> str:
    """Give a codec's name without its settings: ``jpeg`` of ``jpeg:90``."""
    return name.partition(":")[0]


def decodes(names: Container[str], name: str) -> bool:
    """
    Tell whether a host that named the codecs available to it can decode one.

    Parameters
    ----------
    names
        What the host named.
    name
        Of the codec, with its settings.
    """
    return name in names or (_QUALITY.fullmatch(name) is not None and family_of(name) in names)


def codecs_for(spec: TensorSpec, names: Iterable[str]) -> tuple[Codec, ...]:
    """
    Give those of some codecs that can carry a tensor.

    Raises
    ------
    CodecError
        If one is unknown or not installed.
    """
    return tuple(codec for codec in map(codec_named, names) if codec.takes(spec))
