"""What a server's frames mean to the requests under way."""

from typing import Any

from cutpoint.client.offload import Offload
from cutpoint.client.outbox import Outbox
from cutpoint.estimation import LinkEstimator
from cutpoint.exceptions import CutpointError, RemoteProtocolError
from cutpoint.inference import Uploaded
from cutpoint.wire import frames
from cutpoint.wire.errors import frame_error
from cutpoint.wire.protocol import ACK, ERROR, RESULT, Parameter, get_parameters, number


class Answers:
    """
    Reads frames and tells the requests they belong to; one thread only.

    Parameters
    ----------
    outbox
        Told of acknowledgements.
    link
        Learns from answers that come in several pieces.
    """

    def __init__(self, outbox: Outbox, link: LinkEstimator) -> None:
        self._outbox = outbox
        self._link = link

    def take(self, offload: Offload, message: Any, at_s: float) -> CutpointError | None:
        """
        Take a frame of a request.

        Returns
        -------
        CutpointError or None
            Why the request has failed, if it has; the request was not told yet.
        """
        response = message.infer_response
        parameters = get_parameters(response.parameters)
        kind = frames.kind_of(response)
        try:
            if kind == ACK:
                self._uploaded(offload, at_s)
            elif kind == RESULT:
                self._piece(offload, response, parameters, at_s)
            elif kind == ERROR:
                return frame_error(message.error_message, parameters)
            else:
                raise RemoteProtocolError(f"unknown kind of frame {kind!r}")
        except CutpointError as error:
            return error
        return None

    def _uploaded(self, offload: Offload, at_s: float) -> None:
        if self._outbox.is_sent(offload):
            back_s = (self._link.round_trip_s or 0.0) / 2
            # From when it was handed over: waiting behind another upload is link time too.
            offload.tell(Uploaded(at_s, max(at_s - offload.began_at_s - back_s, 0.0)))

    def _piece(
        self, offload: Offload, response: Any, parameters: dict[str, Parameter], at_s: float
    ) -> None:
        assembly = offload.request.assembly
        assembly.add(frames.response_chunk(response))
        if offload.first_piece is None:
            offload.first_piece = (at_s, assembly.received_bytes)
            offload.report = parameters
        if not assembly.is_complete:
            return
        began_at_s, first_bytes = offload.first_piece
        self._link.down.observe(assembly.received_bytes - first_bytes, at_s - began_at_s)
        offload.idle_s = max(number(offload.report, "idle_s"), 0.0)
        wait_s = max(number(offload.report, "wait_s"), 0.0)
        tail_s = max(number(offload.report, "tail_s"), 0.0)
        offload.answer(at_s, assembly.arrays(), wait_s, tail_s)
