"""The exact form of the experiment, on a made-up table."""

import numpy as np
import pytest
from tests.lab.arena.shots import shot
from tests.lab.regret.tables import pixel_table

from cutpoint.lab.regret.exact import BELIEFS, BEST_FIXED, CUTPOINT, ORACLE, ExactCase
from cutpoint.lab.regret.findings import claims, result_rows
from cutpoint.lab.regret.float32_rows import float32_rows
from cutpoint.lab.regret.lossless_rows import lossless_rows
from cutpoint.lab.regret.measured import MeasuredCase
from cutpoint.lab.regret.world_of import load_at
from cutpoint.lab.traces import Trace
from cutpoint.records import LoadConditions
from cutpoint.simulation.rate_schedule import RateSchedule

_STEPS = tuple((1.0, rate) for rate in (2e6, 1e5, 4e4, 5e5, 2e4, 1e6))
_TRACE = Trace("steps", RateSchedule(_STEPS, repeat=True))


@pytest.fixture(scope="module")
def case() -> ExactCase:
    """Give a net on a trace whose rate steps."""
    return ExactCase("net", _TRACE, pixel_table(), LoadConditions(0.03, 1.2))


def test_nobody_beats_the_oracle_anywhere(case: ExactCase) -> None:
    """At no position does any policy take less than the row that is the soonest there."""
    for run in case.runs:
        assert np.all(run.run.latency_s >= run.run.oracle_s - 1e-12), run.name
    assert case.runs[0].name == ORACLE


def test_the_best_fixed_row_is_no_better_than_knowing(case: ExactCase) -> None:
    """On a trace that changes much, true conditions are worth more than any fixed choice."""
    found = {run.name: run.run for run in case.runs}
    assert found[CUTPOINT].regret < found[BEST_FIXED].regret
    for end in ("device-only", "server-only uint8", "server-only jpeg"):
        assert found[BEST_FIXED].regret <= found[end].regret


def test_every_policy_is_shown_with_what_it_was_told(case: ExactCase) -> None:
    """Beside the claim's own belief stand others, and a bound in hindsight."""
    names = {run.name for run in case.runs}
    assert {
        f"cutpoint{told}" for told in ("", *BELIEFS.values(), " (late, mean over 2 latencies)")
    } <= names
    assert {"dads", "neurosurgeon", "qdmp", "loadpart", "best rule on the past rate"} <= names


def test_rows_and_claims_make_a_report(case: ExactCase) -> None:
    """Rows have keys of their own and an exact regret; the oracle's claim holds."""
    rows = result_rows([case], [], seed=0)
    keys = [(row.model, row.link, row.load, row.policy, row.clock) for row in rows]
    assert len(set(keys)) == len(keys)
    assert all(row.regret is not None and row.regret.kind == "exact" for row in rows)
    found = claims([case], [])
    assert [claim.holds for claim in found if "oracle" in claim.name] == [True]
    assert isinstance(found[0].value, float)


def test_rows_worth_replaying_lose_little_and_begin_with_the_device(case: ExactCase) -> None:
    """More rows lose less; all that are ever the best lose nothing."""
    few, loss_of_few = case.rows_worth_replaying(2)
    many, loss_of_many = case.rows_worth_replaying(len(case.table.cuts))
    assert few[0].name == many[0].name == "row device-only"
    assert loss_of_few >= loss_of_many == pytest.approx(0.0, abs=1e-12)


def test_published_schemes_send_floats_and_encode_nothing() -> None:
    """Server-only sends four bytes for each of the picture's; cuts inside send the same."""
    table = pixel_table()
    floats = float32_rows(table)
    assert set(floats.codecs) == {"raw"}
    assert floats.up_bytes[1] == 4 * table.up_bytes[1]
    assert [cut.id for cut in floats.cuts[2:]] == [
        cut.id for cut, codec in zip(table.cuts, table.codecs, strict=True) if codec == "raw"
    ][2:]


def test_lossless_rows_have_only_codecs_that_give_every_bit_back() -> None:
    """Quantised rows and JPEG are gone, device-only and server-only stay first."""
    table = lossless_rows(pixel_table())
    assert set(table.codecs) <= {"raw", "zstd", "png", "narrow"}
    assert [cut.placement for cut in table.cuts[:2]] == ["device", "server"]


def test_load_is_on_in_the_middle_third() -> None:
    """The same as on the real clock, also in a later cycle of the trace."""
    assert [load_at(_TRACE, at_s) for at_s in (0.5, 3.0, 5.5, 9.0)] == [0.0, 0.9, 0.0, 0.9]


def test_a_policy_without_a_result_is_not_claimed_to_be_slower(case: ExactCase) -> None:
    """Of one that ran and was always disturbed there is a claim, and it does not hold."""
    shots = [shot(CUTPOINT, 0.1, round_number=n) for n in range(4)]
    shots += [shot("dads", 0.2, round_number=n) for n in range(4)]
    shots += [shot("qdmp", 0.2, round_number=n, contention=2.0) for n in range(4)]
    found = claims([case], [MeasuredCase(case, (), 0.0, tuple(shots), 0)])
    measured = [claim for claim in found if "real clock, upper" in claim.name]
    ratios = {claim.name.split()[2]: claim.holds for claim in measured}
    assert ratios == {"dads": True, "qdmp": False}
