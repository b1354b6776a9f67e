"""A program that keeps so many requests under way at a Triton, by tritonclient alone.

It is told on its standard input how many; it ends when that does.
"""

import sys
from collections.abc import Callable
from threading import Condition, Thread
from typing import Any

import numpy as np
import tritonclient.grpc as triton_client
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

_MOST = 64


class Callers:
    """
    Threads that ask, each again as soon as it is answered, as many as are wanted now.

    Parameters
    ----------
    ask
        Asks once.
    """

    def __init__(self, ask: Callable[[], object]) -> None:
        self._ask = ask
        self._wanted = 0
        self._changed = Condition()
        self._threads: list[Thread] = []

    def set(self, number: int) -> None:
        """Let so many ask from now on."""
        with self._changed:
            self._wanted = min(max(number, 0), _MOST)
            while len(self._threads) < self._wanted:
                thread = Thread(target=self._run, args=(len(self._threads),), daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify_all()

    def _run(self, index: int) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: index < self._wanted)
            try:
                self._ask()
            except InferenceServerException as error:
                sys.stderr.write(f"caller {index}: {error}\n")
                with self._changed:
                    self._changed.wait(0.1)


def _inputs(client: Any, model: str) -> list[Any]:
    """Make up inputs of a model, each open dimension 1."""
    rng = np.random.default_rng(0)
    inputs = []
    for told in client.get_model_metadata(model).inputs:
        shape = [max(size, 1) for size in told.shape]
        array = rng.random(shape).astype(triton_to_np_dtype(told.datatype))
        tensor = triton_client.InferInput(told.name, shape, told.datatype)
        tensor.set_data_from_numpy(array)
        inputs.append(tensor)
    return inputs


def main() -> None:
    """Ask the model and the address given, as many at once as the latest line says."""
    address, model = sys.argv[1:]
    client = triton_client.InferenceServerClient(address)
    inputs = _inputs(client, model)
    callers = Callers(lambda: client.infer(model, inputs))
    for line in sys.stdin:
        callers.set(int(line))
        sys.stdout.write("\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
