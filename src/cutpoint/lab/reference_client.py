"""The least a client of the protocol can do: raw contents over a connection it keeps."""

from collections.abc import Iterator
from queue import SimpleQueue
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.execution.runtime import keep_freed_memory
from cutpoint.graph import Arrays
from cutpoint.wire.channel import open_channel
from cutpoint.wire.protocol import messages, services

_TIMEOUT_S = 60.0
_DATATYPES = {"float32": "FP32", "int64": "INT64", "uint8": "UINT8"}


class ReferenceClient:
    """
    Asks for a whole model, by unary calls or over one stream, and does nothing else.

    What a session of ours takes beyond this is what cutpoint costs. It has the same
    settings of the allocator, which are the process's own.

    Parameters
    ----------
    address
        ``HOST:PORT`` of the server.
    model
        Name of the model there.
    """

    def __init__(self, address: str, model: str) -> None:
        keep_freed_memory()
        self._model = model
        self._channel = open_channel(address)
        self._stub = services.GRPCInferenceServiceStub(self._channel)
        self._leaving: SimpleQueue[Any] = SimpleQueue()
        leaving: Iterator[Any] = iter(self._leaving.get, None)
        self._stream = self._stub.ModelStreamInfer(leaving)

    def __enter__(self) -> "ReferenceClient":  # noqa: PYI034 (Self needs Python 3.11)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def unary(self, feed: Arrays) -> Arrays:
        """Ask by one call."""
        return _outputs(self._stub.ModelInfer(self._request(feed), timeout=_TIMEOUT_S))

    def streamed(self, feed: Arrays) -> Arrays:
        """Ask over the stream that is kept."""
        self._leaving.put(self._request(feed))
        message = next(self._stream)
        if message.error_message:
            raise RuntimeError(message.error_message)
        return _outputs(message.infer_response)

    def close(self) -> None:
        """End the stream and the connection."""
        self._leaving.put(None)
        self._stream.cancel()
        self._channel.close()

    def _request(self, feed: Arrays) -> Any:
        request = messages.ModelInferRequest(model_name=self._model)
        for name, array in feed.items():
            datatype = _DATATYPES[str(array.dtype)]
            request.inputs.add(name=name, datatype=datatype, shape=array.shape)
            request.raw_input_contents.append(array.tobytes())
        return request


def _outputs(response: Any) -> dict[str, NDArray[np.generic]]:
    types = {datatype: name for name, datatype in _DATATYPES.items()}
    contents = list(response.raw_output_contents)
    return {
        tensor.name: np.frombuffer(raw, types[tensor.datatype]).reshape(tensor.shape)
        for tensor, raw in zip(response.outputs, contents, strict=True)
    }
