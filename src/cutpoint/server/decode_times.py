"""What decoding takes on the idle server."""

import logging
from collections.abc import Iterable, Sequence

from cutpoint.cost import CodecSpeed, codec_speeds
from cutpoint.execution import Segments
from cutpoint.execution.file_cache import FileCache
from cutpoint.graph import Arrays, Cut, sample_feed
from cutpoint.profiling.kept_codec_times import codec_times_or_recall, values_to_time
from cutpoint.profiling.made_up_values import with_pictures
from cutpoint.records import Sample, SampleKind
from cutpoint.server.known_codecs import KnownCodecs
from cutpoint.wire.codecs import family_of
from cutpoint.wire.undecoded import Undecoded

_log = logging.getLogger(__name__)

_WANTED: tuple[SampleKind, ...] = ("decode",)


class DecodeTimes:
    """
    Tells how long requests that come encoded are decoded.

    Parameters
    ----------
    samples
        As they were timed; those of encoding are passed over.
    """

    def __init__(self, samples: Iterable[Sample] = ()) -> None:
        self.samples: Sequence[Sample] = tuple(each for each in samples if each.kind == "decode")
        self._speeds = codec_speeds(self.samples, "decode")
        self._by_family = {family_of(name): speed for name, speed in self._speeds.items()}

    def __repr__(self) -> str:
        return f"<DecodeTimes of {', '.join(self._speeds) or 'nothing'}>"

    def time_s(self, undecoded: Iterable[Undecoded]) -> float:
        """
        Give what decoding takes.

        Pictures take what was timed at another quality; of codecs that were not timed at all
        nothing is known.
        """
        speeds = ((each, self._speed_of(each.codec.name)) for each in undecoded)
        return sum(
            speed.time_s(each.raw_bytes, each.encoded_bytes)
            for each, speed in speeds
            if speed is not None
        )

    def _speed_of(self, codec: str) -> CodecSpeed | None:
        exact = self._speeds.get(codec)
        return self._by_family.get(family_of(codec)) if exact is None else exact


def timed_decoding(
    segments: Segments,
    cuts: Iterable[Cut],
    example: Arrays | None,
    codecs: KnownCodecs | None,
    cache: FileCache | None,
) -> DecodeTimes:
    """
    Time codecs on inputs and crossing values of one run of a model.

    Parameters
    ----------
    segments
        Of the model.
    cuts
        Whose values are taken.
    example
        Inputs; made up by default.
    codecs
        To be timed; ``None`` for none.
    cache
        Where times are kept between starts; ``None`` takes them each time.
    """
    if codecs is None:
        return DecodeTimes()
    feed = example or sample_feed(segments.graph)
    values = segments.run(segments.segments, feed).values
    names = dict.fromkeys(name for cut in cuts for name in cut.crossing)
    inputs = feed.values() if example else with_pictures(feed.values())
    chosen = values_to_time([*inputs, *(values[name] for name in names)])
    try:
        return DecodeTimes(codec_times_or_recall(codecs.each(), chosen, cache, kinds=_WANTED))
    except Exception:  # the model is as good without: what is not known is taken for nothing
        _log.exception("the codecs could not be timed on values of %s", segments.graph.name)
        return DecodeTimes()
