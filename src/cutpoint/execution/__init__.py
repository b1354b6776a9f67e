"""RUN a segment on this host, optimise a file; the one importer of ONNX Runtime."""

from cutpoint.execution.load_limits import LoadLimits
from cutpoint.execution.model_file import ModelFile
from cutpoint.execution.optimise import completed, load_graph, load_open_graph
from cutpoint.execution.parse import parse_model
from cutpoint.execution.quarantine import vet, vetted_copy
from cutpoint.execution.segments import Execution, SegmentRun, Segments
from cutpoint.execution.triton_file import triton_model_path

__all__ = [
    "Execution",
    "LoadLimits",
    "ModelFile",
    "SegmentRun",
    "Segments",
    "completed",
    "load_graph",
    "load_open_graph",
    "parse_model",
    "triton_model_path",
    "vet",
    "vetted_copy",
]
