"""The codecs that a server decodes: those that are installed, or fewer as it is told."""

from collections.abc import Iterable

from cutpoint.exceptions import CodecError, ConfigurationError
from cutpoint.execution.quantiser import runtime_quantiser
from cutpoint.records import RAW
from cutpoint.wire.codecs import Codec, available_codecs, codec_named, decodes
from cutpoint.wire.names import shown


class KnownCodecs:
    """
    Gives codecs by name.

    Parameters
    ----------
    names
        Those that are wanted; ``None`` takes all that are installed.

    Raises
    ------
    ConfigurationError
        If one is unknown, or not installed.
    """

    def __init__(self, names: Iterable[str] | None = None) -> None:
        if names is None:
            self.names = tuple(name for name in available_codecs() if name != RAW)
            return
        self.names = tuple(dict.fromkeys(name for name in names if name != RAW))
        try:
            tuple(map(codec_named, self.names))
        except CodecError as error:
            raise ConfigurationError(str(error)) from error

    def __repr__(self) -> str:
        return f"<KnownCodecs {', '.join(self.names) or 'none'}>"

    def named(self, name: str) -> Codec:
        """
        Give a codec.

        Raises
        ------
        CodecError
            If it is none that is decoded here.
        """
        if not decodes(self.names, name):
            raise CodecError(
                f"no codec {shown(name)} is decoded here: there are {', '.join(self.names) or RAW}"
            )
        return codec_named(name, runtime_quantiser())

    def each(self) -> tuple[Codec, ...]:
        """Give every codec, pictures of their usual quality."""
        return tuple(codec_named(name, runtime_quantiser()) for name in self.names)
