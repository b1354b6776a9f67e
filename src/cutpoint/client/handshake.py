"""What a device asks a server before the first offload: the same file, which tails, what times."""

from typing import Any

import grpc

from cutpoint.cost import HostCosts, fold
from cutpoint.exceptions import ModelMismatchError, RemoteProtocolError, UnknownShapeError
from cutpoint.graph import Cut, Graph, check_binding
from cutpoint.wire.errors import mapped_errors, rpc_error
from cutpoint.wire.holdings import Holdings, read_holdings
from cutpoint.wire.protocol import messages

_TIMEOUT_S = 3.0


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
