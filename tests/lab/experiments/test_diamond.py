"""The experiment on Triton: what it claims of what was measured, and where there is no Triton."""

import pytest

from cutpoint.exceptions import ConnectError
from cutpoint.lab.experiments import diamond
from cutpoint.lab.experiments.diamond import DiamondExperiment
from cutpoint.lab.experiments.experiment import Options
from cutpoint.lab.triton_bench.bench import POLICIES, BenchSettings, TritonBench, TritonShot
from cutpoint.lab.triton_bench.watch import Window

SETTINGS = BenchSettings(instances=(1, 2), callers=(0, 8), phase_s=1.0)
LATENCY_S = {
    ("device", 0): 0.05, ("device", 8): 0.05, ("server", 0): 0.04, ("server", 8): 0.08,
}  # fmt: skip


def bench(predicted_s: float = 0.011, *, is_following: bool = True) -> TritonBench:
    """Give a bench as if it had been run: device 50 ms, server 40 idle and 80 busy."""
    made = TritonBench(SETTINGS, 0.05, 600_000)
    for number in SETTINGS.instances:
        made.windows[number] = [Window(0, predicted_s, 0.01, 9)] * 3
        for policy in POLICIES:
            for phase, level in enumerate(SETTINGS.callers):
                is_there = policy == "server" or (
                    policy != "device" and (level == 0 or not is_following)
                )
                where = "server" if is_there else "device"
                latency_s = LATENCY_S[where, level]
                shot = TritonShot(policy, number, level, phase, latency_s, 0.3, where, where, True)
                made.shots += [shot] * 4
    return made


def outcome_of(made: TritonBench, monkeypatch: pytest.MonkeyPatch) -> object:
    """Give what the experiment makes of a bench."""
    monkeypatch.setattr(diamond, "find_triton", lambda: None)
    monkeypatch.setattr(diamond, "run_triton_bench", lambda *given: made)
    return DiamondExperiment(SETTINGS).run(Options())


def test_a_bench_in_which_policies_follow_the_load_holds(monkeypatch, tmp_path) -> None:
    """Every claim does, and every policy has a row at every load."""
    outcome = outcome_of(bench(), monkeypatch)
    assert outcome.report.holds
    assert len(outcome.report.rows) == 2 * 2 * len(POLICIES)
    assert "| 1 | cutpoint |" in outcome.text
    assert "10.0%" in outcome.text
    outcome.figures[0].draw(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 0


@pytest.mark.parametrize(
    ("made", "word"),
    [
        (bench(predicted_s=0.012), "median error"),
        (bench(is_following=False), "share offloaded"),
        (bench(is_following=False), "better of always device"),
    ],
)
def test_each_claim_can_fail(monkeypatch, made, word) -> None:
    """Predictions that are off, and policies that stay where they are."""
    outcome = outcome_of(made, monkeypatch)
    assert any(word in claim.name and not claim.holds for claim in outcome.report.claims)


def test_without_triton_it_says_why_and_claims_nothing(monkeypatch) -> None:
    """No figure stands in for one that was not measured."""

    def none_there() -> None:
        raise ConnectError("no Triton in .triton")

    monkeypatch.setattr(diamond, "find_triton", none_there)
    outcome = DiamondExperiment(SETTINGS).run(Options())
    assert outcome.text == "Not run: no Triton in .triton.\n"
    assert not outcome.report.rows
    assert not outcome.report.claims
    assert outcome.report.environment.notes == ("Not run: no Triton in .triton.",)


def test_a_load_at_which_a_policy_did_not_run_is_no_claim_that_holds(monkeypatch) -> None:
    """Nothing is known of it, and the rest of the bench is told all the same."""
    made = bench()
    made.shots = [s for s in made.shots if (s.policy, s.num_callers) != ("diamond", 8)]
    claims = outcome_of(made, monkeypatch).report.claims
    assert [claim.holds for claim in claims if claim.name.startswith("diamond")] == [False]
    assert [claim.holds for claim in claims if claim.name.startswith("cutpoint: share")] == [True]
