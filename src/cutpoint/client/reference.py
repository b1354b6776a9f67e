"""What this device makes of one input: servers that tell no digest are checked by it."""

from collections.abc import Callable
from dataclasses import dataclass

from cutpoint.execution import Segments
from cutpoint.graph import Arrays, Cut


@dataclass(frozen=True)
class Reference:
    """
    One input, and what the model's parts make of it here.

    Parameters
    ----------
    feed
        The input.
    values
        What was made of it, by name: every output, and every value that crosses a cut.
    tail
        Gives what the tail behind a cut makes of crossing values.
    """

    feed: Arrays
    values: Arrays
    tail: Callable[[Cut, Arrays], Arrays]


def reference_of(segments: Segments, feed: Arrays) -> Reference:
    """Run a feed through the segments."""
    made = segments.run(segments.segments, feed).values
    crossing = {name for cut in segments.cuts for name in cut.crossing}
    kept = {name: made[name] for name in crossing if name in made}

    def tail(cut: Cut, values: Arrays) -> Arrays:
        found = segments.run(segments.tail_of(cut), values).values
        return {name: found[name] for name in cut.returned}

    return Reference(feed, {**kept, **segments.outputs_of(made)}, tail)
