"""Experiments as a user runs them."""

import json
import os
from pathlib import Path

import pytest
from tests.lab.experiments.toy import Toy, row

from cutpoint.lab.experiments import registry
from cutpoint.lab.experiments.form import at_most
from cutpoint.lab.experiments.registry import EXPERIMENTS, Entry


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Toy:
    """Let every name lead to the toy, and run in an empty folder."""
    made = Toy()
    monkeypatch.setattr(Entry, "load", lambda entry: made)
    monkeypatch.chdir(tmp_path)
    return made


def test_every_experiment_has_a_command(cutpoint) -> None:
    """The help of `bench` names and explains each, and `agree` beside them."""
    told = cutpoint("bench", "--help")
    assert told.code == 0
    words = " ".join(told.out.replace("│", " ").split())
    for entry in EXPERIMENTS:
        assert f" {entry.name} " in words
        assert entry.summary in words
    assert " agree " in words


@pytest.mark.parametrize("entry", EXPERIMENTS, ids=lambda entry: entry.name)
def test_options_are_those_the_experiment_takes(cutpoint, entry: Entry) -> None:
    """All can be quick, seeded and written down; models and traces only where they are of use."""
    told = cutpoint("bench", entry.name, "--help")
    options = {word for word in told.out.replace(",", " ").split() if word.startswith("--")}
    wanted = {"--quick", "--seed", "--report", "--json", "--help"}
    wanted |= {"--model"} if "models" in entry.takes else set()
    wanted |= {"--traces"} if "traces" in entry.takes else set()
    assert options == wanted
    assert f"up to {entry.budget_s / 60:g} minutes" in told.out


def test_options_reach_the_experiment(cutpoint, toy: Toy, tmp_path: Path) -> None:
    """Each as it was given, a model that is named twice once."""
    told = cutpoint(
        "bench", "regret", "--quick", "--seed", 5, "--traces", tmp_path,
        "--model", "nin", "--model", "vgg16", "--model", "nin",
    )  # fmt: skip
    assert told.code == 0, told.err
    given = toy.given
    assert given is not None
    assert (given.is_quick, given.seed, given.traces) == (True, 5, tmp_path)
    assert given.models == ("nin", "vgg16")
    assert cutpoint("bench", "regret").code == 0
    assert toy.given is not None
    assert (toy.given.is_quick, toy.given.seed) == (False, 0)
    assert toy.given.traces is toy.given.models is None


def test_an_option_that_it_does_not_take_is_refused(cutpoint, toy: Toy) -> None:
    """Rather than passed over in silence."""
    assert cutpoint("bench", "digits", "--model", "nin").code == 2
    assert cutpoint("bench", "planning", "--seed", "-1").code == 2
    assert toy.given is None


def test_a_report_is_written_where_it_is_wanted(cutpoint, toy: Toy, tmp_path: Path) -> None:
    """A folder by the experiment's name, or the one that was named; the page is told."""
    told = cutpoint("bench", "digits")
    assert told.out.splitlines()[-1] == f"report {Path('bench-report/digits/toy.html')}"
    assert (tmp_path / "bench-report/digits/toy.json").exists()
    assert "Words." in told.out
    assert "ok   seconds, at most: 1, bound 2" in told.out
    assert told.err == "a note\n"
    cutpoint("bench", "digits", "--report", "elsewhere")
    assert (tmp_path / "elsewhere/toy.png").exists()


def test_what_cannot_be_written_is_told_before_the_work(cutpoint, toy: Toy, tmp_path: Path) -> None:
    """An experiment may take ten minutes: its report must have a place first."""
    (tmp_path / "taken").write_text("a file")
    told = cutpoint("bench", "digits", "--report", "taken")
    assert told.code == 1
    assert "taken" in told.err
    assert toy.given is None


@pytest.mark.parametrize("name", ["regret", "prediction"])
def test_a_model_that_is_not_in_the_zoo_is_told_before_the_work(
    cutpoint, toy: Toy, name: str
) -> None:
    """By its name, and with those that there are."""
    told = cutpoint("bench", name, "--model", "resnet81")
    assert told.code == 1
    assert "no net 'resnet81' in the zoo: take one of alexnet" in told.err
    assert toy.given is None


def test_a_claim_that_fails_is_told_and_ends_with_1(cutpoint, toy: Toy) -> None:
    """By name, for people and for programs."""
    toy._claims = (at_most("holds, at most", 1, 2), at_most("fails, at most", 3, 2))
    told = cutpoint("bench", "digits")
    assert told.code == 1
    assert "FAIL fails, at most: 3, bound 2" in told.out
    told = cutpoint("bench", "digits", "--json")
    assert told.code == 1
    assert json.loads(told.out)["claims"][1]["holds"] is False
    assert told.err == "a note\nFAIL fails, at most: 3, bound 2\n"


def test_json_is_the_report_and_nothing_else(cutpoint, toy: Toy, tmp_path: Path) -> None:
    """The same document as in the file."""
    told = cutpoint("bench", "digits", "--json")
    assert json.loads(told.out) == json.loads(
        (tmp_path / "bench-report/digits/toy.json").read_text()
    )


def test_a_real_experiment_is_run(cutpoint, tmp_path: Path) -> None:
    """From its command line to its page, by one of the quick ones."""
    told = cutpoint("bench", "extraction", "--quick", "--model", "squeezenet", "--report", tmp_path)
    assert told.code == 0, told.err
    assert {"extraction.html", "extraction.json"} <= set(os.listdir(tmp_path))
    assert told.err == ""


def test_two_runs_are_compared(cutpoint, toy: Toy, tmp_path: Path) -> None:
    """Rankings that come again end with 0; those that turn round are named, and end with 1."""
    fast, slow = row("fast", 0.1, 0.11), row("slow", 0.3, 0.31)
    for folder, rows in (
        ("a", (fast, slow)),
        ("b", (fast, slow)),
        ("c", (row("fast", 0.4), slow)),
    ):
        toy._rows = rows
        cutpoint("bench", "digits", "--report", folder)
    same = cutpoint("bench", "agree", "a/toy.json", "b/toy.json")
    assert (same.code, same.out) == (0, "1 of 1 rankings came again\n")
    other = cutpoint("bench", "agree", "a/toy.json", "c/toy.json")
    assert other.code == 1
    assert "other way round: fast before slow (squeezenet, lte-driving, idle, real" in other.out
    told = json.loads(cutpoint("bench", "agree", "a/toy.json", "c/toy.json", "--json").out)
    assert told["num_rankings"] == len(told["broken"]) == 1
    missing = cutpoint("bench", "agree", "a/toy.json", "d.json")
    assert missing.code == 1
    assert missing.err == "error: ExperimentError: report d.json: No such file or directory\n"


def test_an_experiment_is_imported_when_it_is_run(
    cutpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Help needs no module of any experiment."""
    monkeypatch.setattr(registry, "import_module", None)
    assert cutpoint("bench", "digits", "--help").code == 0
