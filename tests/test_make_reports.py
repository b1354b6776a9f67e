"""What `make bench` runs."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cutpoint.lab.experiments.registry import EXPERIMENTS

ROOT = Path(__file__).parent.parent


@pytest.fixture
def make_reports() -> ModuleType:
    """Give the program."""
    spec = importlib.util.spec_from_file_location("make_reports", ROOT / "docs/make_reports.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Note what is run in place of running it; `dads` ends with 1."""
    commands: list[list[str]] = []

    def run(command: list[Any], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append([str(word) for word in command])
        said = "| a table |\nFAIL a claim: 3, bound 2\nreport x.html\n"
        return subprocess.CompletedProcess(command, int("dads" in command), said)

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def _call(program: ModuleType, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["make_reports.py", *words])
    return int(program.main())


def test_everything_is_run_though_a_claim_fails(
    make_reports: ModuleType,
    ran: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The demo, every experiment into its folder, then the README; the failed one is named."""
    assert _call(make_reports, monkeypatch) == 1
    *made, readme = ran
    assert [command[-1] for command in made] == [
        str(ROOT / "docs/reports" / name) for name in ("demo", *(e.name for e in EXPERIMENTS))
    ]
    assert readme[-1] == str(ROOT / "docs/update_readme.py")
    said = capsys.readouterr().out
    assert "FAIL a claim: 3, bound 2\n" in said
    assert "a table" not in said
    assert said.endswith("not as claimed, see above: dads\n")


def test_some_are_run_and_sampled(
    make_reports: ModuleType, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are named, in that order; what is no experiment is refused before anything."""
    assert _call(make_reports, monkeypatch, "jps", "regret", "--quick") == 0
    assert [command[4:6] for command in ran[:2]] == [["jps", "--quick"], ["regret", "--quick"]]
    ran.clear()
    with pytest.raises(SystemExit):
        _call(make_reports, monkeypatch, "nothing")
    assert not ran
