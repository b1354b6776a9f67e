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
    cut_id,
    cut_of,
    device_only,
    server_only,
)
from cutpoint.graph.feed import Arrays, checked_feed, checked_outputs
from cutpoint.graph.graph import Graph
from cutpoint.graph.load import graph_from_model, value_names
from cutpoint.graph.segment import Segment, extract, num_segments, segments_in, segments_of

__all__ = [
    "DEVICE_ONLY",
    "SERVER_ONLY",
    "Arrays",
    "Block",
    "Cut",
    "Graph",
    "Grown",
    "Segment",
    "block_index_of",
    "blocks_of",
    "candidate_cuts",
    "checked_feed",
    "checked_outputs",
    "closed_sets",
    "constant_outputs",
    "cut_at",
    "cut_id",
    "cut_of",
    "device_only",
    "extract",
    "graph_from_model",
    "grown_sets",
    "num_segments",
    "segments_in",
    "segments_of",
    "server_only",
    "value_names",
]
