"""Recordings of links, read from files or made up, to be played again and again."""

from cutpoint.lab.traces.folder import chosen_traces, read_trace, traces_in
from cutpoint.lab.traces.positions import positions
from cutpoint.lab.traces.synthetic import default_traces
from cutpoint.lab.traces.trace import Trace

__all__ = [
    "Trace",
    "chosen_traces",
    "default_traces",
    "positions",
    "read_trace",
    "traces_in",
]
