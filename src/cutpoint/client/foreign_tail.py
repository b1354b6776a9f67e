"""A tail at a server that is not ours: a model of its own there, found by its name."""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc

from cutpoint.graph import Cut, Graph
from cutpoint.graph.typed_value import TYPED_CODECS, is_encoded, typed_tensors
from cutpoint.records import RAW
from cutpoint.wire.datatypes import datatype_of, is_standard
from cutpoint.wire.names import TailName
from cutpoint.wire.protocol import messages

_log = logging.getLogger(__name__)

_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class ForeignTail:
    """
    One tail that takes its values in one way.

    Parameters
    ----------
    cut
        The cut it lies behind.
    codec
        In which it takes what that encodes; the rest it takes as it is.
    name
        Of the model at the server.
    encoded
        Names of the crossing values that the codec encodes.
    """

    cut: Cut
    codec: str
    name: str
    encoded: frozenset[str]

    @property
    def row(self) -> tuple[str, str]:
        """By which tables know it: id of the cut, and codec."""
        return self.cut.id, self.codec


def find_tails(
    stub: Any, graph: Graph, cuts: Iterable[Cut], typed: Collection[str]
) -> list[ForeignTail]:
    """
    Ask a server for the tails of cuts: exact ones, and those that undo a codec by themselves.

    All are asked for at once, so that it takes one round trip. A model that takes or gives
    something else than the tail of its name is told of in the log, and is none.

    Parameters
    ----------
    cuts
        Those this device holds.
    typed
        Codecs that a value may travel in; those that ONNX has no operators for are passed over.
    """
    codecs = (RAW, *(codec for codec in TYPED_CODECS if codec in typed))
    tails = [tail for cut in cuts for codec in codecs for tail in _wanted(graph, cut, codec)]
    asked = [
        (tail, stub.ModelMetadata.future(_question(tail.name), timeout=_TIMEOUT_S))
        for tail in tails
    ]
    return [tail for tail, call in asked if _is_there(graph, tail, call)]


def _question(name: str) -> Any:
    return messages.ModelMetadataRequest(name=name)


def _wanted(graph: Graph, cut: Cut, codec: str) -> Sequence[ForeignTail]:
    dtypes = {name: graph.values[name].dtype for name in (*cut.crossing, *cut.returned)}
    if any(dtype is None or not is_standard(dtype) for dtype in dtypes.values()):
        return ()  # a type that the protocol has no name for
    encoded = frozenset(
        name for name in cut.crossing if codec != RAW and is_encoded(dtypes[name], codec)
    )
    if codec != RAW and not encoded:
        return ()
    name = str(TailName(graph.name, graph.sha256, cut.id, codec))
    return (ForeignTail(cut, codec, name, encoded),)


def _is_there(graph: Graph, tail: ForeignTail, call: Any) -> bool:
    try:
        told = call.result()
    except (grpc.RpcError, grpc.FutureCancelledError):
        return False  # whatever the reason: a server that has it says so
    wanted = _inputs_of(graph, tail)
    given = {each.name: each.datatype for each in told.inputs}
    if given != wanted:
        _log.warning("tail %s takes %s, not %s: it is not used", tail.name, given, wanted)
        return False
    made = {each.name: each.datatype for each in told.outputs}
    for name in tail.cut.returned:
        wanted_type = datatype_of(str(graph.values[name].dtype))
        if made.get(name) != wanted_type:
            _log.warning(
                "tail %s gives %s, and %r is to be %s: it is not used",
                tail.name, made, name, wanted_type,
            )  # fmt: skip
            return False
    return True


def _inputs_of(graph: Graph, tail: ForeignTail) -> dict[str, str]:
    """Give the tensors it is to take, with the protocol's names of their types."""
    inputs: dict[str, str] = {}
    for name in tail.cut.crossing:
        if name in tail.encoded:
            tensors = typed_tensors(name, tail.codec)
            inputs.update((tensor.name, datatype_of(tensor.dtype)) for tensor in tensors)
        else:
            inputs[name] = datatype_of(str(graph.values[name].dtype))
    return inputs
