"""WHAT is computed: model file -> graph, cuts, blocks, segments."""

from cutpoint.graph.blocks import Block, block_index_of, blocks_of
from cutpoint.graph.candidates import candidate_cuts
from cutpoint.graph.closed_sets import Grown, closed_sets, grown_sets
from cutpoint.graph.constants import constant_outputs
from cutpoint.graph.cut import (
    DEVICE_ONLY,
    SERVER_ONLY,
    Cut,
    cut_at,
    cut_at_head,
    cut_id,
    cut_of,
    device_only,
    server_only,
)
from cutpoint.graph.dimensions import Dimension, Sizes
from cutpoint.graph.element_types import TEXT
from cutpoint.graph.feed import Arrays, checked_feed, checked_outputs, sizes_of
from cutpoint.graph.graph import Graph
from cutpoint.graph.load import (
    bind,
    check_binding,
    check_runnable,
    graph_from_model,
    value_names,
    with_trial,
)
from cutpoint.graph.plain import plain_model
from cutpoint.graph.sample_feed import sample_feed
from cutpoint.graph.segment import (
    Segment,
    extract,
    num_segments,
    segments_in,
    segments_of,
    weight_bytes,
)
from cutpoint.graph.trial import Trial
from cutpoint.graph.value import ANY, Kind, Value

__all__ = [
    "ANY",
    "DEVICE_ONLY",
    "SERVER_ONLY",
    "TEXT",
    "Arrays",
    "Block",
    "Cut",
    "Dimension",
    "Graph",
    "Grown",
    "Kind",
    "Segment",
    "Sizes",
    "Trial",
    "Value",
    "bind",
    "block_index_of",
    "blocks_of",
    "candidate_cuts",
    "check_binding",
    "check_runnable",
    "checked_feed",
    "checked_outputs",
    "closed_sets",
    "constant_outputs",
    "cut_at",
    "cut_at_head",
    "cut_id",
    "cut_of",
    "device_only",
    "extract",
    "graph_from_model",
    "grown_sets",
    "num_segments",
    "plain_model",
    "sample_feed",
    "segments_in",
    "segments_of",
    "server_only",
    "sizes_of",
    "value_names",
    "weight_bytes",
    "with_trial",
]
