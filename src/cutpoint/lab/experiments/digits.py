"""Experiment: what codecs cost a network that was really trained."""

from collections.abc import Iterator

from cutpoint.lab.digits.bench import DigitsBench, num_steps, run_digits_bench
from cutpoint.lab.digits.report import digits_text, plot_digits
from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch, details_of
from cutpoint.lab.experiments.form import Claim, Figure, at_least, at_most
from cutpoint.lab.progress import announcer


class DigitsExperiment:
    """Train a small network, see what every codec costs it, and change its inputs."""

    name = "digits"
    summary = "A trained network: what every codec costs it, and how drift is found."

    def run(self, options: Options) -> Outcome:
        """Do it."""
        watch = Stopwatch(self.name, options)
        total = num_steps(quick=options.is_quick)
        bench = run_digits_bench(
            quick=options.is_quick, listener=announcer(options.progress, self.name, total)
        )
        return digits_outcome(bench, watch)


def digits_outcome(bench: DigitsBench, watch: Stopwatch) -> Outcome:
    """Give what was seen as an outcome."""
    report = watch.report([], list(_claims(bench)), details=details_of(bench))
    figure = Figure(
        "digits",
        "Errors of the answers of one session",
        "Inputs change, the codec is withdrawn, and answers are exact again.",
        lambda path: plot_digits(bench, path),
    )
    return Outcome(report, digits_text(bench), (figure,))


def _claims(bench: DigitsBench) -> Iterator[Claim]:
    num_runs = len(bench.runs)
    num_withdrawn = sum(run.until_withdrawn is not None for run in bench.runs)
    yield at_least("sessions that withdrew the codec, share, at least", num_withdrawn / num_runs, 1)
    num_exact = sum(run.is_exact_after for run in bench.runs)
    yield at_least("sessions exact afterwards, share, at least", num_exact / num_runs, 1)
    num_false = sum(run.is_false for run in bench.runs)
    yield at_most("sessions that withdrew it before anything changed, at most", num_false, 0)
