"""Call off segments that run on another thread."""

from threading import Event
from typing import Any

from cutpoint.execution.runtime import onnxruntime_module


class Stop:
    """
    A word to a thread that runs segments: nothing more of it is wanted.

    Segments that have not begun are not begun, ONNX Runtime ends the one that runs before its next
    operator, and an emulated device sleeps no longer.

    Parameters
    ----------
    run_options
        ONNX Runtime's, of the caller. They are the caller's to end and may serve other runs as
        well: with them a segment that has begun is finished. By default they are made here.
    """

    def __init__(self, run_options: Any = None) -> None:
        self._owns_options = run_options is None
        self.run_options = onnxruntime_module().RunOptions() if run_options is None else run_options
        self._event = Event()

    def __repr__(self) -> str:
        return f"<Stop{', told' if self.is_told() else ''}>"

    def tell(self) -> None:
        """Call it off; any thread, as often as one likes."""
        self._event.set()
        if self._owns_options:
            self.run_options.terminate = True

    def is_told(self) -> bool:
        """Tell whether it was called off."""
        return self._event.is_set()

    def sleep(self, duration_s: float) -> None:
        """Sleep, until it is called off at the latest."""
        self._event.wait(duration_s)
