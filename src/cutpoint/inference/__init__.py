"""ONE inference as a state machine: events in, actions out."""

from cutpoint.inference.actions import (
    Action,
    Cancel,
    Deliver,
    RunHead,
    RunTail,
    Send,
    StopTail,
)
from cutpoint.inference.activity import activity_of
from cutpoint.inference.events import (
    Answered,
    EncodeDone,
    Event,
    HeadDone,
    OffloadFailed,
    PatienceEnded,
    Replying,
    Retry,
    Started,
    TailDone,
    Uploaded,
    UploadLags,
)
from cutpoint.inference.machine import Inference
from cutpoint.inference.patience import is_answer_late, patience_s

__all__ = [
    "Action",
    "Answered",
    "Cancel",
    "Deliver",
    "EncodeDone",
    "Event",
    "HeadDone",
    "Inference",
    "OffloadFailed",
    "PatienceEnded",
    "Replying",
    "Retry",
    "RunHead",
    "RunTail",
    "Send",
    "Started",
    "StopTail",
    "TailDone",
    "UploadLags",
    "Uploaded",
    "activity_of",
    "is_answer_late",
    "patience_s",
]
