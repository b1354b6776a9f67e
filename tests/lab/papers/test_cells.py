"""Cells of a published table, their rows and what is claimed of them."""

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.lab.papers.shots import shot

from cutpoint.lab.arena import Shot
from cutpoint.lab.papers.cell_rows import planned_rows_of, rows_of
from cutpoint.lab.papers.cells import Cell, Entry, agreements, cell_of
from cutpoint.lab.papers.choices import CUTPOINT, ORACLE, Chooser
from cutpoint.lab.papers.paper_claims import best_others, claims_of
from cutpoint.lab.papers.real_cells import RealCells

LINK = "1.1 Mbit/s"
JPEG = "server-only jpeg:90"


def _cell(chooser: Chooser, shots: dict[str, list[Shot]] | None = None) -> Cell:
    real = RealCells({(LINK, name): each for name, each in (shots or {}).items()})
    return cell_of(chooser, LINK, 1.1, real)


def _run(name: str, latencies_s: list[float]) -> list[Shot]:
    return [shot(name, each, number=number) for number, each in enumerate(latencies_s)]


def test_the_virtual_clock_says_what_the_table_says_of_a_link_that_never_changes(
    chooser: Chooser,
) -> None:
    """The rate integrated over the transfer is the rate."""
    cell = _cell(chooser)
    for choice in chooser.choices(LINK):
        assert cell.entry(choice.policy).virtual_s == pytest.approx(choice.latency_s)


def test_policies_that_chose_alike_share_their_inferences_and_cutpoint_has_its_own(
    chooser: Chooser,
) -> None:
    """The same cut and codec is the same work; a session that decides by itself is another."""
    cell = _cell(chooser, {JPEG: _run(JPEG, [0.2, 0.3]), CUTPOINT: _run(CUTPOINT, [0.25])})
    assert cell.entry("server-only jpeg").real_s == pytest.approx(0.25)
    assert cell.entry("best fixed row").shots == cell.entry("server-only jpeg").shots
    assert len(cell.entry(CUTPOINT).shots) == 1
    assert cell.entry("server-only float32").real_s is None


def test_what_was_disturbed_or_ended_elsewhere_does_not_count(chooser: Chooser) -> None:
    """A fixed row that the device finished is another row; cutpoint answers for its fallbacks."""
    late = shot(JPEG, 9.0, number=1, fallback="late")
    busy = shot(JPEG, 9.0, number=2, contention=1.5)
    cell = _cell(chooser, {JPEG: [*_run(JPEG, [0.2]), late, busy], CUTPOINT: [late]})
    assert cell.entry("server-only jpeg").real_s == pytest.approx(0.2)
    assert cell.entry(CUTPOINT).real_s == pytest.approx(9.0)
    many = [shot(JPEG, 0.2, number=n, contention=1.5) for n in range(9)]
    assert (
        _cell(chooser, {JPEG: [*_run(JPEG, [0.2]), *many]}).entry("server-only jpeg").counted == ()
    )


def test_the_oracle_of_the_real_clock_is_whatever_was_quickest_there(chooser: Chooser) -> None:
    """By the median, whatever the table says."""
    float32 = "server-only float32"
    cell = _cell(chooser, {JPEG: _run(JPEG, [0.3] * 3), float32: _run(float32, [0.1] * 3)})
    assert cell.entry(ORACLE).real_s == pytest.approx(0.1)


def test_every_policy_has_a_row_on_the_virtual_clock_and_those_that_ran_another(
    chooser: Chooser,
) -> None:
    """No two rows have the same key, and what takes too long says so."""
    cell = _cell(chooser, {JPEG: _run(JPEG, [0.2, 0.3]), CUTPOINT: _run(CUTPOINT, [0.25] * 2)})
    rows = rows_of([cell], most_s=0.5)
    keys = [(row.model, row.link, row.load, row.policy, row.clock) for row in rows]
    assert len(set(keys)) == len(keys)
    assert {row.policy for row in rows if row.clock == "virtual"} == {
        each.policy for each in cell.entries
    }
    assert {row.policy for row in rows if row.clock == "real"} >= {CUTPOINT, "server-only jpeg"}
    for row in rows:
        is_long = row.clock == "virtual" and row.latency_s.mean > 0.5
        assert ("on the virtual clock alone" in row.note) == is_long
    assert {row.clock for row in planned_rows_of([cell])} == {"planned"}


def test_what_takes_too_long_and_ran_all_the_same_is_not_said_to_be_virtual_alone(
    chooser: Chooser,
) -> None:
    """Cells that confirm the virtual clock, and cutpoint, run however long that takes."""
    cell = _cell(chooser, {JPEG: _run(JPEG, [0.2]), CUTPOINT: _run(CUTPOINT, [0.25])})
    rows = rows_of([cell], most_s=1e-3)
    ran = {row.policy for row in rows if row.clock == "real"}
    alone = {row.policy for row in rows if "on the virtual clock alone" in row.note}
    assert alone == {each.policy for each in cell.entries} - ran
    assert all("over 0.001 s" in row.note for row in rows if row.clock == "virtual")


def test_few_inferences_have_a_wide_interval(chooser: Chooser) -> None:
    """Two that differ by a tenth say little; the interval is Student's, ten times as wide."""
    cell = _cell(chooser, {JPEG: _run(JPEG, [0.2, 0.22])})
    row = next(
        each for each in rows_of([cell], 20.0)
        if each.clock == "real" and each.policy == "server-only jpeg"
    )  # fmt: skip
    half = 12.706 * np.std([0.2, 0.22], ddof=1) / math.sqrt(2)
    assert row.latency_s.ci == pytest.approx((0.21 - half, 0.21 + half), rel=1e-3)


def test_ties_are_named_and_printed_cells_are_held_to(chooser: Chooser) -> None:
    """All that are best beside cutpoint, and the printed 4.14 of this net and link."""
    cell = _cell(chooser)
    tied = " = ".join(each.policy for each in best_others(cell))
    printed, best = claims_of([cell], (), 20.0)
    assert "server-only jpeg" in tied
    assert tied in best.name
    assert best.holds
    assert (printed.bound, printed.value) == (
        4.14,
        pytest.approx(cell.speedup(CUTPOINT, "device-only")),
    )


def test_a_slower_cutpoint_fails_on_both_clocks(chooser: Chooser) -> None:
    """By a twentieth, over eight rounds that hardly differ."""
    runs = {JPEG: _run(JPEG, [0.2, 0.201] * 4), CUTPOINT: _run(CUTPOINT, [0.21, 0.2105] * 4)}
    cell = _cell(chooser, runs)
    slow = [
        replace(each, virtual_s=1.05 * each.virtual_s) if each.policy == CUTPOINT else each
        for each in cell.entries
    ]
    claims = claims_of([replace(cell, entries=tuple(slow))], (), 20.0)
    held = {claim.name: claim.holds for claim in claims if claim.name.startswith("cutpoint / best")}
    assert list(held.values()) == [False, False]


def test_policies_that_hardly_met_in_a_round_are_not_compared(chooser: Chooser) -> None:
    """Five inferences each, but one round in common: that says nothing of two per cent."""
    own = [shot(CUTPOINT, 0.4, number=number) for number in range(4, 9)]
    cell = _cell(chooser, {JPEG: _run(JPEG, [0.2] * 5), CUTPOINT: own})
    assert not [each for each in claims_of([cell], (), 20.0) if "95 % interval" in each.name]


def test_clocks_that_are_apart_or_were_never_compared_fail(chooser: Chooser) -> None:
    """A cell that takes too long is claimed only if it was confirmed."""
    cell = _cell(chooser)
    entry = cell.entry("server-only jpeg")

    def agreement(shots: list[Shot]) -> bool:
        ran = Entry(entry.policy, entry.way, entry.virtual_s, shots)
        return claims_of([cell], [(cell, ran)], 20.0)[-1].holds

    assert agreement(_run(JPEG, [1.05 * entry.virtual_s]))
    assert not agreement(_run(JPEG, [1.2 * entry.virtual_s]))
    assert not agreement([])


def test_clocks_are_compared_once_for_every_way(chooser: Chooser) -> None:
    """Whoever chose it; what was not run, and what decides by itself, is no part of it."""
    float32 = "server-only float32"
    virtual = {str(each.way): each.latency_s for each in chooser.choices(LINK)}
    runs = {
        JPEG: _run(JPEG, [1.1 * virtual[JPEG]]),
        float32: _run(float32, [0.8 * virtual[float32]]),
        CUTPOINT: _run(CUTPOINT, [9.0]),
    }
    found = agreements([_cell(chooser, runs)])[LINK]
    assert (found.num, found.median, found.worst) == (2, pytest.approx(-0.05), pytest.approx(-0.2))
    assert agreements([_cell(chooser)]) == {}
