"""A server of the Open Inference Protocol that knows nothing of cutpoint, as a program.

Serves every ``<model>.onnx`` of a folder, as it is there at the moment, under its file's name.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import onnxruntime
from tritonclient.grpc import service_pb2 as messages
from tritonclient.grpc import service_pb2_grpc as services
from tritonclient.utils import np_to_triton_dtype, triton_to_np_dtype

_NUMPY = {
    "tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64",
    "tensor(uint8)": "uint8", "tensor(int64)": "int64", "tensor(bool)": "bool",
}  # fmt: skip


class FolderServer(services.GRPCInferenceServiceServicer):
    """Models of a folder, loaded when they are asked for and again when their file is another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded = {}

    def ServerLive(self, request, context):  # noqa: N802
        """Be alive."""
        return messages.ServerLiveResponse(live=True)

    def ServerReady(self, request, context):  # noqa: N802
        """Be ready."""
        return messages.ServerReadyResponse(ready=True)

    def ModelReady(self, request, context):  # noqa: N802
        """Tell whether a model is there."""
        self._session(request.name, context)
        return messages.ModelReadyResponse(ready=True)

    def ModelMetadata(self, request, context):  # noqa: N802
        """Describe a model."""
        session = self._session(request.name, context)
        response = messages.ModelMetadataResponse(name=request.name, versions=["1"])
        for given, described in (
            (session.get_inputs(), response.inputs),
            (session.get_outputs(), response.outputs),
        ):
            for each in given:
                shape = [size if isinstance(size, int) else -1 for size in each.shape]
                described.add(name=each.name, datatype=_datatype(each.type), shape=shape)
        return response

    def ModelInfer(self, request, context):  # noqa: N802
        """Run a model."""
        session = self._session(request.model_name, context)
        feed = {
            given.name: np.frombuffer(raw, triton_to_np_dtype(given.datatype)).reshape(
                list(given.shape)
            )
            for given, raw in zip(request.inputs, request.raw_input_contents, strict=True)
        }
        try:
            outputs = session.run(None, feed)
        except Exception as error:  # a class per status, none of them public
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        response = messages.ModelInferResponse(
            model_name=request.model_name, model_version="1", id=request.id
        )
        for each, array in zip(session.get_outputs(), outputs, strict=True):
            response.outputs.add(
                name=each.name, datatype=np_to_triton_dtype(array.dtype), shape=array.shape
            )
            response.raw_output_contents.append(array.tobytes())
        return response

    def _session(self, name, context):
        path = self._folder / f"{name}.onnx"
        if "/" in name or len(name) > 200 or not path.exists():
            context.abort(grpc.StatusCode.NOT_FOUND, f"Request for unknown model: {name[:80]!r}")
        stamp = path.stat().st_mtime_ns, path.stat().st_ino
        loaded = self._loaded.get(name)
        if loaded is None or loaded[0] != stamp:
            loaded = self._loaded[name] = stamp, onnxruntime.InferenceSession(str(path))
        return loaded[1]


def _datatype(name: str) -> str:
    return str(np_to_triton_dtype(np.dtype(_NUMPY[name])))


def main() -> None:
    """Serve a folder until the standard input ends."""
    server = grpc.server(ThreadPoolExecutor(4))
    services.add_GRPCInferenceServiceServicer_to_server(FolderServer(Path(sys.argv[1])), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"127.0.0.1:{port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop(None).wait()


if __name__ == "__main__":
    main()
