"""Load on a server while something else is measured: a share of what it can do."""

import subprocess
import sys
from pathlib import Path
from types import TracebackType

import msgspec

from cutpoint.exceptions import ConfigurationError, ModelError
from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph.element_types import TEXT
from cutpoint.lab.load_order import GivenInput, Load, LoadOrder, LoadWord, Target
from cutpoint.lab.load_process import end_source

_WARM_UP_S = 0.5
_AT_ONCE = (2, 4)
"""Requests under way while the capacity is measured: more than are computed, none refused."""

_NO_DEADLINE_S = 60.0


def target_of(
    model: str | Path, *addresses: str, name: str | None = None, num_connections: int = 4
) -> Target:
    """
    Read from a model's file how it is asked for.

    Parameters
    ----------
    model
        Path of the ONNX file that the servers hold; any element types, fixed shapes.
    addresses
        Of the servers, in order of preference.
    name
        Under which it is served; by default the file's.
    num_connections
        To each server.

    Raises
    ------
    ModelError
        If the file cannot be used, an input's shape is open, or one is text.
    """
    graph = load_graph(ModelFile.open(Path(model)))
    inputs = []
    for each in graph.inputs:
        value = graph.values[each]
        if value.dtype == TEXT:
            raise ModelError(f"input {each!r} of {graph.name!r} is text: load needs numbers")
        inputs.append(GivenInput(each, tuple(value.shape or ()), str(value.dtype)))
    first, *others = inputs
    return Target(
        addresses,
        name or graph.name,
        graph.sha256,
        first.name,
        first.dims,
        num_connections,
        first.dtype,
        tuple(others),
    )


class BackgroundLoad:
    """
    Clients in a process of their own, at a share of a server's capacity that may be changed.

    They ask for the whole model, as a Poisson process, whether others are answered or not; who
    is refused does not ask again.

    Parameters
    ----------
    target
        Whom to ask for what.
    capacity_per_s
        Answers per second that count as 1; `measure` finds it.
    deadline_s
        A request is given up so long after it was due.
    seed
        Of the arrivals.

    Examples
    --------
    >>> with BackgroundLoad(target_of("net.onnx", server.address)) as load:
    ...     load.measure()
    ...     load.set(0.9)
    """

    def __init__(
        self,
        target: Target,
        *,
        capacity_per_s: float | None = None,
        deadline_s: float = 2.0,
        seed: int = 0,
    ) -> None:
        self.capacity_per_s = capacity_per_s
        command = [sys.executable, "-m", "cutpoint.lab.changing_load"]
        command += [msgspec.json.encode(target).decode(), str(deadline_s), str(seed)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> "BackgroundLoad":  # noqa: PYI034 (Self needs Python 3.11)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def measure(self, duration_s: float = 2.0) -> float:
        """
        Find the capacity, with nothing else at the server: the more of two and of four at once.

        Parameters
        ----------
        duration_s
            Of all of it, beside half a second to warm up.

        Returns
        -------
        float
            Answers per second.

        Raises
        ------
        RuntimeError
            If the process ended, or nothing was answered.
        """
        each_s = duration_s / len(_AT_ONCE)
        self._offered(_WARM_UP_S, _AT_ONCE[0])
        found = max(len(self._offered(each_s, each).answered_s) / each_s for each in _AT_ONCE)
        if not found:
            raise RuntimeError("the server answered nothing: see whether it holds the model")
        self.capacity_per_s = found
        return found

    def set(self, level: float) -> None:
        """
        Offer a share of the capacity from now on; returns at once.

        Parameters
        ----------
        level
            0 for nothing; above 1 the server must refuse some. What is under way is finished.

        Raises
        ------
        ConfigurationError
            If the share is none, or the capacity is not known.
        RuntimeError
            If the process ended.
        """
        if not 0 <= level < float("inf"):
            raise ConfigurationError(f"a level of load must be at least 0 and finite, got {level}")
        if self.capacity_per_s is None:
            raise ConfigurationError("the capacity is not known: measure() it, or give it")
        self._tell(LoadWord(rate_per_s=level * self.capacity_per_s))

    def counts(self) -> Load:
        """
        Tell what came of it so far, of all levels together.

        Raises
        ------
        RuntimeError
            If the process ended.
        """
        self._tell(LoadWord(asks=True))
        return self._heard()

    def close(self) -> None:
        """End the process, by force if it does not by itself; twice is fine."""
        end_source(self._process)

    def _offered(self, duration_s: float, num_at_once: int) -> Load:
        order = LoadOrder(duration_s, _NO_DEADLINE_S, num_at_once=num_at_once)
        self._tell(LoadWord(order=order))
        return self._heard()

    def _tell(self, word: LoadWord) -> None:
        stdin = self._process.stdin
        if stdin is None or stdin.closed:
            raise RuntimeError("the source of load was closed: make another")
        try:
            stdin.write(msgspec.json.encode(word) + b"\n")
            stdin.flush()
        except BrokenPipeError as error:
            raise RuntimeError("the source of load ended; see its messages") from error

    def _heard(self) -> Load:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the source of load ended; see its messages")
        return msgspec.json.decode(line, type=Load)
