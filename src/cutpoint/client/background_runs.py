"""Runs on another thread, in the order in which they were asked for."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

AsyncCallback = Callable[[list[Any] | None, Any, str], None]


class BackgroundRuns:
    """
    One after the other on a thread of its own, which is begun with the first.

    Parameters
    ----------
    deadline_s
        Wanted latency, counted from the asking; ``None`` for none.
    """

    def __init__(self, deadline_s: float | None) -> None:
        self._deadline_s = deadline_s
        self._thread: ThreadPoolExecutor | None = None

    def __repr__(self) -> str:
        return f"<BackgroundRuns{'' if self._thread else ', none yet'}>"

    def submit(
        self,
        run: Callable[..., list[Any]],
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, Any],
        callback: AsyncCallback,
        user_data: Any,
        run_options: Any,
    ) -> None:
        """
        Queue one; the callback gets its outputs, or the text of its error.

        Parameters
        ----------
        run
            Computes the outputs; takes ``deadline_s``. Not kept: a session that is dropped is
            not to live on for it.
        """
        asked_s, deadline_s = time.perf_counter(), self._deadline_s

        def work() -> None:
            left_s = None if deadline_s is None else deadline_s - (time.perf_counter() - asked_s)
            try:
                outputs = run(output_names, input_feed, run_options, deadline_s=left_s)
            except Exception as error:  # whatever it is, the caller waits for the callback
                callback(None, user_data, str(error))
            else:
                callback(outputs, user_data, "")

        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="cutpoint-async")
        self._thread.submit(work)

    def close(self) -> None:
        """Wait for those that were asked for, and end the thread."""
        if self._thread is not None:
            self._thread.shutdown()
