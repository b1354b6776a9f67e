"""cutpoint as an ONNX backend: what ONNX's own suite runs models with, whole and at any cut."""

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
from onnx.backend.base import Backend, BackendRep

from cutpoint.exceptions import InvalidCutError, ModelError
from cutpoint.execution import ModelFile, Segments
from cutpoint.execution.optimise import load_open_graph
from cutpoint.execution.runtime import quiet_options
from cutpoint.execution.trial_run import try_out
from cutpoint.graph import (
    Arrays,
    Cut,
    Graph,
    cut_at_head,
    graph_from_model,
    plain_model,
    value_names,
    with_trial,
)
from cutpoint.testing.carried import carried

_PROVIDERS = ["CPUExecutionProvider"]


class CutpointBackend(Backend):
    """ONNX's interface to a runtime, for the processor."""

    @classmethod
    def is_compatible(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        """Tell whether ONNX Runtime can load the model here."""
        try:
            cls.prepare(model, device, **kwargs)
        except ModelError:
            return False
        return True

    @classmethod
    def prepare(
        cls,
        model: onnx.ModelProto,
        device: str = "CPU",
        *,
        is_optimised: bool = True,
        **kwargs: Any,
    ) -> "PreparedModel":
        """
        Read a model so that it can be run whole and at any cut.

        Parameters
        ----------
        model
            Any, with dimensions, types and inputs as it likes.
        device
            ``CPU``.
        is_optimised
            Whether the nodes are those ONNX Runtime's basic level leaves, as a session
            cuts them; otherwise those of the file.
        kwargs
            Tolerances and the like, which the suite passes on; not used.

        Raises
        ------
        ModelError
            If ONNX Runtime cannot load the model, or the device is another one.
        """
        if not cls.supports_device(device):
            raise ModelError(f"device {device!r}: the backend runs on CPU")
        return PreparedModel(_optimised(model) if is_optimised else _as_written(model))

    @classmethod
    def run_model(
        cls, model: onnx.ModelProto, inputs: Any, device: str = "CPU", **kwargs: Any
    ) -> tuple[Any, ...]:
        """Run a model once, whole."""
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Tell whether a device is the processor."""
        return device.split(":")[0] == "CPU"


class PreparedModel(BackendRep):
    """
    A model that runs whole, or head and tail apart.

    Parameters
    ----------
    graph
        What is run and cut.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._whole: Segments | None = None

    @property
    def heads(self) -> tuple[int, ...]:
        """Every topological prefix with nodes on both sides, as bit masks."""
        return tuple((1 << size) - 1 for size in range(1, len(self.graph.nodes)))

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """
        Run the whole model.

        Parameters
        ----------
        inputs
            In the model's order, or by name.
        kwargs
            Not used.

        Returns
        -------
        tuple
            The outputs in the model's order.
        """
        if self._whole is None:
            self._whole = _segments(self.graph, ())
        feed = self._fed(inputs)
        return self._outputs(self._whole, self._whole.run(self._whole.segments, feed).values)

    def run_at(self, head: int, inputs: Any) -> tuple[Any, ...]:
        """
        Run a head, carry what crosses as bytes, and run the tail.

        Parameters
        ----------
        head
            Predecessor-closed nodes, as a bit mask.
        inputs
            As for `run`.

        Raises
        ------
        InvalidCutError
            If a value that is no tensor crosses.
        ModelError
            If ONNX Runtime cannot load a segment.
        """
        stuck = self.stuck_at(head)
        if stuck:
            raise InvalidCutError(f"{list(stuck)} would cross, and cannot travel: cut elsewhere")
        cut = cut_at_head(self.graph, head)
        segments = _segments(self.graph, (cut,))
        made = segments.run(segments.head_of(cut), self._fed(inputs)).values
        sent = {name: carried(self.graph.values[name], made[name]) for name in cut.crossing}
        returned = segments.run(segments.tail_of(cut), sent).values
        return self._outputs(segments, {**made, **{name: returned[name] for name in cut.returned}})

    def stuck_at(self, head: int) -> tuple[str, ...]:
        """Give the values that would cross behind a head and cannot travel."""
        crossing = cut_at_head(self.graph, head).crossing
        return tuple(name for name in crossing if not self.graph.values[name].can_travel)

    def _fed(self, inputs: Any) -> Arrays:
        if isinstance(inputs, Mapping):
            return dict(inputs)
        given: Sequence[Any] = inputs
        return dict(zip(self.graph.inputs, given, strict=True))

    def _outputs(self, segments: Segments, values: Mapping[str, Any]) -> tuple[Any, ...]:
        made = segments.outputs_of(values)
        return tuple(made[name] for name in self.graph.outputs)


def _optimised(model: onnx.ModelProto) -> Graph:
    return _typed(load_open_graph(ModelFile.open(model.SerializeToString())))


def _as_written(model: onnx.ModelProto) -> Graph:
    source = plain_model(_copy(model))
    names = value_names(source)
    return _typed(graph_from_model(source, name="model", sha256="", original_names=names))


def _copy(model: onnx.ModelProto) -> onnx.ModelProto:
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    return copied


def _typed(graph: Graph) -> Graph:
    """Ask ONNX Runtime for the types of values that ONNX's shape inference does not know."""
    unknown = [name for name, value in graph.values.items() if value.kind == "unknown"]
    return with_trial(graph, try_out(graph, unknown, {})) if unknown else graph


def _segments(graph: Graph, cuts: tuple[Cut, ...]) -> Segments:
    return Segments(graph, cuts, options=quiet_options(1), providers=_PROVIDERS)
