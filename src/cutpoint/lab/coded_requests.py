"""Requests with encoded values, over a stream to a real server: what decoding them took there."""

from collections.abc import Iterator, Mapping
from queue import SimpleQueue
from types import TracebackType
from typing import Any

from cutpoint.client.decoding import Decoding
from cutpoint.client.handshake import fetch_holdings, server_decoding
from cutpoint.exceptions import RemoteProtocolError
from cutpoint.graph import SERVER_ONLY, Cut, Graph
from cutpoint.wire import frames
from cutpoint.wire.channel import open_channel
from cutpoint.wire.chunks import Chunker
from cutpoint.wire.encoded import Encoded
from cutpoint.wire.errors import frame_error
from cutpoint.wire.names import TailName
from cutpoint.wire.protocol import ERROR, RESULT, Parameter, get_parameters, services

_REMAINING_S = 60.0


class CodedRequests:
    """
    Asks for tails of one model, one request after the other.

    Parameters
    ----------
    address
        ``HOST:PORT`` of a cutpoint server.
    graph
        The model.

    Attributes
    ----------
    decoding
        What the server told of its codecs when it was asked first.

    Raises
    ------
    CutpointError
        If it is none, or has not this model.
    """

    def __init__(self, address: str, graph: Graph) -> None:
        self._graph = graph
        self._channel = open_channel(address)
        holdings = fetch_holdings(
            services.GRPCInferenceServiceStub(self._channel), address, graph.name
        )
        if holdings is None:
            raise RemoteProtocolError(f"{address} is no cutpoint server: it tells no times")
        self.decoding: Decoding = server_decoding(holdings)
        self._leaving: SimpleQueue[Any] = SimpleQueue()
        leaving: Iterator[Any] = iter(self._leaving.get, None)
        self._answers = frames.open_stream(self._channel, leaving, frames.parse_response)
        self._number = 0

    def __enter__(self) -> "CodedRequests":  # noqa: PYI034 (Self needs Python 3.11)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def decode_s(self, cut: Cut, values: Mapping[str, Encoded]) -> float:
        """
        Send what crosses a cut; give the seconds that the server took to decode it.

        Raises
        ------
        CutpointError
            If the server refuses or fails.
        """
        self._number += 1
        name = self._graph.name
        if cut.id != SERVER_ONLY:
            name = str(TailName(name, self._graph.sha256, cut.id))
        extra: dict[str, Parameter] = {"sha256": self._graph.sha256, "remaining_s": _REMAINING_S}
        for chunk in Chunker(tuple(values.values())).all():
            self._leaving.put(frames.chunk_request_bytes(name, self._number, chunk, extra))
        return self._heard_s()

    def close(self) -> None:
        """End the stream."""
        self._leaving.put(None)
        self._channel.close()

    def _heard_s(self) -> float:
        told_s: float | None = None
        for message in self._answers:
            response = message.infer_response
            kind = frames.kind_of(response)
            parameters = get_parameters(response.parameters)
            if kind == ERROR:
                raise frame_error(message.error_message, parameters)
            if kind != RESULT:
                continue
            told_s = float(parameters.get("decode_s", told_s or 0.0))
            chunk = frames.response_chunk(response, parameters)
            is_whole = chunk.offset + len(chunk.payload) >= (chunk.tensor_bytes or 0)
            if is_whole and chunk.value == chunk.num_values - 1:
                return told_s
        raise RemoteProtocolError("the stream ended before the answer")
