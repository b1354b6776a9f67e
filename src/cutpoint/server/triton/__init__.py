"""A model as a repository of NVIDIA Triton: parts of it, and ensembles that put them together."""

from cutpoint.server.triton.export import ExportSettings, export_repository
from cutpoint.server.triton.layout import Layout
from cutpoint.server.triton.model_config import BACKENDS, Backend
from cutpoint.server.triton.repository import TritonRepository

__all__ = [
    "BACKENDS",
    "Backend",
    "ExportSettings",
    "Layout",
    "TritonRepository",
    "export_repository",
]
