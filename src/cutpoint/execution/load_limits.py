"""What a model file that nobody vouches for may take."""

import math
from dataclasses import dataclass, fields

_MIB = 1 << 20
_GIB = 1 << 30


@dataclass(frozen=True)
class LoadLimits:
    """
    What loading a file may take before it is refused.

    Parameters
    ----------
    file_bytes
        Size of the model file itself; protobuf reads no larger one.
    weights_bytes
        Bytes of all weights, those in data files beside the model included.
    num_nodes
        Nodes once every local function is expanded, those of sub-graphs included.
    nesting_depth
        Sub-graphs inside sub-graphs.
    time_s
        Wall time of the whole vetting, copying and the start of its process included. The
        default leaves time to clean up within 30 s.
    memory_bytes
        What the vetting may hold besides the model's own weight: its memory limit is
        ``memory_bytes + copies_of_weights * bytes of the file and its data files``.
    copies_of_weights
        How often the weights may lie in memory at once while ONNX Runtime optimises them.

    Raises
    ------
    ValueError
        If a limit is not positive, or infinite.
    """

    file_bytes: int = 2 * _GIB - 1
    weights_bytes: int = 16 * _GIB
    num_nodes: int = 50_000
    nesting_depth: int = 16
    time_s: float = 25.0
    memory_bytes: int = 768 * _MIB
    copies_of_weights: float = 5.0

    def __post_init__(self) -> None:
        for field in fields(self):
            limit = getattr(self, field.name)
            if not (limit > 0 and math.isfinite(limit)):
                raise ValueError(f"{field.name} is {limit!r}: a limit is positive and finite")

    def memory_for(self, file_bytes: int) -> int:
        """Give the memory limit in bytes for a model that weighs so much."""
        return self.memory_bytes + round(self.copies_of_weights * file_bytes)
