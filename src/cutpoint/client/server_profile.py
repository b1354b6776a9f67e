"""What a model takes on a server: fetched from a cutpoint server, timed at any other."""

import platform
from dataclasses import replace

from cutpoint.client.connector import Connector
from cutpoint.client.handshake import check_digest, fetch_holdings
from cutpoint.client.health import HealthCheck
from cutpoint.client.reference import Reference, reference_of
from cutpoint.client.session_clock import session_clock
from cutpoint.estimation import LinkEstimator
from cutpoint.exceptions import CutpointError, RemoteProtocolError
from cutpoint.execution import Segments
from cutpoint.graph import Graph, sample_feed
from cutpoint.profiling import read_environment
from cutpoint.records import FORMAT_VERSION, LinkConditions, Profile, Sample
from cutpoint.wire.channel import open_channel
from cutpoint.wire.credentials import ClientSecurity
from cutpoint.wire.protocol import services


def server_profile(
    address: str, graph: Graph, security: ClientSecurity | None = None
) -> tuple[Profile, LinkConditions | None]:
    """
    Get the profile of a server, and the link to it as it is now.

    A cutpoint server tells what it measured of itself. Any other server is asked for
    one input, its answer compared with this device's, and its time is what the wire
    took minus the fitted link.

    Parameters
    ----------
    address
        ``HOST:PORT``.
    security
        What to show the server, and to demand of it.

    Raises
    ------
    CutpointError
        If the server is not reached, not ready, or holds another file.
    """
    health = HealthCheck(address, security)
    channel = open_channel(address, security)
    link = LinkEstimator()
    try:
        health.check()
        stub = services.GRPCInferenceServiceStub(channel)
        holdings = fetch_holdings(stub, address, graph.name)
        if holdings is not None:
            check_digest(holdings, graph, address)
        whole_s = _connected_whole_s(address, graph, link, security)
    finally:
        health.close()
        channel.close()
    if holdings is not None:
        samples = (*holdings.profile.samples, *holdings.decoding)
        return replace(holdings.profile, host=address, samples=samples), link.conditions()
    return _timed(address, graph, whole_s), link.conditions()


def _connected_whole_s(
    address: str, graph: Graph, link: LinkEstimator, security: ClientSecurity | None
) -> float:
    """Connect as a session does, which measures the link; give the whole model's time."""

    def reference() -> Reference:
        return reference_of(Segments(graph, ()), sample_feed(graph))

    connector = Connector(
        address,
        graph,
        (),
        link=link,
        clock=session_clock(),
        on_failure=_ignore,
        reference=reference,
        security=security,
    )
    try:
        transport = connector.connect()
        whole_s = transport.costs.whole_s
        transport.close("measured")
    finally:
        connector.close()
    return whole_s


def _timed(address: str, graph: Graph, whole_s: float) -> Profile:
    if whole_s <= 0:
        raise RemoteProtocolError(f"server {address} took no measurable time: try again")
    environment = read_environment(
        providers=("remote",), num_threads=0, malloc_kept=False, emulated_slowdown=1.0
    )
    environment = replace(environment, runtime="unknown", cpu="unknown", power_mode=None)
    samples = (Sample("whole", "", whole_s), Sample("tail", "server-only", whole_s))
    return Profile(
        format_version=FORMAT_VERSION,
        model_sha256=graph.sha256,
        model_name=graph.name,
        host=f"{address} (timed from {platform.node()})",
        environment=environment,
        cuts=(),
        samples=samples,
        contention=1.0,
    )


def _ignore(_: CutpointError, __: float) -> None:
    """Nothing is counted: no breaker watches a single measurement."""
