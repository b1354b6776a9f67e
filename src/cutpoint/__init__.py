"""Runs one ONNX model on a weak device and on edge servers at once."""

import logging
from typing import TYPE_CHECKING, Any

from cutpoint.records import InferenceRecord, Parts, Profile

if TYPE_CHECKING:
    from cutpoint.client.session import InferenceSession
    from cutpoint.wire.encoded_image import EncodedImage

__all__ = ["EncodedImage", "InferenceRecord", "InferenceSession", "Parts", "Profile"]

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    """Give the session when it is asked for: the command line sets up gRPC before it is loaded."""
    if name == "InferenceSession":
        from cutpoint.client.session import InferenceSession

        return InferenceSession
    if name == "EncodedImage":
        from cutpoint.wire.encoded_image import EncodedImage

        return EncodedImage
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
