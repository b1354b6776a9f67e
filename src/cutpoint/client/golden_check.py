"""Whether a server that tells no digest holds this device's model: by its answer to one input."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutpoint.client.foreign_tail import ForeignTail
from cutpoint.client.offload import Offload, OffloadRequest
from cutpoint.client.plain import PlainTransport
from cutpoint.client.reference import Reference
from cutpoint.exceptions import ConnectError, DeadlineExceededError, ModelMismatchError
from cutpoint.graph import TEXT, Arrays, Cut, Graph, server_only
from cutpoint.inference import Answered, Event, OffloadFailed
from cutpoint.records import RAW
from cutpoint.wire.chunks import Assembly, Chunker
from cutpoint.wire.codecs import codec_named
from cutpoint.wire.datatypes import is_standard
from cutpoint.wire.encoded import START, Encoded
from cutpoint.wire.names import TailName
from cutpoint.wire.specs import output_specs

_FIRST_TIMEOUT_S = 30.0
_LEAST_TIMEOUT_S = 2.0
_TIMES_TAKEN = 10.0
_SAME = 1e-3
"""Largest difference from the device's outputs, relative to their largest: other runtimes
and processors round differently, other weights differ by far more."""


class _Question(NamedTuple):
    """What is sent to a model, and what it must answer."""

    model: str
    cut: Cut
    tensors: tuple[Encoded, ...]
    wanted: Arrays


class GoldenCheck:
    """
    Asks for one input and compares the answer with what this device made of it.

    A tail that undoes a codec is compared with what this device's own tail makes of the very
    numbers that the codec gives back: then no more than rounding may lie between the two,
    however much the codec loses.

    Parameters
    ----------
    address
        For messages.
    graph
        The model.
    clock
        Gives the session's time in seconds.
    reference
        Gives the input and what the device makes of it; asked once.
    """

    def __init__(
        self,
        address: str,
        graph: Graph,
        clock: Callable[[], float],
        reference: Callable[[], Reference],
    ) -> None:
        self._address = address
        self._graph = graph
        self._clock = clock
        self._reference = reference
        self._known: Reference | None = None
        self._whole: _Question | None = None
        self._tails: dict[str, _Question] = {}
        self._timeout_s = _FIRST_TIMEOUT_S

    def __repr__(self) -> str:
        return f"<GoldenCheck of {self._graph.name} at {self._address}>"

    def refuse_what_none_knows(self) -> None:
        """
        Refuse to send what no other server of the protocol knows.

        Raises
        ------
        ConnectError
            If an input is of a type the protocol has no name for.
        """
        for name in self._graph.inputs:
            dtype = self._graph.values[name].dtype
            if dtype is not None and not is_standard(dtype):
                raise ConnectError(
                    f"server {self._address} is no cutpoint server and the protocol has no name "
                    f"for {dtype}, the type of input {name!r}: run `cutpoint serve` there"
                )

    def up_bytes(self, tail: ForeignTail | None = None) -> int:
        """Give the bytes that a check sends."""
        return sum(each.made_bytes for each in self._question(tail).tensors)

    def took_s(self, transport: PlainTransport, tail: ForeignTail | None = None) -> float:
        """
        Check the server's answer; gives how long it took.

        Parameters
        ----------
        tail
            The model to ask; by default the whole.

        Raises
        ------
        ModelMismatchError
            If the answer is not this device's.
        CodecError
            If the tail's codec cannot carry the values of the input.
        TransportError
            If there is no answer.
        """
        question = self._question(tail)
        request = OffloadRequest(
            question.model,
            {"remaining_s": self._timeout_s},
            Chunker(question.tensors),
            Assembly(output_specs(self._graph, question.cut), self._address),
        )
        offload = Offload(0, request)
        began_s = self._clock()
        transport.send(offload)
        event = offload.next_event(began_s + self._timeout_s, began_s)
        took_s = self._answered(event, offload) - began_s
        for name, wanted in question.wanted.items():
            if not _are_alike(offload.outputs[name], wanted):
                raise ModelMismatchError(
                    f"server {self._address} gives another {name!r} for "
                    f"{self._graph.name if tail is None else tail.name!r} than this device: give "
                    "both the same model file"
                )
        if tail is None:
            self._timeout_s = max(_LEAST_TIMEOUT_S, _TIMES_TAKEN * took_s)
        return took_s

    def _answered(self, event: Event, offload: Offload) -> float:
        if isinstance(event, OffloadFailed):
            if isinstance(offload.error, ModelMismatchError):
                raise offload.error
            raise ConnectError(f"server {self._address} did not answer: {event.reason}")
        if not isinstance(event, Answered):
            raise DeadlineExceededError(f"server {self._address} did not answer in time")
        return event.at_s

    def _question(self, tail: ForeignTail | None) -> _Question:
        if tail is not None:
            if tail.name not in self._tails:
                self._tails[tail.name] = self._about(tail)
            return self._tails[tail.name]
        if self._whole is None:
            known = self._reference_once()
            cut = server_only(self._graph)
            tensors = tuple(Encoded.raw(name, array) for name, array in known.feed.items())
            outputs = {n: known.values[n] for n in self._graph.outputs if n in known.values}
            self._whole = _Question(self._graph.name, cut, tensors, outputs)
        return self._whole

    def _about(self, tail: ForeignTail) -> _Question:
        """Encode the crossing values, and compute what the tail must make of what they become."""
        known, cut = self._reference_once(), tail.cut
        values = {name: known.values[name] for name in cut.crossing}
        name = str(TailName(self._graph.name, self._graph.sha256, cut.id))
        if tail.codec == RAW:
            tensors = tuple(Encoded.raw(each, array) for each, array in values.items())
            return _Question(name, cut, tensors, {out: known.values[out] for out in cut.returned})
        codec, encoded = codec_named(tail.codec), []
        for each, array in values.items():
            if each not in tail.encoded:
                encoded.append(Encoded.raw(each, array))
                continue
            made = Encoded.by(codec, each, array).make_all()
            values[each] = codec.decode(made.spec, made.read(START, made.made_bytes)[0])
            encoded.append(made)
        return _Question(name, cut, tuple(encoded), known.tail(cut, values))

    def _reference_once(self) -> Reference:
        if self._known is None:
            self._known = self._reference()
        return self._known


def _are_alike(given: NDArray[np.generic], wanted: NDArray[np.generic]) -> bool:
    """Tell whether an answer is the device's, but for rounding."""
    if given.shape != wanted.shape:
        return False
    if str(wanted.dtype) == TEXT or not wanted.size:
        return bool(np.array_equal(given, wanted))
    difference = np.max(np.abs(given.astype(float) - wanted.astype(float)))
    return bool(difference <= _SAME * np.max(np.abs(wanted.astype(float))))
