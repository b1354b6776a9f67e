"""The two experiments on published tables, from measured nets on."""

from collections.abc import Callable

import pytest

from cutpoint.exceptions import ExperimentError
from cutpoint.lab.arena import Subject
from cutpoint.lab.experiments import dads, jps
from cutpoint.lab.experiments.experiment import Experiment, Options
from cutpoint.lab.experiments.writer import report_json, report_text
from cutpoint.lab.papers.choices import Chooser
from cutpoint.lab.papers.paper_net import PaperNet
from cutpoint.lab.papers.printed_jps import UPLINKS_MBIT_PER_S
from cutpoint.lab.papers.real_cells import Effort, RealCells


@pytest.mark.parametrize("make", [dads.DadsExperiment, jps.JpsExperiment])
def test_a_net_that_is_not_in_the_table_is_refused(make: Callable[[], Experiment]) -> None:
    """With the nets that are."""
    with pytest.raises(ExperimentError, match=r"'vgg19' is not in the table of .*resnet18"):
        make().run(Options(models=("vgg19",)))


def test_jps_plans_every_cell(net: PaperNet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two claims per cell; at the calibrated link DADS saves what was printed."""
    monkeypatch.setattr(jps, "_measured", lambda *_: [net])
    outcome = jps.JpsExperiment().run(Options(models=("resnet18",)))
    assert len(outcome.report.claims) == 2 * len(UPLINKS_MBIT_PER_S)
    assert {row.clock for row in outcome.report.rows} == {"planned"}
    cells = {each["link"]: each["saved"] for each in outcome.report.details["cells"]}
    assert cells["18.88 Mbit/s"]["dads"] == pytest.approx(0.5852, rel=1e-6)
    assert any(each.startswith("planned") for each in outcome.report.environment.notes)
    assert report_json(outcome.report)
    assert "| ResNet18 | 5.85 |" in report_text(outcome)


def test_dads_keeps_the_factor_of_one_cell(net: PaperNet, monkeypatch: pytest.MonkeyPatch) -> None:
    """DADS gains there what was printed, and every printed cell is a claim on cutpoint."""
    ran: list[str] = []

    def run(subject: Subject, *_: object, **__: object) -> RealCells:
        ran.append(subject.name)
        return RealCells()

    subject = Subject.__new__(Subject)
    object.__setattr__(subject, "name", "resnet18")
    monkeypatch.setattr(dads, "_measured", lambda *_: ({"resnet18": subject}, {"resnet18": net}))
    monkeypatch.setattr(dads, "run_cells", run)
    outcome = dads.DadsExperiment(Effort(most_s=1e6)).run(Options(models=("resnet18",)))
    mean_s = {
        (row.link, row.policy): row.latency_s.mean for row in outcome.report.rows
    }  # fmt: skip
    wifi = "18.88 Mbit/s"
    assert mean_s[wifi, "device-only"] / mean_s[wifi, "dads"] == pytest.approx(8.32, rel=1e-6)
    bounds = {each.bound for each in outcome.report.claims if "as printed" in each.name}
    assert bounds == {1.46, 4.14, 7.23, 8.32}
    assert ran == ["resnet18"]
    text = report_text(outcome)
    assert "| ResNet18 | 5.85 | 7.23 |" in text
    factor = outcome.report.details["device_factor"]
    assert f"9 times as quick as the printed edge, not {factor:.0f} times" in text
    dads_s = {link: mean_s[link, "device-only"] / mean_s[link, "dads"] for link, _ in mean_s}
    assert f"DADS gives {dads_s['0.13 Mbit/s']:.2f} at 0.13 Mbit/s (printed 1.46)" in text


def test_what_is_confirmed_uses_the_link_where_anything_does(chooser: Chooser) -> None:
    """The quickest upload that takes too long; the device alone only where nothing else does."""
    found = dads._to_confirm({"resnet18": chooser}, Effort(most_s=0.5))
    assert found["0.13 Mbit/s"][1].cut.placement != "device"
    assert found["18.88 Mbit/s"][1].cut.placement == "device"
    assert dads._to_confirm({"resnet18": chooser}, Effort(most_s=1e6)) == {}


@pytest.mark.soak
def test_dads_runs_for_real() -> None:
    """One small net on the real clock: every row that was to run has inferences."""
    effort = Effort(most_s=2.0, budget_s=1.0, fewest=1, most=2)
    outcome = dads.DadsExperiment(effort).run(Options(models=("nin",)))
    real = {row.policy for row in outcome.report.rows if row.clock == "real"}
    assert real >= {"cutpoint", "server-only jpeg"}
