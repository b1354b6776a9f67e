"""RUN a segment on this host, optimise a file; the one importer of ONNX Runtime."""

from cutpoint.execution.model_file import ModelFile
from cutpoint.execution.optimise import load_graph
from cutpoint.execution.segments import Execution, SegmentRun, Segments

__all__ = ["Execution", "ModelFile", "SegmentRun", "Segments", "load_graph"]
