"""What the device did during an inference that has ended, for what it cost."""

from cutpoint.cost import Activity
from cutpoint.inference.machine import Inference


def activity_of(
    inference: Inference, sent_bytes: float = 0.0, received_bytes: float = 0.0
) -> Activity:
    """
    Give what the device did during an inference.

    It computes the head, encodes, and computes what lies behind the cut if that ran here: after
    an offload that was lost, or in a race, whoever won it. Beside that it sends, in every attempt
    until its values were through or it was given up; encoding and a race overlap with it. Answers
    that were on their way when it was given up were received until then.

    Parameters
    ----------
    inference
        It has ended.
    sent_bytes, received_bytes
        Payload that was moved, whatever came of it.
    """
    measured, race = inference.measured, inference.race
    rest_s = 0.0
    if inference.plan.server is not None and inference.placement == "device":
        rest_s = measured.tail_s
    elif race is not None:
        rest_s = race.duration_s
    return Activity(
        duration_s=measured.latency_s,
        computing_s=measured.head_s + measured.encode_s + rest_s,
        sending_s=inference.sending_s,
        receiving_s=measured.download_s + inference.received_in_vain_s,
        sent_bytes=sent_bytes,
        received_bytes=received_bytes,
    )
