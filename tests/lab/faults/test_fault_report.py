"""The report of the fault campaigns."""

import json

import pytest

from cutpoint.lab.faults.chaos import ChaosRun
from cutpoint.lab.faults.failover import Failover, FailoverCampaign
from cutpoint.lab.faults.fault_report import FaultReport, report_text, write_fault_report
from cutpoint.lab.faults.outages import Outage
from cutpoint.lab.faults.phase_kills import PHASES, Kill, KillCampaign
from cutpoint.lab.faults.rates import Collapse, CollapseCampaign, Flapping
from cutpoint.lab.faults.slowdowns import Slowdown
from cutpoint.lab.faults.swaps import SwapCampaign
from cutpoint.records import Environment


def kill(phase, overhead_s=0.01, **changed):
    """Give a kill in a phase."""
    given = {
        "aimed_at": phase,
        "failed_in": phase,
        "is_in_time": True,
        "added_s": 0.02 + overhead_s,
        "noticed_s": 0.005,
        "tail_s": 0.02,
        "resumed_s": 0.3,
        "is_right": True,
        "reason": "gone",
    }
    return Kill(**{**given, **changed})


@pytest.fixture
def report():
    """Give a report of one of everything."""
    kills = [kill(phase) for phase in PHASES]
    kills += [kill("upload", 0.04), kill("wait", is_in_time=False)]
    return FaultReport(
        environment=Environment("1.2", ("CPU",), 1, "some cpu", 2, None, False),
        kills=KillCampaign(kills, 70, 0),
        freezes=[Outage("freeze", 1.0, 0.03, 0.12, 1, 0.0, 0.2, 0.4, 50)],
        partitions=[Outage("partition up", 3.0, 0.03, 0.12, 2, 0.3, 0.25, 0.6, 60)],
        slowdowns=[Slowdown("quota", 0.04, 0.2, 0.1, 3, 60, 1, 0.12)],
        collapses=CollapseCampaign([Collapse(0.5, 0.42, True, 9, 9, 1.0)]),
        flapping=Flapping({"device": 0.8, "server": 0.7, "cutpoint": 0.72}, 7, 50, 40.0),
        swaps=[SwapCampaign(True, 20, 1234, 600, 0, 0, [0.1, 0.7], ["client 7: wrong answer"])],
        failover=FailoverCampaign([Failover(0.06, 0.03, "second", True, 1.2)], 100, 103),
        chaos=[ChaosRun(1, 60.0, ["kill", "swap"], 900, 0, 0, 810, 0.4)],
    )


def test_every_figure_is_in_the_report(report):
    """Counts, medians and worst cases of each campaign, and what broke an invariant."""
    text = report_text(report)
    assert "| upload | 2 | 0 | 25 ms | 40 ms | 5 ms | 0.30 s | 0.30 s |" in text
    assert "1 more kills" in text
    assert "| partition up | 3 s | 1 | 2 | 0.30 s | 250 ms | 30 ms | 120 ms | 0.60 s |" in text
    assert "**1.03 x** the best fixed choice" in text
    assert "| foreign, without digests | 20 | 1234 | 600 | 0 | 0.40 s | 0.70 s |" in text
    assert "1.030 attempts per request" in text
    assert "| 1 | kill, swap | 900 | 90% | 0 | 0 | 400 ms |" in text
    assert text.endswith("- client 7: wrong answer\n")


def test_the_report_is_written_with_its_figures_and_a_picture(report, tmp_path):
    """What the page says is drawn from the numbers beside it."""
    pytest.importorskip("matplotlib")
    write_fault_report(report, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"README.md", "faults.json", "kills.png"}
    told = json.loads((tmp_path / "faults.json").read_text())
    assert len(told["kills"]["kills"]) == len(PHASES) + 2
