"""Rows that are replayed, and what they are called."""

from dataclasses import replace

from tests.lab.regret.tables import pixel_table

from cutpoint.graph import Cut, cut_id
from cutpoint.lab.arena import FixedRow


def _split(*crossing: str) -> Cut:
    return Cut("split", cut_id(crossing), crossing, 0b11, ("y",))


def test_no_two_rows_have_one_name() -> None:
    """Inferences are told apart by it, of cuts that begin with the same value, too."""
    table = pixel_table()
    cuts = (*table.cuts[:5], _split("left", "middle"), _split("left", "right"), table.cuts[7])
    codecs = (*table.codecs[:5], "raw", "raw", table.codecs[7])
    table = replace(table, cuts=cuts, codecs=codecs)
    names = {FixedRow.of(table, row).name for row in range(len(cuts))}
    assert len(names) == len(cuts)
    assert "row split at left, right raw" in names
    assert all(name.startswith("row ") for name in names)
