"""A source of load whose rate changes while it runs, as a process of its own."""

import asyncio
import sys

import msgspec
import numpy as np

from cutpoint.client.retry_budget import RetryBudget
from cutpoint.lab.load_order import Load, LoadOrder, LoadWord, Target
from cutpoint.lab.load_source import Source

_NO_RETRIES = 0.0


class Arrivals:
    """
    A Poisson process whose rate may change at any moment.

    Each request waits for a share of work, exponential with mean 1, that is used up at the
    present rate: so a change takes effect at once, and the arrivals are Poisson at every rate.

    Parameters
    ----------
    seed
        Of the shares.
    """

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._changed = asyncio.Event()
        self._rate_per_s = 0.0

    def set_rate(self, rate_per_s: float) -> None:
        """Go on at another rate; 0 for none."""
        self._rate_per_s = rate_per_s
        self._changed.set()

    async def next_due_s(self, from_s: float) -> float:
        """
        Wait for the next arrival, and give the time that it was due.

        Parameters
        ----------
        from_s
            When the last one was due, on the loop's clock.
        """
        loop = asyncio.get_running_loop()
        left, at_s = float(self._rng.exponential()), from_s
        while True:
            rate_per_s = self._rate_per_s
            due_s = at_s + left / rate_per_s if rate_per_s else np.inf
            self._changed.clear()
            wait_s = max(due_s - loop.time(), 0.0) if rate_per_s else None
            try:
                await asyncio.wait_for(self._changed.wait(), wait_s)
            except asyncio.TimeoutError:
                return due_s
            now_s = loop.time()
            if now_s >= due_s:
                return due_s
            left -= (now_s - at_s) * rate_per_s
            at_s = now_s


class ChangingLoad:
    """
    Asks at the present rate, whether it is answered or not.

    Parameters
    ----------
    source
        Makes the requests.
    deadline_s
        An answer is of use so long after its request was due.
    seed
        Of the arrivals.
    """

    def __init__(self, source: Source, deadline_s: float, seed: int) -> None:
        self.load = Load()
        self.arrivals = Arrivals(seed)
        self._source = source
        self._order = LoadOrder(0.0, deadline_s)
        self._asked: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Ask until cancelled."""
        loop = asyncio.get_running_loop()
        due_s, budget = loop.time(), RetryBudget(_NO_RETRIES)
        while True:
            due_s = await self.arrivals.next_due_s(due_s)
            self.load.lag_s.append(loop.time() - due_s)
            work = self._source.request(self._order, budget, due_s, self.load)
            task = loop.create_task(work)
            self._asked.add(task)
            task.add_done_callback(self._asked.discard)


async def _serve(target: Target, deadline_s: float, seed: int) -> None:
    source = Source(target)
    changing = ChangingLoad(source, deadline_s, seed)
    loop = asyncio.get_running_loop()
    running = loop.create_task(changing.run())
    try:
        while line := await loop.run_in_executor(None, sys.stdin.buffer.readline):
            word = msgspec.json.decode(line, type=LoadWord)
            if word.rate_per_s is not None:
                changing.arrivals.set_rate(word.rate_per_s)
                continue
            order = word.order
            load = changing.load if order is None else await source.carry_out(order)
            sys.stdout.buffer.write(msgspec.json.encode(load) + b"\n")
            sys.stdout.buffer.flush()
    finally:
        running.cancel()
        await source.close()


if __name__ == "__main__":
    asyncio.run(
        _serve(msgspec.json.decode(sys.argv[1], type=Target), float(sys.argv[2]), int(sys.argv[3]))
    )
