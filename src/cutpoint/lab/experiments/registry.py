"""Every experiment by name; its modules are imported when it is run."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal, cast

from cutpoint.exceptions import ExperimentError

if TYPE_CHECKING:
    from cutpoint.lab.experiments.experiment import Experiment

Choice = Literal["models", "traces"]
"""What an experiment may be asked to take in place of its own choice."""

QUICK_BUDGET_S = 180.0
"""Of every experiment with ``--quick``, on two cores."""


@dataclass(frozen=True)
class Entry:
    """
    One experiment that can be run by its name.

    Parameters
    ----------
    name
        As on the command line; its files are called so too.
    summary
        One line for ``--help``.
    place
        Module and class, ``package.module:Class``.
    budget_s
        The whole experiment on two cores; `QUICK_BUDGET_S` for its sample.
    takes
        What it can be asked to take; other options are not offered.
    """

    name: str
    summary: str
    place: str
    budget_s: float
    takes: tuple[Choice, ...] = ()

    def load(self) -> "Experiment":
        """Import the experiment and make it."""
        module, _, name = self.place.partition(":")
        return cast("Experiment", getattr(import_module(module), name)())


def _entry(
    name: str, made: str, minutes: float, summary: str, takes: tuple[Choice, ...] = ()
) -> Entry:
    place = f"cutpoint.lab.experiments.{name}:{made}"
    return Entry(name, summary, place, 60 * minutes, takes)


EXPERIMENTS: tuple[Entry, ...] = (
    _entry(
        "regret", "RegretExperiment", 9.5,
        "Every policy on link traces with changing server load, beside an oracle.",
        ("models", "traces"),
    ),
    _entry(
        "dads", "DadsExperiment", 8.5,
        "The table of DADS (light load) with every policy and honest inputs on one clock.",
        ("models",),
    ),
    _entry(
        "jps", "JpsExperiment", 0.5,
        "The table of JPS for single jobs, planned.",
        ("models",),
    ),
    _entry(
        "loadpart", "LoadpartExperiment", 5.5,
        "LoADPart's nets under growing server load: who knows of it, and who does not.",
        ("models",),
    ),
    _entry(
        "race", "RaceExperiment", 4,
        "The device computes on after sending: what that brings over bad links, and costs.",
        ("models",),
    ),
    _entry(
        "energy", "EnergyExperiment", 2.5,
        "What every policy costs the device in joules: boards, radios, traces.",
        ("models", "traces"),
    ),
    _entry(
        "diamond", "DiamondExperiment", 5,
        "NVIDIA Triton under changing load: W + E(b) predicted and measured, and who follows.",
    ),
    _entry(
        "estimators", "EstimatorsExperiment", 1.5,
        "Each estimator of link and load against the truth: error, lag, bytes spent.",
        ("traces",),
    ),
    _entry(
        "prediction", "PredictionExperiment", 6,
        "Predicted against measured latency, part by part.",
        ("models",),
    ),
    _entry(
        "advise", "AdviseExperiment", 4.5,
        "Where splitting pays at all, over nets, links and devices.",
        ("models",),
    ),
    _entry(
        "emulation", "EmulationExperiment", 5,
        "Whether the emulated links and devices do what they are told.",
        ("traces",),
    ),
    _entry(
        "simulation", "SimulationExperiment", 3,
        "The simulator beside the real clock, and how fast it is.",
    ),
    _entry(
        "planning", "PlanningExperiment", 1.5,
        "How fast a decision is, compiling a table, and a minimum cut beside them.",
        ("models",),
    ),
    _entry(
        "predictors", "PredictorsExperiment", 1,
        "How far off a model's times are that nobody measured, predicted by other models.",
        ("models",),
    ),
    _entry(
        "extraction", "ExtractionExperiment", 0.5,
        "How long it takes to write both parts of a cut as models of their own.",
        ("models",),
    ),
    _entry(
        "shapes", "ShapesExperiment", 1,
        "Inputs of 8 to 512 tokens: does the plan follow the shape, is every answer right.",
    ),
    _entry(
        "overhead", "OverheadExperiment", 3,
        "What a session costs beside ONNX Runtime's, and beside a bare client of a server.",
        ("models",),
    ),
    _entry(
        "batching", "BatchingExperiment", 2,
        "Eight clients enter models at three cuts: batches across cuts, per tail, and none.",
        ("models",),
    ),
    _entry(
        "overload", "OverloadExperiment", 2.5,
        "Up to four times what a server can do: goodput, refusals, attempts per request.",
    ),
    _entry(
        "codecs", "CodecsExperiment", 5,
        "Every codec on what really crosses: bytes, speed, times foretold, and its library.",
        ("models",),
    ),
    _entry(
        "shares", "SharesExperiment", 5.5,
        "In what share of links, devices and loads a split wins, by input and codecs.",
        ("models",),
    ),
    _entry(
        "digits", "DigitsExperiment", 1,
        "A trained network: what every codec costs it, and how drift is found.",
    ),
)  # fmt: skip
"""In the order in which ``make bench`` runs them; a new experiment is one more entry."""


def experiment_named(name: str) -> "Experiment":
    """
    Give an experiment.

    Raises
    ------
    ExperimentError
        If there is none of that name.
    """
    return entry_named(name).load()


def entry_named(name: str) -> Entry:
    """
    Give the entry of an experiment.

    Raises
    ------
    ExperimentError
        If there is none of that name.
    """
    for entry in EXPERIMENTS:
        if entry.name == name:
            return entry
    known = ", ".join(_names())
    raise ExperimentError(f"no experiment {name!r}: take one of {known}")


def _names() -> Iterator[str]:
    return (entry.name for entry in EXPERIMENTS)
