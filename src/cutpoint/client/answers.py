"""What a server's frames mean to the requests under way."""

import logging
from collections.abc import Callable
from typing import Any

from cutpoint.client.load_reports import LoadReports
from cutpoint.client.offload import Offload
from cutpoint.client.outbox import Outbox
from cutpoint.client.told_times import ToldTimes, told_times
from cutpoint.estimation import LinkEstimator
from cutpoint.exceptions import CutpointError, RemoteProtocolError
from cutpoint.inference import Replying, Started, Uploaded
from cutpoint.records import LoadReport
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
)

_log = logging.getLogger(__name__)


class Answers:
    """
    Reads frames and tells the requests they belong to; one thread only.

    Parameters
    ----------
    outbox
        Told of acknowledgements.
    link
        Learns from answers that come in several pieces.
    address
        For messages.
    on_load
        Told all that the server says of its load.
    """

    def __init__(
        self,
        outbox: Outbox,
        link: LinkEstimator,
        address: str = "",
        on_load: Callable[[LoadReport], None] = lambda report: None,
    ) -> None:
        self._outbox = outbox
        self._link = link
        self._address = address
        self._on_load = on_load
        self._reports = LoadReports()
        self._has_said = False

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
                self._refused(offload, parameters, at_s)
                return frame_error(message.error_message, parameters)
        except CutpointError as error:
            return error
        return None

    def _refused(self, offload: Offload, parameters: dict[str, Parameter], at_s: float) -> None:
        offload.load = self._reports.polled(parameters, at_s) or offload.load
        if offload.load is not None:
            self._on_load(offload.load)

    def polled(self, parameters: dict[str, Parameter], at_s: float) -> None:
        """Take what rides on the acknowledgement of a probe."""
        report = self._reports.polled(parameters, at_s)
        if report is not None:
            self._on_load(report)

    def _uploaded(self, offload: Offload, parameters: dict[str, Parameter], at_s: float) -> None:
        if self._outbox.is_sent(offload):
            back_s = (self._link.round_trip_s or 0.0) / 2
            # From when it was handed over: waiting behind another upload is link time too.
            offload.uploaded_at_s = at_s
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
        first_at_s, first_bytes = offload.first_piece
        self._link.down.observe(assembly.received_bytes - first_bytes, at_s - first_at_s)
        times = self._times(offload, at_s)
        offload.idle_s = times.idle_s
        offload.answer(
            at_s, assembly.arrays(), times.wait_s, times.tail_s, times.decode_s, times.cpu_s
        )

    def _times(self, offload: Offload, at_s: float) -> ToldTimes:
        """Give what the server says its part took; what was measured here where that is a lie."""
        times: ToldTimes | None = None
        try:
            times = told_times(offload.report, at_s - (offload.first_sent_at_s or at_s))
        except RemoteProtocolError as error:
            if not self._has_said:
                self._has_said = True
                _log.warning(
                    "server %s %s: its times are not believed, and measured here",
                    self._address,
                    error,
                )
        offload.load = self._reports.answered(offload.report, at_s, times)
        if offload.load is not None:
            self._on_load(offload.load)
        return times or self._measured(offload)

    def _measured(self, offload: Offload) -> ToldTimes:
        """Give what went by between the acknowledgement of the request and its answer's begin."""
        assert offload.first_piece is not None
        first_at_s, _ = offload.first_piece
        from_s = offload.uploaded_at_s or offload.first_sent_at_s or first_at_s
        return ToldTimes(0.0, max(first_at_s - from_s, 0.0), idle_s=offload.expected_idle_s)
