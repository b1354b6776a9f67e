"""A model file run as it is written, node by node: nothing is fused or folded before."""

from collections.abc import Mapping
from typing import Any

from cutpoint.execution.element_types import (
    as_ort_value,
    fetched,
    from_runtime,
    is_fetchable,
    to_fed,
)
from cutpoint.execution.runtime import for_segments, onnxruntime_module, quiet_options

_TENSOR = "tensor("


class PlainSession:
    """
    A session of ONNX Runtime with its optimisations off.

    Parameters
    ----------
    source
        Path or content of the model file.
    options
        Session options with whatever custom operators the model needs; quiet ones by default.
    folder
        Of the data files of a model given as bytes.
    """

    def __init__(self, source: str | bytes, options: Any = None, folder: str | None = None) -> None:
        runtime = onnxruntime_module()
        if options is None:
            options = quiet_options()
        level = options.graph_optimization_level
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            with for_segments(options, folder) as lent:
                self._session = runtime.InferenceSession(
                    source, lent, providers=["CPUExecutionProvider"]
                )
        finally:
            options.graph_optimization_level = level
        self.inputs = tuple(arg.name for arg in self._session.get_inputs())
        self.outputs = tuple(arg.name for arg in self._session.get_outputs())
        types = [arg.type for arg in (*self._session.get_inputs(), *self._session.get_outputs())]
        self._is_foreign = not all(map(_is_fetchable, types))

    def __repr__(self) -> str:
        return f"<PlainSession {list(self.inputs)} -> {list(self.outputs)}>"

    def run(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """
        Run once.

        Parameters
        ----------
        values
            What the model takes, among others.

        Returns
        -------
        dict
            Its outputs by name.
        """
        feed = {name: values[name] for name in self.inputs if name in values}
        if not self._is_foreign:
            return dict(zip(self.outputs, self._session.run(None, feed), strict=True))
        given = {name: as_ort_value(to_fed(array)) for name, array in feed.items()}
        made = self._session.run_with_ort_values(list(self.outputs), given)
        return {name: fetched(value) for name, value in zip(self.outputs, made, strict=True)}


def _is_fetchable(type_: str) -> bool:
    if not type_.startswith(_TENSOR):
        return True
    dtype = from_runtime(type_[len(_TENSOR) : -1])
    return dtype is None or is_fetchable(dtype)
