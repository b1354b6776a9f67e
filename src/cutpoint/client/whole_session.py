"""ONNX Runtime's own session of the whole model, made when it is first needed."""

import os
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from cutpoint.client.encoded_inputs import decoded_feed
from cutpoint.client.engine import Engine
from cutpoint.execution.runtime import onnxruntime_module
from cutpoint.graph import ANY


class WholeSession:
    """
    Creates the session exactly as it was asked for, once.

    Parameters
    ----------
    path_or_bytes, sess_options, providers, provider_options, **kwargs
        As for `onnxruntime.InferenceSession`.
    """

    def __init__(
        self,
        path_or_bytes: str | bytes | os.PathLike[str],
        sess_options: Any,
        providers: Sequence[Any] | None,
        provider_options: Sequence[Mapping[str, Any]] | None,
        **kwargs: Any,
    ) -> None:
        self._given = (path_or_bytes, sess_options, providers, provider_options)
        self._more = kwargs
        self._session: Any = None
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<WholeSession{'' if self._session else ', not made'}>"

    def get(self) -> Any:
        """Give the session."""
        with self._lock:
            if self._session is None:
                self._session = onnxruntime_module().InferenceSession(*self._given, **self._more)
            return self._session

    def described(self, engine: Engine | None, which: int) -> list[Any]:
        """
        Give ONNX Runtime's descriptions of the inputs (0) or outputs (1), in the model's order.

        Parameters
        ----------
        engine
            Where its segments know all of them, no session is made for it.
        """
        if engine is not None:
            found = engine.segments.node_args()[which]
            if found and len(found) == len((engine.graph.inputs, engine.graph.outputs)[which]):
                return found
        session = self.get()
        return list((session.get_inputs, session.get_outputs)[which]())

    def decoded(self, feed: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give a feed with the pixels of its pictures."""
        return decoded_feed(self._shape_of, feed)

    def _shape_of(self, name: str) -> tuple[int, ...] | None:
        shapes = {each.name: each.shape for each in self.get().get_inputs()}
        if name not in shapes:
            return None
        return tuple(size if isinstance(size, int) else ANY for size in shapes[name])
