"""What one simulated inference is to do, and the numbers of the row that it takes."""

from typing import NamedTuple

from cutpoint.cost import CutTable
from cutpoint.records import Conditions, Plan


class Row(NamedTuple):
    """A row of a table as plain numbers: reading them off the columns takes longer than using."""

    head_s: float
    rest_s: float
    encode_s: float
    tail_s: float
    up_bytes: float
    down_bytes: float


def rows_of(table: CutTable) -> list[Row]:
    """Give all rows of a table."""
    columns = (getattr(table, name).tolist() for name in Row._fields)
    return [Row(*numbers) for numbers in zip(*columns, strict=True)]


class Order(NamedTuple):
    """
    What one inference is to do.

    Parameters
    ----------
    plan
        What was decided.
    row
        Its row of the table.
    at_s, decided_s
        When it begins, and when that was decided.
    conditions
        What was believed.
    patience_s, rest_s
        As `Inference`.
    """

    plan: Plan
    row: Row
    at_s: float
    decided_s: float
    conditions: Conditions
    patience_s: float
    rest_s: float
