"""Experiment: more than a server can do."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch, details_of
from cutpoint.lab.experiments.form import Claim, Figure, ResultRow, at_least, at_most
from cutpoint.lab.overload_bench import FACTORS, OverloadBench, run_overload_bench
from cutpoint.lab.overload_report import (
    LEAST_KEPT,
    MOST_ATTEMPTS,
    MOST_REJECT_S,
    overload_text,
    plot_overload,
)
from cutpoint.lab.progress import announcer

_MODEL = "mobilenet_v2"
_QUICK_S, _QUICK_ROUNDS = 3.0, 2
_ROUND_S, _ROUNDS = 4.0, 3


class OverloadExperiment:
    """
    Offer a server up to four times what it can do.

    Parameters
    ----------
    num_rounds, duration_s
        Rounds, and seconds of each load in one; ``None`` as it fits.
    """

    name = "overload"
    summary = "Up to four times what a server can do: goodput, refusals, attempts per request."

    def __init__(self, num_rounds: int | None = None, duration_s: float | None = None) -> None:
        self._num_rounds = num_rounds
        self._duration_s = duration_s

    def run(self, options: Options) -> Outcome:
        """Do it."""
        watch = Stopwatch(self.name, options)
        num_rounds = self._num_rounds or (_QUICK_ROUNDS if options.is_quick else _ROUNDS)
        with TemporaryDirectory(prefix="cutpoint-") as folder:
            bench = run_overload_bench(
                Path(folder),
                _MODEL,
                self._duration_s or (_QUICK_S if options.is_quick else _ROUND_S),
                num_rounds,
                listener=announcer(
                    options.progress, self.name, num_rounds * (1 + len(FACTORS)) + 1
                ),
            )
        return overload_outcome(bench, watch)


def overload_outcome(bench: OverloadBench, watch: Stopwatch) -> Outcome:
    """Give what was measured as an outcome."""
    report = watch.report(list(_rows(bench)), list(_claims(bench)), details=details_of(bench))
    figure = Figure(
        "overload",
        "Goodput over offered load",
        "Answers in time per second, however much is asked for.",
        lambda path: plot_overload(bench, path),
    )
    return Outcome(report, overload_text(bench), (figure,))


def _rows(bench: OverloadBench) -> Iterator[ResultRow]:
    for row in bench.rows:
        if row.answered is not None:
            yield ResultRow(
                model=bench.model,
                link="loopback",
                load=f"{row.factor:.0%} of capacity",
                policy="server-only float32",
                clock="real",
                n=row.num_requests - row.num_rejected - row.num_late - row.num_failed,
                latency_s=row.answered,
                throughput_per_s=row.mean_goodput_per_s,
                note=f"{row.num_rejected} refused, {row.num_late} late, {row.num_failed} failed",
            )


def _claims(bench: OverloadBench) -> Iterator[Claim]:
    judged = f"at {bench.judged.factor:g} times the capacity"
    yield at_least(f"goodput {judged} over the peak, at least", bench.kept, LEAST_KEPT)
    refused_ms = bench.judged.rejected_s[1] * 1e3
    yield at_most(f"refusals {judged}: p99 in ms, at most", refused_ms, MOST_REJECT_S * 1e3)
    for each in bench.attempts:
        yield at_most(f"{each.who}: attempts per request, at most", each.per_request, MOST_ATTEMPTS)
    wrong = sum(each.num_wrong for each in bench.attempts)
    yield at_most("wrong answers, at most", wrong, 0)
