"""The edge: inference service, models, queue."""
