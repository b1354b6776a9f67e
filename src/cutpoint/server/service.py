"""The gRPC door: each method converts, asks the data plane, and converts back."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import wraps
from threading import Event
from typing import Any

from cutpoint.exceptions import CutpointError, RemoteProtocolError
from cutpoint.graph import SERVER_ONLY, Arrays
from cutpoint.server.catalog import Endpoint
from cutpoint.server.data_plane import DataPlane, Reply
from cutpoint.server.stream import PeerStream
from cutpoint.wire.errors import RETRY_METADATA, status_of
from cutpoint.wire.holdings import write_holdings
from cutpoint.wire.protocol import (
    CROSSING,
    get_parameters,
    messages,
    model_config,
    services,
    set_parameters,
)
from cutpoint.wire.tensors import TensorSpec, check_specs, spec_of, to_array, to_bytes

SERVER_NAME = "cutpoint"
_EXTENSIONS = ("statistics", "model_configuration", "cutpoint_stream")
_TRITONS_NAMES = {"BYTES": "TYPE_STRING"}
"""Types that a configuration calls otherwise than a tensor does."""

_LONGEST_WORDS = 500
"""Characters of an error; gRPC replaces one that does not fit its 8 KB by another code."""

_LONGEST_CROSSING = 1 << 20
"""Characters of the names behind which a tail is wanted; more is none of any model."""

Method = Callable[[Any, Any, Any], Coroutine[Any, Any, Any]]


def _answers_errors(method: Method) -> Method:
    """Answer our errors with the status code that stands for them."""

    @wraps(method)
    async def answering(self: Any, request: Any, context: Any) -> Any:
        try:
            return await method(self, request, context)
        except CutpointError as error:
            retry_after_s = getattr(error, "retry_after_s", None)
            if retry_after_s is not None:
                context.set_trailing_metadata(((RETRY_METADATA, f"{retry_after_s * 1e3:.0f}"),))
            await context.abort(status_of(error), str(error)[:_LONGEST_WORDS])

    return answering


class InferenceService(services.GRPCInferenceServiceServicer):  # type: ignore[misc]
    """
    The Open Inference Protocol over gRPC; raw contents only.

    Parameters
    ----------
    plane
        Computes the answers.
    version
        Of cutpoint, for the server's metadata.
    """

    def __init__(self, plane: DataPlane, version: str) -> None:
        self._plane = plane
        self._version = version
        self.is_ready = False

    async def ServerLive(self, request: Any, context: Any) -> Any:
        """Tell that the process answers."""
        return messages.ServerLiveResponse(live=True)

    async def ServerReady(self, request: Any, context: Any) -> Any:
        """Tell whether every model is warm."""
        return messages.ServerReadyResponse(ready=self.is_ready)

    async def ModelReady(self, request: Any, context: Any) -> Any:
        """Tell whether a model or tail is warm; begin to build a tail that could be."""
        try:
            ready = self.is_ready and self._plane.catalog.is_ready(request.name)
        except CutpointError:
            ready = False
        return messages.ModelReadyResponse(ready=ready)

    async def ServerMetadata(self, request: Any, context: Any) -> Any:
        """Tell name, version and extensions."""
        return messages.ServerMetadataResponse(
            name=SERVER_NAME, version=self._version, extensions=_EXTENSIONS
        )

    @_answers_errors
    async def ModelMetadata(self, request: Any, context: Any) -> Any:
        """Tell a model's tensors."""
        endpoint = self._plane.endpoint(request.name)
        response = messages.ModelMetadataResponse(
            name=endpoint.name, versions=["1"], platform="onnxruntime_onnx"
        )
        for spec in endpoint.model.inputs_of(endpoint.cut):
            _describe(response.inputs.add(), spec)
        for spec in endpoint.model.outputs_of(endpoint.cut):
            _describe(response.outputs.add(), spec)
        return response

    @_answers_errors
    async def ModelConfig(self, request: Any, context: Any) -> Any:
        """Tell a model's configuration; with a whole model, what is held of it."""
        endpoint = self._plane.endpoint(request.name)
        config = model_config.ModelConfig(
            name=endpoint.name, platform="onnxruntime_onnx", backend="onnxruntime"
        )
        for spec in endpoint.model.inputs_of(endpoint.cut):
            config.input.add(name=spec.name, data_type=_data_type(spec), dims=spec.dims)
        for spec in endpoint.model.outputs_of(endpoint.cut):
            config.output.add(name=spec.name, data_type=_data_type(spec), dims=spec.dims)
        if endpoint.cut.id == SERVER_ONLY:
            write_holdings(config, endpoint.model.holdings())
        return messages.ModelConfigResponse(config=config)

    @_answers_errors
    async def ModelStatistics(self, request: Any, context: Any) -> Any:
        """Tell counts and durations of one model, or of all."""
        catalog = self._plane.catalog
        chosen = [catalog.resolve(request.name)] if request.name else catalog.endpoints()
        statistics = [self._plane.statistics.message(endpoint.name) for endpoint in chosen]
        return messages.ModelStatisticsResponse(model_stats=statistics)

    @_answers_errors
    async def RepositoryIndex(self, request: Any, context: Any) -> Any:
        """List the models that are served."""
        response = messages.RepositoryIndexResponse()
        for endpoint in self._plane.catalog.endpoints():
            response.models.add(name=endpoint.name, version="1", state="READY")
        return response

    @_answers_errors
    async def RepositoryModelLoad(self, request: Any, context: Any) -> Any:
        """Begin to build the tail behind the values in parameter ``crossing``, one per line."""
        crossing = request.parameters[CROSSING].string_param
        if len(crossing) > _LONGEST_CROSSING:
            raise RemoteProtocolError(
                f"parameter {CROSSING!r} has {len(crossing)} characters; at most "
                f"{_LONGEST_CROSSING} name values: name those that cross, one per line"
            )
        self._plane.catalog.ask_for(request.model_name, crossing.split("\n"))
        return messages.RepositoryModelLoadResponse()

    @_answers_errors
    async def ModelInfer(self, request: Any, context: Any) -> Any:
        """Answer a plain whole request."""
        return await self._infer(request)

    async def ModelStreamInfer(self, request_iterator: AsyncIterator[Any], context: Any) -> None:
        """Serve a peer's frames, or plain requests one after the other."""
        await PeerStream(self._plane, context.write, self._infer_in_stream).serve(request_iterator)

    async def _infer_in_stream(self, request: Any) -> Any:
        return messages.ModelStreamInferResponse(infer_response=await self._infer(request))

    async def _infer(self, request: Any) -> Any:
        sha256 = get_parameters(request.parameters).get("sha256")
        endpoint = self._plane.endpoint(request.model_name, str(sha256) if sha256 else None)
        arrays = _read_inputs(request, endpoint)
        wanted = _wanted_outputs(request, endpoint)
        cancelled = Event()
        try:
            reply = await asyncio.wrap_future(self._plane.submit(endpoint, arrays, cancelled))
        except asyncio.CancelledError:
            cancelled.set()  # the caller is gone: stop between segments
            raise
        return _response(request, endpoint, reply, wanted)


def _read_inputs(request: Any, endpoint: Endpoint) -> Arrays:
    contents = list(request.raw_input_contents)
    if len(contents) != len(request.inputs):
        raise RemoteProtocolError(
            f"{endpoint.name}: {len(request.inputs)} inputs but {len(contents)} raw contents; "
            "send every tensor in raw_input_contents"
        )
    given = [spec_of(tensor.name, tensor.datatype, tensor.shape) for tensor in request.inputs]
    check_specs(endpoint.model.inputs_of(endpoint.cut), given, endpoint.name)
    return {spec.name: to_array(spec, raw) for spec, raw in zip(given, contents, strict=True)}


def _wanted_outputs(request: Any, endpoint: Endpoint) -> tuple[str, ...]:
    made = [spec.name for spec in endpoint.model.outputs_of(endpoint.cut)]
    asked = [tensor.name for tensor in request.outputs]
    unknown = sorted(set(asked) - set(made))
    if unknown:
        raise RemoteProtocolError(f"{endpoint.name}: unknown outputs {unknown}; it makes {made}")
    return tuple(asked or made)


def _response(request: Any, endpoint: Endpoint, reply: Reply, wanted: tuple[str, ...]) -> Any:
    response = messages.ModelInferResponse(
        model_name=endpoint.name, model_version="1", id=request.id
    )
    set_parameters(response.parameters, reply.parameters())
    for name in wanted:
        array = reply.outputs[name]
        _describe(response.outputs.add(), TensorSpec.of(name, array))
        response.raw_output_contents.append(bytes(to_bytes(array)))
    return response


def _describe(tensor: Any, spec: TensorSpec) -> None:
    tensor.name = spec.name
    tensor.datatype = spec.datatype
    tensor.shape.extend(spec.dims)


def _data_type(spec: TensorSpec) -> int:
    name = _TRITONS_NAMES.get(spec.datatype, f"TYPE_{spec.datatype}")
    known = model_config.DataType.keys()
    return int(model_config.DataType.Value(name if name in known else "TYPE_INVALID"))
