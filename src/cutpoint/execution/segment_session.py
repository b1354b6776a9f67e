"""A session of ONNX Runtime that runs one segment."""

from collections.abc import Mapping
from typing import Any

from cutpoint.exceptions import ModelError
from cutpoint.execution.element_types import as_ort_value, fetched, is_fetchable, to_fed
from cutpoint.graph import TEXT, Graph, Segment


class SegmentSession:
    """
    Feeds a segment from values by name, and gives what it makes.

    Parameters
    ----------
    graph, segment
        What runs.
    session
        Of ONNX Runtime, with the segment's inputs and outputs by name.

    Raises
    ------
    ModelError
        If it takes text and makes values of a type that NumPy lacks.
    """

    def __init__(self, graph: Graph, segment: Segment, session: Any) -> None:
        self.session = session
        self._inputs = segment.inputs
        self._outputs = list(segment.outputs)
        # Decided once: of the types NumPy has, which are all in most models, nothing is asked.
        self._has_foreign_inputs = not _all_fetchable(graph, segment.inputs)
        self._has_foreign_outputs = not _all_fetchable(graph, segment.outputs)
        if self._has_foreign_outputs:
            _check_no_text(graph, segment)

    def __repr__(self) -> str:
        return f"<SegmentSession {list(self._inputs)} -> {self._outputs}>"

    def run(self, values: Mapping[str, Any], run_options: Any = None) -> list[Any]:
        """
        Run once.

        Parameters
        ----------
        values
            What the segment needs, among others.
        run_options
            ONNX Runtime's.

        Returns
        -------
        list
            What it makes, in the order of its outputs.
        """
        feed = {name: values[name] for name in self._inputs}
        if self._has_foreign_inputs:
            feed = {name: to_fed(value) for name, value in feed.items()}
        if not self._has_foreign_outputs:
            return list(self.session.run(self._outputs, feed, run_options))
        given = {name: as_ort_value(value) for name, value in feed.items()}
        made = self.session.run_with_ort_values(self._outputs, given, run_options)
        return [fetched(value) for value in made]


def _all_fetchable(graph: Graph, names: tuple[str, ...]) -> bool:
    dtypes = (graph.values[name].dtype for name in names)
    return all(dtype is None or is_fetchable(dtype) for dtype in dtypes)


def _check_no_text(graph: Graph, segment: Segment) -> None:
    """Refuse what ONNX Runtime for Python has no way to feed: its own value of a text."""
    texts = [name for name in segment.inputs if graph.values[name].dtype == TEXT]
    if texts:
        raise ModelError(
            f"segment {segment.id} of {graph.name!r} takes text ({texts}) and makes values that "
            f"NumPy has no type for ({list(segment.outputs)}): ONNX Runtime cannot be fed both "
            "from Python; cut between them"
        )
