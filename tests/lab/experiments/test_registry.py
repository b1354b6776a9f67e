"""Experiments by name."""

import subprocess
import sys

import pytest

from cutpoint.exceptions import ExperimentError
from cutpoint.lab.experiments.registry import (
    EXPERIMENTS,
    QUICK_BUDGET_S,
    Entry,
    entry_named,
    experiment_named,
)


@pytest.mark.parametrize("entry", EXPERIMENTS, ids=lambda entry: entry.name)
def test_every_entry_is_the_experiment_it_says(entry: Entry) -> None:
    """It can be made without words, and has the name and summary of its entry."""
    made = entry.load()
    assert (made.name, made.summary) == (entry.name, entry.summary)
    assert callable(made.run)
    assert len(entry.summary) <= 90
    assert entry.summary.endswith(".")


def test_names_are_unique_and_found() -> None:
    """Each name leads to its own entry; another one is answered with those there are."""
    names = [entry.name for entry in EXPERIMENTS]
    assert len(set(names)) == len(names)
    assert [entry_named(name).name for name in names] == names
    assert experiment_named("planning").name == "planning"
    with pytest.raises(ExperimentError, match="no experiment 'nothing': take one of regret, dads"):
        entry_named("nothing")


def test_all_of_them_fit_into_eighty_minutes() -> None:
    """What `make bench` may take, the minute of the demo included; a sample is never longer."""
    assert sum(entry.budget_s for entry in EXPERIMENTS) + 60 <= 80 * 60
    assert QUICK_BUDGET_S <= 3 * 60


def test_a_list_of_experiments_imports_none_of_them() -> None:
    """Who asks the program for help does not wait for the modules of every experiment."""
    code = (
        "import sys, cutpoint.cli.bench; "
        "print([m for m in sys.modules if m.startswith('cutpoint.lab.') and 'bench' in m "
        "or m in ('matplotlib', 'jinja2', 'simpy', 'cutpoint.lab.experiments.planning')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
