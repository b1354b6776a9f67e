"""Ranges as they are written on the command line: ``1Mbit/s..100Mbit/s``."""

from collections.abc import Callable

import numpy as np

from cutpoint.cost.cost_table import Column
from cutpoint.exceptions import UnitError
from cutpoint.records import LoadConditions


def parse_grid(text: str, parse: Callable[[str], float], num: int) -> Column:
    """
    Read ``LEAST..LARGEST`` as evenly spaced logarithms; one number alone stands for itself.

    Parameters
    ----------
    parse
        Reads one end of the range.
    num
        Points from end to end.

    Raises
    ------
    UnitError
        If an end is none, not above zero, or the range runs backwards.
    """
    ends = [parse(part.strip()) for part in text.split("..")]
    if len(ends) == 1:
        return np.array(ends)
    if len(ends) != 2 or not 0 < ends[0] <= ends[1]:
        raise UnitError(f"range {text!r}: write LEAST..LARGEST, both above zero")
    return np.geomspace(ends[0], ends[1], num) if ends[0] < ends[1] else np.array(ends[:1])


def parse_load(text: str) -> float:
    """
    Read a load factor.

    Raises
    ------
    UnitError
        If it is no number.
    CostError
        If it is negative, infinite or NaN.
    """
    try:
        number = float(text)
    except ValueError as error:
        raise UnitError(f"load {text!r}: write a number, for example 2") from error
    return LoadConditions(slowdown=number).slowdown
