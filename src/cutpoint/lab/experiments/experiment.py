"""What an experiment is: it is given options, and gives a report with plots."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from cutpoint.execution.runtime import keep_freed_memory
from cutpoint.lab.experiments.form import Claim, Figure, Report, ReportEnvironment, ResultRow
from cutpoint.lab.progress import Progress, Silence
from cutpoint.profiling import read_environment


@dataclass(frozen=True)
class Options:
    """
    What every experiment is given.

    Parameters
    ----------
    is_quick
        Sample the full experiment: three minutes on two cores at most.
    seed
        Of what is drawn at random; the earlier benches draw the same always.
    traces
        Folder of link traces to use in place of those of the package.
    models
        Names in the zoo, for experiments that ask which; ``None`` for its own choice.
    progress
        Told how far it is.
    """

    is_quick: bool = False
    seed: int = 0
    traces: Path | None = None
    models: tuple[str, ...] | None = None
    progress: Progress = field(default_factory=Silence)


@dataclass(frozen=True)
class Outcome:
    """
    What an experiment gives.

    Parameters
    ----------
    report
        Goes into ``NAME.json``.
    text
        Markdown of ``NAME.md``: what was done, the tables, what it means; no claims and no
        pictures, which the writer adds.
    figures
        The first is the one that the README may show.
    """

    report: Report
    text: str
    figures: tuple[Figure, ...] = ()


def details_of(measured: Any) -> dict[str, Any]:
    """
    Give the fields of what a bench measured, for `Report.details`.

    Parameters
    ----------
    measured
        A dataclass; its ``environment`` is left out: the report has it.
    """
    names = (each.name for each in fields(measured) if each.name != "environment")
    return {name: getattr(measured, name) for name in names}


class Experiment(Protocol):
    """One experiment; a new one is one file and one entry of the registry."""

    @property
    def name(self) -> str:
        """By which it is run and its files are called."""
        ...

    @property
    def summary(self) -> str:
        """One line for ``--help``."""
        ...

    def run(self, options: Options) -> Outcome:
        """Do it."""
        ...


class Stopwatch:
    """
    Times a run and makes its report.

    Parameters
    ----------
    name
        Of the experiment.
    options
        It was given.
    """

    def __init__(self, name: str, options: Options) -> None:
        self._name = name
        self._options = options
        self._malloc_kept = keep_freed_memory()
        self._began_s = time.perf_counter()

    def report(
        self,
        rows: Sequence[ResultRow],
        claims: Sequence[Claim],
        *,
        details: Mapping[str, Any] | None = None,
        traces: Sequence[str] = (),
        notes: Sequence[str] = (),
        slowdown: float = 1.0,
    ) -> Report:
        """Give the report of a run that ends now."""
        host = read_environment(
            providers=("CPUExecutionProvider",),
            num_threads=1,
            malloc_kept=self._malloc_kept,
            emulated_slowdown=slowdown,
        )
        models = self._options.models
        chosen = (f"Models asked for: {', '.join(models)}.",) if models else ()
        environment = ReportEnvironment(
            host=host,
            version=version("cutpoint"),
            is_quick=self._options.is_quick,
            elapsed_s=time.perf_counter() - self._began_s,
            traces=tuple(traces),
            notes=(*chosen, *notes),
        )
        return Report(
            self._name, self._options.seed, environment, tuple(rows), tuple(claims), details or {}
        )
