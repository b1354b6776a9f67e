"""Whether a server that tells no digest holds this device's model: by its answer to one input."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cutpoint.client.offload import Offload, OffloadRequest
from cutpoint.client.plain import PlainTransport
from cutpoint.exceptions import ConnectError, DeadlineExceededError, ModelMismatchError
from cutpoint.graph import TEXT, Arrays, Graph, server_only
from cutpoint.inference import Answered, Event, OffloadFailed
from cutpoint.wire.chunks import Assembly, Chunker
from cutpoint.wire.datatypes import is_standard
from cutpoint.wire.specs import output_specs

_FIRST_TIMEOUT_S = 30.0
_LEAST_TIMEOUT_S = 2.0
_TIMES_TAKEN = 10.0
_SAME = 1e-3
"""Largest difference from the device's outputs, relative to their largest: other runtimes
and processors round differently, other weights differ by far more."""


class GoldenCheck:
    """
    Asks for one input and compares the answer with what this device made of it.

    Parameters
    ----------
    address
        For messages.
    graph
        The model.
    clock
        Gives the session's time in seconds.
    reference
        Gives the input and the device's outputs; asked once.
    """

    def __init__(
        self,
        address: str,
        graph: Graph,
        clock: Callable[[], float],
        reference: Callable[[], tuple[Arrays, Arrays]],
    ) -> None:
        self._address = address
        self._graph = graph
        self._clock = clock
        self._reference = reference
        self._known: tuple[Arrays, Arrays] | None = None
        self._timeout_s = _FIRST_TIMEOUT_S

    def __repr__(self) -> str:
        return f"<GoldenCheck of {self._graph.name} at {self._address}>"

    @property
    def up_bytes(self) -> int:
        """Bytes of the input."""
        return sum(array.nbytes for array in self._feed_and_outputs()[0].values())

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

    def took_s(self, transport: PlainTransport) -> float:
        """
        Check the server's answer; gives how long it took.

        Raises
        ------
        ModelMismatchError
            If the answer is not this device's.
        TransportError
            If there is none.
        """
        feed, outputs = self._feed_and_outputs()
        expected = output_specs(self._graph, server_only(self._graph))
        request = OffloadRequest(
            self._graph.name,
            {"remaining_s": self._timeout_s},
            Chunker(tuple(feed.items())),
            Assembly(expected, self._address),
        )
        offload = Offload(0, request)
        began_s = self._clock()
        transport.send(offload)
        event = offload.next_event(began_s + self._timeout_s, began_s)
        took_s = self._answered(event, offload) - began_s
        for name, wanted in outputs.items():
            if not _are_alike(offload.outputs[name], wanted):
                raise ModelMismatchError(
                    f"server {self._address} gives another {name!r} for {self._graph.name!r} "
                    "than this device: give both the same model file"
                )
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

    def _feed_and_outputs(self) -> tuple[Arrays, Arrays]:
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
