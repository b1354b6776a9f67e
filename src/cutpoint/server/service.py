"""The gRPC door: each method converts, asks the data plane, and converts back."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from cutpoint.exceptions import CutpointError, RemoteProtocolError
from cutpoint.graph import SERVER_ONLY, TEXT, Arrays
from cutpoint.server.cancellation import Cancellation
from cutpoint.server.catalog import Endpoint
from cutpoint.server.data_plane import DataPlane, Reply
from cutpoint.server.stream import LONGEST_ID, PeerStream
from cutpoint.server.upload import Uploads
from cutpoint.wire.holdings import write_holdings
from cutpoint.wire.load_text import LOAD, written
from cutpoint.wire.protocol import (
    CROSSING,
    get_parameters,
    messages,
    model_config,
    set_parameters,
)
from cutpoint.wire.tensors import TensorSpec, check_specs, spec_of, to_array, to_bytes

SERVER_NAME = "cutpoint"
_EXTENSIONS = ("statistics", "model_configuration", "cutpoint_stream")
_TRITONS_NAMES = {"BYTES": "TYPE_STRING"}
"""Types that a configuration calls otherwise than a tensor does."""

_LONGEST_CROSSING = 1 << 20
"""Characters of the names behind which a tail is wanted; more is none of any model."""

_LONG_TEXT_BYTES = 1 << 14
"""Text is read letter by letter: more of it is read on a thread, while others are served."""


class InferenceService:
    """
    The Open Inference Protocol over gRPC; raw contents only.

    `cutpoint.server.methods` registers it, and answers the errors it raises.

    Parameters
    ----------
    plane
        Computes the answers.
    version
        Of cutpoint, for the server's metadata.
    uploads
        Bounds what requests that come in pieces may take.
    """

    def __init__(self, plane: DataPlane, version: str, uploads: Uploads | None = None) -> None:
        self._plane = plane
        self._uploads = uploads or Uploads()
        self._version = version
        self.is_ready = False
        self._num_plain = 0
        self._streams: set[PeerStream] = set()

    @property
    def num_streams(self) -> int:
        """Streams that are open."""
        return len(self._streams)

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way, from its first piece to the last of its answer."""
        return not self._num_plain and all(stream.is_idle for stream in self._streams)

    async def ServerLive(self, request: Any, context: Any) -> Any:
        """Tell that the process answers."""
        return messages.ServerLiveResponse(live=True)

    async def ServerReady(self, request: Any, context: Any) -> Any:
        """Tell whether every model is warm."""
        return messages.ServerReadyResponse(ready=self.is_ready)

    async def ModelReady(self, request: Any, context: Any) -> Any:
        """Tell whether a model or tail is warm; begin to build a tail that could be."""
        try:
            ready = self.is_ready and self._plane.catalog.is_ready(request.name, request.version)
        except CutpointError:
            ready = False
        return messages.ModelReadyResponse(ready=ready)

    async def ServerMetadata(self, request: Any, context: Any) -> Any:
        """Tell name, version and extensions."""
        return messages.ServerMetadataResponse(
            name=SERVER_NAME, version=self._version, extensions=_EXTENSIONS
        )

    async def ModelMetadata(self, request: Any, context: Any) -> Any:
        """Tell a model's tensors."""
        endpoint = self._plane.catalog.resolve(request.name, request.version)
        response = messages.ModelMetadataResponse(
            name=endpoint.name,
            versions=[str(endpoint.model.version)],
            platform="onnxruntime_onnx",
        )
        for spec in endpoint.model.inputs_of(endpoint.cut):
            _describe(response.inputs.add(), spec)
        for spec in endpoint.model.outputs_of(endpoint.cut):
            _describe(response.outputs.add(), spec)
        return response

    async def ModelConfig(self, request: Any, context: Any) -> Any:
        """Tell a model's configuration; with a whole model, what is held of it."""
        endpoint = self._plane.catalog.resolve(request.name, request.version)
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

    async def ModelStatistics(self, request: Any, context: Any) -> Any:
        """Tell counts and durations of one model, or of all."""
        catalog = self._plane.catalog
        chosen = (
            [catalog.resolve(request.name, request.version)]
            if request.name
            else catalog.endpoints()
        )
        statistics = [self._plane.statistics.message(endpoint.name) for endpoint in chosen]
        for message, endpoint in zip(statistics, chosen, strict=True):
            message.version = str(endpoint.model.version)
        return messages.ModelStatisticsResponse(model_stats=statistics)

    async def RepositoryIndex(self, request: Any, context: Any) -> Any:
        """List the models that are served, and those that could not be loaded."""
        response = messages.RepositoryIndexResponse()
        for row in self._plane.catalog.index():
            if row.state == "READY" or not request.ready:
                version = str(row.version or "")
                response.models.add(
                    name=row.name, version=version, state=row.state, reason=row.reason
                )
        return response

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

    async def ModelInfer(self, request: Any, context: Any) -> Any:
        """Answer a plain whole request, unless its caller's deadline comes first."""
        self._num_plain += 1
        try:
            return await self._infer(request, context.time_remaining())
        finally:
            self._num_plain -= 1

    async def ModelStreamInfer(self, request_iterator: AsyncIterator[Any], context: Any) -> None:
        """Serve a peer's frames, or plain requests one after the other."""
        stream = PeerStream(self._plane, context.write, self._infer_in_stream, self._uploads)
        self._streams.add(stream)
        try:
            await stream.serve(request_iterator)
        finally:
            self._streams.discard(stream)

    async def _infer_in_stream(self, request: Any) -> Any:
        try:
            self._plane.check_room()()  # as the gate does of one that comes by itself
        except CutpointError as error:
            self._plane.refused(request.model_name[:LONGEST_ID], error)
            raise
        return messages.ModelStreamInferResponse(infer_response=await self._infer(request))

    async def _infer(self, request: Any, remaining_s: float | None = None) -> Any:
        try:
            endpoint = self._endpoint_of(request)
            wanted = _wanted_outputs(request, endpoint)
            arrays = await _inputs_of(request, endpoint)
        except CutpointError as error:
            self._plane.refused(request.model_name[:LONGEST_ID], error)
            raise
        cancelled = Cancellation()
        try:
            # No name for the future: its error would keep this frame, and that the future.
            reply = await asyncio.wrap_future(
                self._plane.submit(endpoint, arrays, cancelled, remaining_s)
            )
        except asyncio.CancelledError:
            cancelled.set()  # the caller is gone: stop between segments
            raise
        load = written(self._plane.load.told(endpoint.name))
        return _response(request, endpoint, reply, wanted, load)

    def _endpoint_of(self, request: Any) -> Endpoint:
        if len(request.id) > LONGEST_ID:
            raise RemoteProtocolError(
                f"a request's id has {len(request.id)} characters; at most {LONGEST_ID} are "
                "repeated in answers"
            )
        sha256 = get_parameters(request.parameters).get("sha256")
        return self._plane.endpoint(
            request.model_name, str(sha256) if sha256 else None, request.model_version
        )


async def _inputs_of(request: Any, endpoint: Endpoint) -> Arrays:
    contents = request.raw_input_contents
    if len(contents) != len(request.inputs):
        raise RemoteProtocolError(
            f"{endpoint.name}: {len(request.inputs)} inputs but {len(contents)} raw contents; "
            "send every tensor in raw_input_contents"
        )
    given = [spec_of(tensor.name, tensor.datatype, tensor.shape) for tensor in request.inputs]
    check_specs(endpoint.model.inputs_of(endpoint.cut), given, endpoint.name)
    has_text = any(spec.dtype == TEXT for spec in given)
    if has_text and sum(map(len, contents)) > _LONG_TEXT_BYTES:
        return await asyncio.to_thread(_arrays, given, contents)
    return _arrays(given, contents)


def _arrays(specs: Sequence[TensorSpec], contents: Sequence[bytes]) -> Arrays:
    # As views of a message they may lie at addresses that no number may have: so each is copied.
    return {
        spec.name: to_array(spec, bytes(raw)) for spec, raw in zip(specs, contents, strict=True)
    }


def _wanted_outputs(request: Any, endpoint: Endpoint) -> tuple[str, ...]:
    made = [spec.name for spec in endpoint.model.outputs_of(endpoint.cut)]
    asked = [tensor.name for tensor in request.outputs]
    unknown = sorted(set(asked) - set(made))
    if unknown:
        raise RemoteProtocolError(f"{endpoint.name}: unknown outputs {unknown}; it makes {made}")
    if len(set(asked)) < len(asked):
        raise RemoteProtocolError(f"{endpoint.name}: an output is asked for twice; ask once")
    return tuple(asked or made)


def _response(
    request: Any, endpoint: Endpoint, reply: Reply, wanted: tuple[str, ...], load: str
) -> Any:
    response = messages.ModelInferResponse(
        model_name=endpoint.name, model_version=str(endpoint.model.version), id=request.id
    )
    set_parameters(response.parameters, {**reply.parameters(), LOAD: load})
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
