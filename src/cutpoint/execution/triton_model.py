"""What Triton's Python backend runs: one ONNX file in ONNX Runtime.

A copy of this file lies beside each ``model.onnx`` that `cutpoint export --backend python`
writes. It needs numpy and ONNX Runtime where Triton's interpreter finds them, and nothing of
cutpoint.
"""

import json
import os
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils  # Triton's own, there alone

_GPU_PROVIDERS = ("CUDAExecutionProvider", "ROCMExecutionProvider")


class TritonPythonModel:
    """Runs requests, as many as Triton gives at once as one batch."""

    def initialize(self, args: dict[str, str]) -> None:
        """Open the file that the configuration names."""
        config = json.loads(args["model_config"])
        parameters = {key: each["string_value"] for key, each in config["parameters"].items()}
        folder = os.path.join(args["model_repository"], args["model_version"])
        options = onnxruntime.SessionOptions()
        # Instances share the processor: one that waits for work must not keep it busy.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if "intra_op_thread_count" in parameters:
            options.intra_op_num_threads = int(parameters["intra_op_thread_count"])
        self._session = onnxruntime.InferenceSession(
            os.path.join(folder, parameters["onnx"]), options, providers=_providers(args)
        )
        self._inputs = [each["name"] for each in config["input"]]
        self._outputs = [each["name"] for each in config["output"]]
        self._texts = {
            each["name"]
            for each in (*config["input"], *config["output"])
            if each["data_type"] == "TYPE_STRING"
        }
        self._is_batching = config["max_batch_size"] > 0

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer requests; one that cannot be run fails alone."""
        if self._is_batching and len(requests) > 1:
            try:
                return self._together([self._feed(request) for request in requests])
            except Exception:  # a class per status: which request it was, each by itself will tell
                pass
        return [self._alone(request) for request in requests]

    def _feed(self, request: Any) -> dict[str, Any]:
        given = {
            name: pb_utils.get_input_tensor_by_name(request, name).as_numpy()
            for name in self._inputs
        }
        for name in self._texts.intersection(given):
            texts = [each.decode() for each in given[name].reshape(-1)]
            given[name] = np.array(texts, dtype=object).reshape(given[name].shape)
        return given

    def _together(self, feeds: list[dict[str, Any]]) -> list[Any]:
        joined = {name: np.concatenate([feed[name] for feed in feeds]) for name in self._inputs}
        made = self._session.run(self._outputs, joined)
        sizes = [len(feed[self._inputs[0]]) for feed in feeds]
        ends = np.cumsum(sizes)
        if any(len(array) != ends[-1] for array in made):
            raise ValueError("an output has not as many rows as came in")
        return [
            self._response([array[end - size : end] for array in made])
            for size, end in zip(sizes, ends, strict=True)
        ]

    def _alone(self, request: Any) -> Any:
        try:
            return self._response(self._session.run(self._outputs, self._feed(request)))
        except Exception as error:  # a class per status, none of them public
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error)))

    def _response(self, arrays: list[Any]) -> Any:
        tensors = []
        for name, array in zip(self._outputs, arrays, strict=True):
            if name in self._texts:
                texts = [str(each).encode() for each in array.reshape(-1)]
                array = np.array(texts, dtype=object).reshape(array.shape)
            tensors.append(pb_utils.Tensor(name, np.ascontiguousarray(array)))
        return pb_utils.InferenceResponse(tensors)


def _providers(args: dict[str, str]) -> list[Any]:
    """Give those of the instance's device, the processor's last."""
    if args["model_instance_kind"] != "GPU":
        return ["CPUExecutionProvider"]
    device = {"device_id": args["model_instance_device_id"]}
    present = set(onnxruntime.get_available_providers())
    found = [(name, device) for name in _GPU_PROVIDERS if name in present]
    return [*found, "CPUExecutionProvider"]
