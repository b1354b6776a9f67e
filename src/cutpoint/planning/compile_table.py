"""Compile a graph and the costs of two hosts into the table decisions are made on."""

from collections.abc import Sequence

import numpy as np

from cutpoint.cost import CutTable, HostCosts
from cutpoint.graph import Cut, Graph, device_only, server_only


def compile_table(
    graph: Graph,
    cuts: Sequence[Cut],
    device: HostCosts,
    server: HostCosts,
    *,
    may_send_inputs: bool = True,
) -> CutTable:
    """
    Give the cut table: device-only, server-only, then the cuts in the order given.

    Parameters
    ----------
    cuts
        Interior cuts; each must be in both hosts' costs.
    device, server
        Costs of the two hosts. Values travel raw: encoding costs nothing yet.
    may_send_inputs
        Whether server-only may be chosen.
    """
    rows = (device_only(graph), server_only(graph), *cuts)
    return CutTable(
        cuts=rows,
        head_s=np.array([device.head_s[cut.id] for cut in rows]),
        rest_s=np.array([device.tail_s[cut.id] for cut in rows]),
        encode_s=np.zeros(len(rows)),
        tail_s=np.array([0.0, *(server.tail_s[cut.id] for cut in rows[1:])]),
        up_bytes=np.array([float(graph.size_bytes(cut.crossing)) for cut in rows]),
        down_bytes=np.array([float(graph.size_bytes(cut.returned)) for cut in rows]),
        sha256=graph.sha256,
        may_send_inputs=may_send_inputs,
    )
