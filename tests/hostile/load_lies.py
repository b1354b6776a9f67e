"""What a server may say of its load that is not so."""

import itertools
import math
import random
from collections.abc import Callable, Iterator
from typing import Any

from cutpoint.wire.load_text import LOAD, read
from cutpoint.wire.protocol import messages

_HOUR_S = 3600.0
_LETTERS = "=:, 0123456789eE+-.nanifkwpt_s\x00"


class LoadLie:
    """
    Tells other words wherever the load is told: with answers, and with probes.

    Parameters
    ----------
    words
        Gives what is told in place of the truth; a float is told as a number.
    """

    is_of_probes = True

    def __init__(self, words: Callable[[str], str | float]) -> None:
        self._words = words

    def __call__(self, message: Any) -> Iterator[Any]:
        """Spoil one frame, if it tells the load."""
        if LOAD not in message.infer_response.parameters:
            yield message
            return
        spoiled = messages.ModelStreamInferResponse()
        spoiled.CopyFrom(message)
        parameter = spoiled.infer_response.parameters[LOAD]
        told = self._words(parameter.string_param)
        if isinstance(told, float):
            parameter.double_param = told
        else:
            parameter.string_param = told
        yield spoiled


def _always(text: str | float) -> LoadLie:
    return LoadLie(lambda truth: text)


def _by_a_clock_that_jumps() -> LoadLie:
    """Tell the truth, by a clock that is set by an hour and more with every word."""
    hours = itertools.cycle((0.0, 1.0, -1.0, 1000.0, math.nan))

    def words(truth: str) -> str:
        told = read(truth)
        assert told is not None
        at_s = (told.at_s or 0.0) + _HOUR_S * next(hours)
        return f"at_s={at_s} age_s=0.01 wait_s=0.001 k=1.0"

    return LoadLie(words)


def _noise() -> LoadLie:
    rng = random.Random(7)
    return LoadLie(lambda truth: "".join(rng.choices(_LETTERS, k=rng.randrange(200))))


LOAD_LIES: dict[str, LoadLie] = {
    "negative": _always("at_s=-1 age_s=0 wait_s=-5 k=-3 batch=-1 pending=-7 run_s=-1:-2"),
    "no numbers": _always("at_s=nan age_s=nan wait_s=nan k=nan batch=inf pending=nan run_s=1:nan"),
    "huge": _always(
        "at_s=1e300 age_s=0 wait_s=1e300 k=1e300 batch=1e300 pending=1e300 run_s=1:1e9"
    ),
    "from the future": _always("at_s=5 age_s=-3600 wait_s=9 k=9 pending=3"),
    "always idle": _always("at_s=5 age_s=0 wait_s=0 k=1e-9 batch=1 pending=0"),
    "absent": _always(""),
    "endless": _always("k=" + "9" * 100_000),
    "a clock that jumps": _by_a_clock_that_jumps(),
    "noise": _noise(),
    "no words": _always(math.nan),
}
