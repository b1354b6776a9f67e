"""What a server tells of its load, as one short line of text.

``at_s=812.403 age_s=0.012 wait_s=0.00123 k=1.04 batch=1.3 pending=2 run_s=1:0.0123,4:0.0311``:
words in any order, each at most once; what is not known is left out, and words of newer servers
are passed over. As parameters of their own the same would take twice the bytes, with every answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

LOAD = "load"
"""Parameter of an answer, of a refusal, and of an acknowledgement of a probe of nothing."""

LONGEST_TEXT = 1024
"""Characters; longer is no word on a load."""

_LONGEST_S = 86_400.0
"""No wait, execution or age that is longer is told in earnest."""

_HIGHEST_SLOWDOWN = 1e6
_MOST_REQUESTS = 1e9
_MOST_BATCHES = 16


@dataclass(frozen=True)
class ToldLoad:
    """
    One server's word on its load; what it did not tell, or cannot be true, is ``None``.

    Parameters
    ----------
    at_s
        When it was written, by the server's own clock, which nobody else's is like.
    age_s
        How old its latest figure was then; ``None`` where it has none.
    wait_s
        Mean wait of the latest requests in its queue.
    slowdown
        Their execution time / that of the idle server.
    batch
        Requests that ran as one, on average.
    num_pending
        Requests that run or wait now.
    execution_s
        Pairs of batch size and mean execution time of what was asked for, ascending by batch.
    """

    at_s: float | None = None
    age_s: float | None = None
    wait_s: float | None = None
    slowdown: float | None = None
    batch: float | None = None
    num_pending: int | None = None
    execution_s: tuple[tuple[int, float], ...] = ()


def written(load: ToldLoad) -> str:
    """Give the line; times by the microsecond, or five digits where they are shorter."""
    words = {
        "at_s": None if load.at_s is None else f"{load.at_s:.6f}",
        "age_s": _short(load.age_s),
        "wait_s": _short(load.wait_s),
        "k": _short(load.slowdown),
        "batch": _short(load.batch),
        "pending": None if load.num_pending is None else str(load.num_pending),
        "run_s": ",".join(
            f"{batch}:{_short(run_s)}" for batch, run_s in load.execution_s[:_MOST_BATCHES]
        ),
    }
    return " ".join(f"{word}={value}" for word, value in words.items() if value)


def read(text: object) -> ToldLoad | None:
    """
    Read a line; ``None`` if it is none.

    Whoever writes it may lie or be broken: nothing raises here, and a word that cannot be true
    counts as not told. Figures that come from the future, by an age below zero, are not those of
    a measurement: all of them count as not told.
    """
    if not isinstance(text, str) or not text or len(text) > LONGEST_TEXT:
        return None
    words = dict(each.split("=", 1) for each in text.split() if "=" in each)
    pending = _number(words, "pending", _MOST_REQUESTS)
    age_s = _number(words, "age_s", _LONGEST_S)
    at_s = _number(words, "at_s", float("inf"))
    num_pending = None if pending is None else int(pending)
    if "age_s" in words and age_s is None:
        return ToldLoad(at_s=at_s, num_pending=num_pending)
    batch = _number(words, "batch", _MOST_REQUESTS)
    slowdown = _number(words, "k", _HIGHEST_SLOWDOWN)
    return ToldLoad(
        at_s=at_s,
        age_s=age_s,
        wait_s=_number(words, "wait_s", _LONGEST_S),
        slowdown=slowdown if slowdown else None,
        batch=batch if batch is None or batch >= 1 else None,
        num_pending=num_pending,
        execution_s=_executions(words.get("run_s", "")),
    )


def _short(value: float | None) -> str | None:
    return None if value is None else f"{value:.5g}"


def _number(words: Mapping[str, str], word: str, most: float) -> float | None:
    try:
        value = float(words[word])
    except (KeyError, ValueError):
        return None
    return value if isfinite(value) and 0 <= value <= most else None


def _executions(text: str) -> tuple[tuple[int, float], ...]:
    found: dict[int, float] = {}
    for pair in text.split(",")[:_MOST_BATCHES]:
        batch, _, run_s = pair.partition(":")
        value = _number({"run_s": run_s}, "run_s", _LONGEST_S)
        if batch.isdecimal() and 0 < len(batch) <= 6 and int(batch) > 0 and value:
            found[int(batch)] = value
    return tuple(sorted(found.items()))
