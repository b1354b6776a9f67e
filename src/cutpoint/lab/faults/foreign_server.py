"""A server of the Open Inference Protocol that is not cutpoint's: whole models, no digests.

As a program: ``python -m cutpoint.lab.faults.foreign_server MODEL --port PORT``.
"""

import argparse
import json
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from cutpoint.execution.runtime import onnxruntime_module
from cutpoint.wire.protocol import messages, model_config, services

_END_S = 1.0


class ForeignService(services.GRPCInferenceServiceServicer):  # type: ignore[misc]
    """
    Runs one model of float32 values by ModelInfer, and tells nothing of the file it holds.

    Parameters
    ----------
    path
        Of the model; its name without the suffix is the model's.
    """

    def __init__(self, path: Path) -> None:
        self._name = path.stem
        self._session = onnxruntime_module().InferenceSession(str(path))

    def ServerReady(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Be ready."""
        return messages.ServerReadyResponse(ready=True)

    def ModelReady(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Have one model."""
        return messages.ModelReadyResponse(ready=request.name == self._name)

    def ModelConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Tell nothing of cutpoint's."""
        return messages.ModelConfigResponse(config=model_config.ModelConfig(name=request.name))

    def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Run the whole model."""
        feed = {
            tensor.name: np.frombuffer(content, np.float32).reshape(list(tensor.shape))
            for tensor, content in zip(request.inputs, request.raw_input_contents, strict=True)
        }
        response = messages.ModelInferResponse(model_name=self._name, id=request.id)
        names = [output.name for output in self._session.get_outputs()]
        for name, array in zip(names, self._session.run(None, feed), strict=True):
            response.outputs.add(name=name, datatype="FP32", shape=array.shape)
            response.raw_output_contents.append(array.tobytes())
        return response


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m cutpoint.lab.faults.foreign_server")
    parser.add_argument("model", type=Path)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    server = grpc.server(ThreadPoolExecutor(4))
    service = ForeignService(options.model)
    services.add_GRPCInferenceServiceServicer_to_server(service, server)
    port = server.add_insecure_port(f"127.0.0.1:{options.port}")
    server.start()
    _say({"event": "listening", "address": f"127.0.0.1:{port}"})
    _say({"event": "ready"})
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
    server.stop(_END_S).wait()


def _say(event: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
