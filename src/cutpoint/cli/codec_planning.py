"""Codecs for a plan: of what was calibrated, or of one run of the model here."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cutpoint.cli.first_run import first_run
from cutpoint.cli.plan_codecs import CodecsAsked, PlanCodecs
from cutpoint.client.codec_choice import codecs_named
from cutpoint.cost import CodecSpeed, Coding, codec_speeds
from cutpoint.cost.tolerance import L2, Tolerance, tolerance_named
from cutpoint.exceptions import CodecError
from cutpoint.execution.quantiser import runtime_quantiser
from cutpoint.graph import Arrays, Graph, checked_feed, sample_feed
from cutpoint.lab.activations import activations
from cutpoint.planning import graph_cuts
from cutpoint.profiling.calibration_file import check_calibration, load_calibration
from cutpoint.profiling.codec_times import time_codecs
from cutpoint.profiling.kept_codec_times import values_to_time
from cutpoint.records import Profile, Sample, SampleKind
from cutpoint.wire.codecs import Codec, codec_named, family_of
from cutpoint.wire.tensors import TensorSpec

_MOST_TIMED = 8
"""Values of one type that codecs are timed on, from the smallest to the largest."""

_MEASURE = f"{L2}:1"
"""In which errors are told where no tolerance says in which."""


class CodecPlanning:
    """
    Gives codecs for a graph, of what was calibrated or of one run of it here.

    Parameters
    ----------
    graph
        Every dimension bound.
    asked
        By the command line.
    feed
        Inputs to run it on; made up by default.

    Raises
    ------
    ProfileError
        If the calibration cannot be read, or is of another model.
    CodecError
        If a codec is asked for that the calibration does not know.
    FeedError
        If the model does not run on the inputs.
    """

    def __init__(self, graph: Graph, asked: CodecsAsked, feed: Arrays | None) -> None:
        self._graph = graph
        self._asked = asked
        self._is_made_up = feed is None
        self._calibration = (
            None if asked.calibration is None else load_calibration(asked.calibration)
        )
        if self._calibration is not None:
            check_calibration(self._calibration, graph)
        # By what a session encodes with: planning with slower arithmetic would choose otherwise.
        self._codecs = tuple(
            codec_named(codec.name, runtime_quantiser()) for codec in self._wanted()
        )
        self._values = self._crossing(feed) if self._codecs else {}
        self._useless = tuple(codec.name for codec in self._codecs if not self._takes_any(codec))
        self._codecs = tuple(each for each in self._codecs if each.name not in self._useless)

    def with_times(
        self, profile: Profile, kinds: tuple[SampleKind, ...] = ("encode", "decode")
    ) -> Profile:
        """
        Give a profile that says what each codec takes; where it does not, this machine does.

        Returns
        -------
        Profile
            The same object where nothing was missing.
        """
        known = {(sample.kind, family_of(sample.subject)) for sample in profile.samples}
        if all((kind, family_of(codec.name)) in known for codec in self._codecs for kind in kinds):
            return profile
        added = (
            each for each in self._samples if (each.kind, family_of(each.subject)) not in known
        )
        return replace(profile, samples=(*profile.samples, *added))

    @cached_property
    def _samples(self) -> tuple[Sample, ...]:
        values = values_to_time(self._values.values(), _MOST_TIMED)
        return time_codecs(self._codecs, values)

    def codecs(self, device: Profile, server: Profile) -> PlanCodecs:
        """
        Give the codecs for two hosts.

        Parameters
        ----------
        device, server
            Profiles of them, that say what encoding and decoding take.
        """
        encode = codec_speeds(device.samples, "encode")
        decode = codec_speeds(server.samples, "decode")
        codings = (self._coding(codec, encode, decode) for codec in self._codecs)
        judge = self._asked.tolerance or tolerance_named(_MEASURE)
        return PlanCodecs(
            tuple(coding for coding in codings if coding.sent_bytes),
            self._is_struck if self._is_judged else None,
            self._errors(judge),
            judge.name,
            self._notes(),
        )

    def _errors(self, judge: Tolerance) -> dict[tuple[str, str], float]:
        found: dict[tuple[str, str], float] = {}
        if self._calibration is not None:
            for row in self._calibration.rows:
                error = self._calibration.error(row.cut, row.codec, judge)
                if error is not None:
                    found[row.cut, row.codec] = error
        return found

    @property
    def _is_judged(self) -> bool:
        """Whether some rows may not be taken: who names a codec takes what it does."""
        return self._calibration is not None and not (
            self._asked.codecs is not None and self._asked.tolerance is None
        )

    def _is_struck(self, cut: str, codec: str) -> bool:
        found = self._calibration
        return found is not None and found.is_struck(cut, codec, self._asked.tolerance)

    def _wanted(self) -> tuple[Codec, ...]:
        asked, known = self._asked.codecs, self._calibration
        if known is None:
            return asked or ()
        if asked is None:
            return codecs_named(known.codecs) if known.codecs else ()
        for codec in asked:
            if codec.name not in known.codecs:
                raise CodecError(
                    f"codec {codec.name!r} was not calibrated for {known.model_name!r}, which was "
                    f"with {', '.join(known.codecs) or 'none'}: run `cutpoint calibrate` with "
                    f"--codec {codec.name}, or plan without --calibration"
                )
        return asked

    def _crossing(self, feed: Arrays | None) -> dict[str, NDArray[np.generic]]:
        """Run the model once; give what may be sent of it."""
        crossing = (name for cut in graph_cuts(self._graph) for name in cut.crossing)
        names = [
            name
            for name in dict.fromkeys((*self._graph.inputs, *crossing))
            if self._graph.may_cross(name)
        ]
        given = sample_feed(self._graph) if feed is None else checked_feed(self._graph, feed)
        found: dict[str, NDArray[np.generic]] = {}
        with first_run(feed):
            for _, values in activations(self._graph, [given], names):
                found.update(values)
        return found

    def _coding(
        self, codec: Codec, encode: Mapping[str, CodecSpeed], decode: Mapping[str, CodecSpeed]
    ) -> Coding:
        sent_bytes = self._sent_bytes(codec)
        raw_bytes = {name: float(self._graph.values[name].size_bytes) for name in sent_bytes}
        encode_s, decode_s = (
            {
                name: max(speed.time_s(raw_bytes[name], sent), 0.0)
                for name, sent in sent_bytes.items()
            }
            for speed in (_speed(encode, codec.name), _speed(decode, codec.name))
        )
        return Coding(codec.name, sent_bytes, encode_s, decode_s)

    def _takes_any(self, codec: Codec) -> bool:
        return any(codec.takes(TensorSpec.of(name, a)) for name, a in self._values.items())

    def _sent_bytes(self, codec: Codec) -> dict[str, float]:
        if self._calibration is not None:
            return self._calibration.sent_bytes(codec.name, self._graph)
        found = {}
        for name, array in self._values.items():
            if not codec.takes(TensorSpec.of(name, array)):
                continue
            try:
                found[name] = float(sum(len(memoryview(b).cast("B")) for b in codec.blocks(array)))
            except CodecError:
                continue  # such a value would travel raw
        return found

    def _notes(self) -> tuple[str, ...]:
        useless = [f"{name} takes none of this model's values" for name in self._useless]
        lossy = [codec.name for codec in self._codecs if not codec.is_lossless]
        if self._calibration is not None:
            if not lossy or not self._is_judged or self._asked.tolerance is not None:
                return tuple(useless)
            return (
                *useless,
                f"{', '.join(lossy)} {'are' if len(lossy) > 1 else 'is'} left out, for the outputs "
                "would change: --tolerance says how far they may",
            )
        notes = useless
        if self._is_made_up:
            notes.append(
                "what codecs make of values was seen on made-up inputs: real ones (--input, "
                "--calibration) are usually smaller when encoded"
            )
        if lossy:
            notes.append(
                f"what {', '.join(lossy)} {'do' if len(lossy) > 1 else 'does'} to the outputs is "
                "not known: `cutpoint calibrate` shows it, and --calibration takes it into account"
            )
        return tuple(notes)


def _speed(speeds: Mapping[str, CodecSpeed], name: str) -> CodecSpeed:
    """Give the speed of a codec, of another quality of it where it was not timed at this."""
    alike = (speed for each, speed in speeds.items() if family_of(each) == family_of(name))
    return speeds.get(name) or next(alike)
