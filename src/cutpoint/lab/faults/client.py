"""A client under observation: every request and its end is in the history."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutpoint.client.session import InferenceSession
from cutpoint.exceptions import CutpointError
from cutpoint.lab.equivalence import is_equal
from cutpoint.lab.faults.history import Ended, History, Invoked, ended_of

Feed = Mapping[str, NDArray[np.generic]]


@dataclass
class ObservedClient:
    """
    Runs a session and judges its answers.

    Parameters
    ----------
    name
        In the history.
    session
        Of a model with one output.
    feeds
        Taken in turns.
    expected
        What the uncut model makes of each.
    history
        Told everything.
    """

    name: str
    session: InferenceSession
    feeds: Sequence[Feed]
    expected: Sequence[NDArray[np.generic]]
    history: History
    _number: int = field(default=0, init=False)

    def run(self) -> Ended:
        """Run one request to its end."""
        number, self._number = self._number, self._number + 1
        idx = number % len(self.feeds)
        began_s = self.history.now_s()
        self.history.add(Invoked(self.name, number, began_s))
        try:
            outputs: list[Any] = self.session.run(None, self.feeds[idx])
        except CutpointError as error:
            ended = Ended(
                client=self.name,
                number=number,
                began_s=began_s,
                ended_s=self.history.now_s(),
                is_right=None,
                error=f"{type(error).__name__}: {error}",
            )
        else:
            ended_s = self.history.now_s()
            record = self.session.last_record
            assert record is not None
            is_right = is_equal(outputs[0], self.expected[idx])
            ended = ended_of(self.name, number, (began_s, ended_s), is_right, record)
        self.history.add(ended)
        return ended

    def run_until(
        self, is_enough: Callable[[Ended], bool], timeout_s: float, pause_s: float = 0.0
    ) -> Ended:
        """
        Run requests until one is as wished; gives that one.

        Parameters
        ----------
        pause_s
            Between two of them.

        Raises
        ------
        TimeoutError
            If none was in time.
        """
        until_s = self.history.now_s() + timeout_s
        waiting = Event()
        while True:
            ended = self.run()
            if is_enough(ended):
                return ended
            if self.history.now_s() > until_s:
                raise TimeoutError(
                    f"{self.name}: no request was as wished within {timeout_s:.1f} s; the last "
                    f"one: {ended}"
                )
            waiting.wait(pause_s)


class Traffic:
    """
    One client that asks without a break, on a thread of its own, while a block lasts.

    Parameters
    ----------
    client
        Runs the requests.
    pause_s
        Between one answer and the next request.
    """

    def __init__(self, client: ObservedClient, pause_s: float = 0.0) -> None:
        self._client = client
        self._pause_s = pause_s
        self._stopped = Event()
        self._problem: BaseException | None = None
        self._thread = Thread(target=self._run, name=f"traffic-{client.name}", daemon=True)

    def __enter__(self) -> "Traffic":  # noqa: PYI034 (Self needs Python 3.11)
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self._stopped.set()
        self._thread.join()
        if self._problem is not None and error is None:
            raise self._problem

    def _run(self) -> None:
        try:
            while not self._stopped.wait(self._pause_s):
                self._client.run()
        except BaseException as problem:  # whoever holds the block is told at its end
            self._problem = problem
