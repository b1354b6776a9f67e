"""The device: InferenceSession and its connections."""
