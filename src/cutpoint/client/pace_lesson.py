"""What a server learns from an inference that kept to its prediction, or did not."""

from cutpoint.client.server_connection import ServerConnection
from cutpoint.inference import Inference
from cutpoint.records import InferenceRecord


def teach_pace(
    server: ServerConnection,
    record: InferenceRecord,
    inference: Inference,
    rest_s: float,
    at_s: float,
) -> None:
    """
    Tell the planned server how its answer kept to what was predicted of it.

    Parameters
    ----------
    server
        That was asked, and no other.
    record, inference
        Of the request.
    rest_s
        What the device would have taken from the cut on.
    at_s
        Now.
    """
    took_s, predicted_s = (
        parts.upload_s + parts.wait_s + parts.tail_s + parts.download_s
        for parts in (record.measured, record.predicted)
    )
    if record.placement != "device":
        server.returned(record.measured.download_s, record.received_bytes)
        server.paced(at_s, took_s, predicted_s, rest_s)
        return
    server.given_up(inference.waited_s, predicted_s)
    if inference.phase == "compute":
        # A link that has collapsed meanwhile is not the server's slowness.
        upload_s = max(record.predicted.upload_s, inference.upload_s or 0.0)
        since_s = inference.waited_s - upload_s
        idle_s = record.predicted.tail_s / record.conditions.load.slowdown
        server.computes_still(at_s, record.at_s, since_s, idle_s)
