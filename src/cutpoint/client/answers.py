"""What a server's frames mean to the requests under way."""

from typing import Any

from cutpoint.client.offload import Offload
from cutpoint.client.outbox import Outbox
from cutpoint.estimation import LinkEstimator
from cutpoint.exceptions import CutpointError, RemoteProtocolError
from cutpoint.inference import Replying, Started, Uploaded
from cutpoint.wire import frames
from cutpoint.wire.errors import frame_error
from cutpoint.wire.protocol import (
    ACK,
    ERROR,
    KIND,
    RESULT,
    RUNNING,
    STARTED,
    Parameter,
    number,
)

_CLOCKS_DIFFER, _CLOCK_STEP_S = 1.01, 0.001
"""Two hosts' seconds are not quite the same."""


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

    def take(
        self, offload: Offload, message: Any, parameters: dict[str, Parameter], at_s: float
    ) -> CutpointError | None:
        """
        Take a frame of a request; one of a kind that a newer server knows says nothing here.

        Parameters
        ----------
        parameters
            Of the message.

        Returns
        -------
        CutpointError or None
            Why the request has failed, if it has; the request was not told yet.
        """
        response = message.infer_response
        kind = parameters.get(KIND)
        try:
            if kind == ACK:
                self._uploaded(offload, parameters, at_s)
            elif kind == RESULT:
                self._piece(offload, response, parameters, at_s)
            elif kind == STARTED:
                offload.note(Started(at_s))
            elif kind == ERROR:
                return frame_error(message.error_message, parameters)
        except CutpointError as error:
            return error
        return None

    def _uploaded(self, offload: Offload, parameters: dict[str, Parameter], at_s: float) -> None:
        if self._outbox.is_sent(offload):
            back_s = (self._link.round_trip_s or 0.0) / 2
            # From when it was handed over: waiting behind another upload is link time too.
            upload_s = max(at_s - offload.began_at_s - back_s, 0.0)
            offload.note(Uploaded(at_s, upload_s, bool(parameters.get(RUNNING, False))))

    def _piece(
        self, offload: Offload, response: Any, parameters: dict[str, Parameter], at_s: float
    ) -> None:
        assembly = offload.request.assembly
        assembly.add(frames.response_chunk(response, parameters))
        if offload.first_piece is None:
            offload.first_piece = (at_s, assembly.received_bytes)
            offload.report = parameters
            if not assembly.is_complete:
                offload.note(Replying(at_s))
        if not assembly.is_complete:
            return
        began_at_s, first_bytes = offload.first_piece
        self._link.down.observe(assembly.received_bytes - first_bytes, at_s - began_at_s)
        away_s = at_s - (offload.first_sent_at_s or at_s)
        wait_s, tail_s, decode_s = (
            _told_s(offload.report, key, away_s) for key in ("wait_s", "tail_s", "decode_s")
        )
        cpu_s = _told_s(offload.report, "cpu_s", away_s) if "cpu_s" in offload.report else None
        offload.idle_s = min(_told_s(offload.report, "idle_s"), max(away_s, tail_s))
        offload.answer(at_s, assembly.arrays(), wait_s, tail_s, decode_s, cpu_s)


def _told_s(report: dict[str, Parameter], key: str, most_s: float = float("inf")) -> float:
    """
    Give a time that a server tells.

    Raises
    ------
    RemoteProtocolError
        If it is none, or longer than the whole request took: what is learned from it would
        steer later requests.
    """
    told_s = number(report, key)
    if not 0 <= told_s <= most_s * _CLOCKS_DIFFER + _CLOCK_STEP_S:
        raise RemoteProtocolError(
            f"the server says that {key} was {told_s:g} of the {most_s:g} s that the request "
            "took: its times cannot be used"
        )
    return told_s
