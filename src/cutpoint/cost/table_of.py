"""From profiles of hosts to the cost table of a graph's blocks, and back to its nodes."""

from cutpoint.cost.cost_table import CostTable
from cutpoint.cost.graph_table import nodes_in, table_of_nodes
from cutpoint.cost.node_costs import node_seconds
from cutpoint.graph import Graph, blocks_of
from cutpoint.records import Profile


def cost_table_of(
    graph: Graph, device: Profile, server: Profile, *more_servers: Profile
) -> CostTable:
    """
    Give what each block of a graph takes on each host.

    Parameters
    ----------
    device
        Profile of the device, host 0.
    server, more_servers
        Of the hosts behind it, in order. One that states only its whole, or its whole
        and some tails, is taken to spend them as the device does.

    Raises
    ------
    ProfileMismatchError
        If a profile is of another model, or has no timing of the whole.
    """
    device_s = node_seconds(graph, device)
    servers_s = [node_seconds(graph, each, device_s) for each in (server, *more_servers)]
    return table_of_nodes(graph, [device_s, *servers_s])


def nodes_of(graph: Graph, head: int) -> int:
    """
    Turn a bit mask of blocks of `cost_table_of` into one of the graph's nodes.

    A head of blocks that is closed gives a head of nodes that is closed.
    """
    return nodes_in(blocks_of(graph), head)
