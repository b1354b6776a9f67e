"""An experiment without an experiment: rows and claims as a test wants them."""

from pathlib import Path

from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch
from cutpoint.lab.experiments.form import Claim, Clock, Figure, ResultRow, at_most, summarise
from cutpoint.lab.plotting import pyplot


def row(
    policy: str = "cutpoint",
    *latency_s: float,
    model: str = "squeezenet",
    link: str = "lte-driving",
    clock: Clock = "real",
) -> ResultRow:
    """Give a row of these latencies."""
    given = latency_s or (0.1, 0.12, 0.11)
    return ResultRow(model, link, "idle", policy, clock, len(given), summarise(given))


class Toy:
    """
    Gives what it was made with.

    Parameters
    ----------
    rows, claims, text
        Of its outcome.
    """

    name = "toy"
    summary = "Nothing at all."

    def __init__(
        self,
        rows: tuple[ResultRow, ...] = (),
        claims: tuple[Claim, ...] = (at_most("seconds, at most", 1, 2),),
        text: str = "Words.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    ) -> None:
        self._rows = rows
        self._claims = claims
        self._text = text
        self.given: Options | None = None

    def run(self, options: Options) -> Outcome:
        """Say how far it is, and give it."""
        self.given = options
        options.progress.begin("toy", 2)
        options.progress.advance("halfway")
        options.progress.note("a note")
        watch = Stopwatch(self.name, options)
        report = watch.report(self._rows or (row(),), self._claims, details={"depth": 3})
        return Outcome(report, self._text, (Figure("toy", "A line", "It rises.", _draw),))


def _draw(path: Path) -> None:
    figure, axes = pyplot().subplots(figsize=(1, 1))
    axes.plot([0, 1], [0, 1])
    figure.savefig(path)
    pyplot().close(figure)
