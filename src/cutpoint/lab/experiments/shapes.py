"""Experiment: inputs of another length in every call."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from cutpoint.graph.size_bucket import size_step
from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch, details_of
from cutpoint.lab.experiments.form import Claim, Figure, ResultRow, at_most, summarise
from cutpoint.lab.shapes_bench import POLICIES, ShapesBench, run_shapes_bench
from cutpoint.lab.shapes_report import plot_shapes, shapes_text

_SLOWDOWN = 3.0
_QUICK_CALLS, _CALLS = 40, 120


class ShapesExperiment:
    """
    Run inputs of 8 to 512 tokens by every policy in turns.

    Parameters
    ----------
    num_calls
        Inputs; ``None`` as it fits.
    """

    name = "shapes"
    summary = "Inputs of 8 to 512 tokens: does the plan follow the shape, is every answer right."

    def __init__(self, num_calls: int | None = None) -> None:
        self._num_calls = num_calls

    def run(self, options: Options) -> Outcome:
        """Do it."""
        watch = Stopwatch(self.name, options)
        num_calls = self._num_calls or (_QUICK_CALLS if options.is_quick else _CALLS)
        options.progress.begin(self.name, num_calls)
        with TemporaryDirectory(prefix="cutpoint-") as folder:
            bench = run_shapes_bench(
                Path(folder),
                num_calls=num_calls,
                slowdown=_SLOWDOWN,
                seed=options.seed,
                listener=options.progress.advance,
            )
        report = watch.report(
            list(_rows(bench)), list(_claims(bench)), details=details_of(bench), slowdown=_SLOWDOWN
        )
        figure = Figure(
            self.name,
            "Latency over the length of the input",
            "Every input run by every policy in turns.",
            lambda path: plot_shapes(bench, path),
        )
        return Outcome(report, shapes_text(bench), (figure,))


def _rows(bench: ShapesBench) -> Iterator[ResultRow]:
    for step in sorted({size_step(call.length) for call in bench.calls}):
        calls = [call for call in bench.calls if size_step(call.length) == step]
        lengths = [call.length for call in calls]
        for policy, _ in POLICIES:
            yield ResultRow(
                model=f"text_encoder, {min(lengths)} to {max(lengths)} tokens",
                link="20 Mbit/s",
                load="idle",
                policy=policy,
                clock="real",
                n=len(calls),
                latency_s=summarise([call.latency_s[policy] for call in calls]),
            )


def _claims(bench: ShapesBench) -> Iterator[Claim]:
    ends = [name for name, _ in POLICIES if name != "cutpoint"]
    ratio = bench.mean_s("cutpoint") / min(bench.mean_s(end) for end in ends)
    yield at_most("mean latency over that of the better fixed choice, at most", ratio, 1.0)
    yield at_most("wrong answers, at most", bench.num_wrong, 0)
