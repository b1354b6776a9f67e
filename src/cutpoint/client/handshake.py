"""What a device asks a server before the first offload: the same file, which tails, what times."""

from typing import Any, NamedTuple

import grpc

from cutpoint.client.decoding import Decoding
from cutpoint.cost import HostCosts, codec_speeds, fold
from cutpoint.exceptions import ModelMismatchError, RemoteProtocolError, UnknownShapeError
from cutpoint.graph import Cut, Graph, check_binding
from cutpoint.wire.errors import mapped_errors, rpc_error
from cutpoint.wire.holdings import Holdings, read_holdings
from cutpoint.wire.protocol import messages

_TIMEOUT_S = 3.0


class Told(NamedTuple):
    """
    What is known of a server's models, as tables are compiled of it.

    Parameters
    ----------
    costs
        What its tails take when idle.
    tails
        Ids of the cuts whose tails it has.
    decoding
        What it makes of encoded values.
    """

    costs: HostCosts
    tails: frozenset[str]
    decoding: Decoding


_SHORTEST_DECODE_S = 1e-12
"""Less, no clock tells, and what is laid through samples of it has no bound."""

_LONGEST_DECODE_S, _MOST_BYTES, _MOST_SAMPLES = 3600.0, 1 << 40, 4096
"""What is believed of a server that decodes: its times become part of every plan."""


def fetch_holdings(stub: Any, address: str, model: str) -> Holdings | None:
    """
    Ask a server what it holds of a model.

    Returns
    -------
    Holdings or None
        ``None`` if it serves the model but is not a cutpoint server.

    Raises
    ------
    CutpointError
        If it cannot be reached, speaks something else, or has no such model.
    """
    request = messages.ModelConfigRequest(name=model)
    try:
        response = stub.ModelConfig(request, timeout=_TIMEOUT_S)
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.UNIMPLEMENTED:
            raise rpc_error(error, address) from error
        # ModelConfig is Triton's extension; the protocol itself has ModelMetadata.
        with mapped_errors(address):
            stub.ModelMetadata(messages.ModelMetadataRequest(name=model), timeout=_TIMEOUT_S)
        return None
    return read_holdings(response.config, address)


def check_digest(holdings: Holdings, graph: Graph, address: str) -> None:
    """
    Refuse a server that holds another file.

    Raises
    ------
    ModelMismatchError
        If the digests differ.
    """
    if holdings.sha256 != graph.sha256:
        raise ModelMismatchError(
            f"server {address} holds another {graph.name!r} ({holdings.sha256[:12]}) than this "
            f"device ({graph.sha256[:12]}): give both the same file"
        )


def told_by(graph: Graph, holdings: Holdings, cuts: tuple[Cut, ...]) -> Told:
    """
    Read what a server told of itself.

    Raises
    ------
    RemoteProtocolError
        As `server_costs`.
    """
    costs = server_costs(graph, holdings, cuts)
    return Told(costs, frozenset(holdings.tails), server_decoding(holdings))


def server_decoding(holdings: Holdings) -> Decoding:
    """
    Give the codecs that a server decodes, and what that takes where it was measured.

    Raises
    ------
    RemoteProtocolError
        If its times cannot be times of decoding.
    """
    samples = holdings.decoding
    is_sound = len(samples) <= _MOST_SAMPLES and all(
        sample.kind == "decode"
        and (sample.duration_s == 0 or sample.duration_s >= _SHORTEST_DECODE_S)
        and sample.duration_s <= _LONGEST_DECODE_S
        and 0 <= sample.size_bytes <= _MOST_BYTES
        and 0 <= sample.encoded_bytes <= _MOST_BYTES
        for sample in samples
    )
    if not is_sound:
        raise RemoteProtocolError("the server tells times of decoding that are none")
    return Decoding(frozenset(holdings.codecs), codec_speeds(samples, "decode"))


def server_costs(graph: Graph, holdings: Holdings, cuts: tuple[Cut, ...]) -> HostCosts:
    """
    Fold what a server measured of itself into costs.

    Raises
    ------
    RemoteProtocolError
        If a tail it names is not the cut that this graph has by that id, or it measured at
        sizes that are none of the model's.
    """
    try:
        check_binding(graph, holdings.profile.sizes)
    except UnknownShapeError as error:
        raise RemoteProtocolError(
            f"the server measured {graph.name!r} at {holdings.profile.sizes}: {error}"
        ) from error
    for cut in cuts:
        stated = holdings.tails.get(cut.id)
        if stated is not None and tuple(sorted(stated)) != cut.crossing:
            raise RemoteProtocolError(
                f"the server's cut {cut.id} sends {list(stated)}, not {list(cut.crossing)}"
            )
    return fold(graph, holdings.profile, cuts)
