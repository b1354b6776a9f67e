"""A request as any server of the protocol takes it: one message, raw contents."""

from typing import Any

from cutpoint.client.foreign_holdings import ForeignHoldings
from cutpoint.client.offload import Offload
from cutpoint.exceptions import ModelError
from cutpoint.records import RAW
from cutpoint.wire.protocol import messages
from cutpoint.wire.typed_tensors import typed_of

CHECK = 0
"""Number of the requests that find out whether a model is what it is taken for."""


def plain_request(offload: Offload, whole: str, holdings: ForeignHoldings, address: str) -> Any:
    """
    Write a request: typed tensors stand for what is encoded.

    Parameters
    ----------
    whole
        Name of the whole model, which encodes nothing.
    holdings
        What the server was found to hold.
    address
        For messages.

    Raises
    ------
    ModelError
        If the server has no tail that takes values encoded like that.
    """
    request = messages.ModelInferRequest(id=str(offload.number))
    encoded: dict[str, str] = {}
    for chunk in offload.request.chunker.all(1 << 62):
        if chunk.codec != RAW:
            encoded[chunk.spec.name] = chunk.codec
        for spec, raw in typed_of(chunk):
            tensor = request.inputs.add(name=spec.name, datatype=spec.datatype)
            tensor.shape.extend(spec.dims)
            request.raw_input_contents.append(bytes(raw))
    request.model_name = ".".join((offload.request.model, *set(encoded.values())))
    if offload.number != CHECK and request.model_name != whole:
        tail = holdings.tails.get(request.model_name)
        if tail is None or tail.encoded != encoded.keys():
            raise ModelError(
                f"server {address} has no tail {request.model_name!r} that takes "
                f"{sorted(encoded) or 'nothing'} encoded"
            )
    return request
