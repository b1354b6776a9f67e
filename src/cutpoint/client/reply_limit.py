"""How much a server may say at once: memory is taken for what comes, whoever sent it."""

from typing import Any

from cutpoint.graph import Graph, server_only
from cutpoint.wire.chunks import MAX_TENSOR_BYTES
from cutpoint.wire.specs import output_specs

_DESCRIPTION_BYTES = 16 << 20
"""Of what a server tells of itself: tails and times, a few kilobytes for most models."""

_SLACK_BYTES = 1 << 20
"""Around the tensors of an answer: names, shapes, parameters."""


def reply_limit(graph: Graph) -> tuple[tuple[str, Any], ...]:
    """
    Give the options of a channel over which no more comes than this model's outputs take.

    Parameters
    ----------
    graph
        The model; an output of open size may be as large as any tensor on the wire.
    """
    sizes = [spec.size_bytes for spec in output_specs(graph, server_only(graph))]
    answer_bytes = sum(MAX_TENSOR_BYTES if size is None else size for size in sizes)
    most_bytes = max(answer_bytes + _SLACK_BYTES, _DESCRIPTION_BYTES)
    return (("grpc.max_receive_message_length", most_bytes),)
