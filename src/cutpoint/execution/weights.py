"""Where a graph's weights lie."""

import onnx_ir as ir

from cutpoint.graph import Graph


def weights_folder(graph: Graph) -> str | None:
    """Give the folder whose data file the graph's weights are in; ``None`` if they are inline."""
    # Those of branches and loops too: some models keep all their weights there.
    for part in graph.source.graphs():
        for value in part.initializers.values():
            if isinstance(value.const_value, ir.ExternalTensor):
                return str(value.const_value.base_dir)
    return None
