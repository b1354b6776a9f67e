"""Where the file is that Triton's Python backend runs; it is copied, never imported here."""

from pathlib import Path


def triton_model_path() -> Path:
    """Give the path of ``triton_model.py``."""
    return Path(__file__).with_name("triton_model.py")
