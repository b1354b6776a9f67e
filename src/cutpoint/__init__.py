"""Runs one ONNX model on a weak device and on edge servers at once."""

import logging

from cutpoint.client.session import InferenceSession
from cutpoint.records import InferenceRecord, Parts, Profile

__all__ = ["InferenceRecord", "InferenceSession", "Parts", "Profile"]

logging.getLogger(__name__).addHandler(logging.NullHandler())
