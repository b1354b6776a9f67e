"""Runs one ONNX model on a weak device and on edge servers at once."""
