"""Experiment: every estimator of a link and of load against the truth: error, lag, bytes."""

from collections.abc import Iterator, Sequence
from math import nan

from cutpoint.estimation import IDLE_BYTES_PER_S
from cutpoint.lab.estimators.link_trial import (
    BUSY_S,
    CUTPOINT,
    SILENT_S,
    TRANSFER_BYTES,
    LinkSetting,
    link_verdicts,
)
from cutpoint.lab.estimators.load_trial import NUM_STEPS, SETTINGS, STEP_S, load_verdicts
from cutpoint.lab.estimators.verdict import Verdict
from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch
from cutpoint.lab.experiments.form import Claim, ResultRow, at_most, summarise
from cutpoint.lab.traces import Trace, chosen_traces
from cutpoint.simulation.rate_schedule import RateSchedule
from cutpoint.units import from_mbit_per_s, milliseconds

STEPS = "8, 1 Mbit/s by turns"
_LINK_STEP_S, _NUM_LINK_STEPS = 10.0, 12
_LOAD_OFF, _LAG_S = 0.25, 1.0


class EstimatorsExperiment:
    """Let each estimator watch the same links and servers, on a made-up clock."""

    name = "estimators"
    summary = "Each estimator of link and load against the truth: error, lag, bytes spent."

    def run(self, options: Options) -> Outcome:
        """
        Judge all of them.

        Raises
        ------
        TraceError
            If a trace cannot be read.
        """
        watch = Stopwatch(self.name, options)
        traces = chosen_traces(options.traces)
        settings = [_steps(), *map(_traced, traces)]
        options.progress.begin("estimators", len(settings) + len(SETTINGS))
        links: list[Verdict] = []
        loads: list[Verdict] = []
        for setting in settings:
            links += link_verdicts(setting)
            options.progress.advance(setting.name)
        for load in SETTINGS:
            loads += load_verdicts(load, options.seed)
            options.progress.advance(load.name)
        report = watch.report(
            [*_rows(links, options.seed, "link"), *_rows(loads, options.seed, "load")],
            [*_link_claims(links), *_load_claims(loads)],
            details={"links": _details(links), "loads": _details(loads)},
            traces=[trace.name for trace in traces],
            notes=("virtual: no byte leaves this process",),
        )
        return Outcome(report, _text(links, loads))


def _steps() -> LinkSetting:
    fast, slow = (from_mbit_per_s(rate) for rate in (8.0, 1.0))
    schedule = RateSchedule(phases=((_LINK_STEP_S, fast), (_LINK_STEP_S, slow)), repeat=True)
    steps_s = tuple(_LINK_STEP_S * step for step in range(1, _NUM_LINK_STEPS))
    return LinkSetting(STEPS, schedule, _LINK_STEP_S * _NUM_LINK_STEPS, steps_s)


def _traced(trace: Trace) -> LinkSetting:
    return LinkSetting(trace.name, trace.up, trace.duration_s)


def _rows(verdicts: Sequence[Verdict], seed: int, kind: str) -> Iterator[ResultRow]:
    for each in verdicts:
        yield ResultRow(
            model="-",
            link=each.setting if kind == "link" else "-",
            load=each.setting if kind == "load" else "-",
            policy=each.name,
            clock="virtual",
            n=len(each.off_s),
            latency_s=summarise(each.off_s, seed),
            note="how far the prediction of one transfer or tail is off",
        )


def _link_claims(verdicts: Sequence[Verdict]) -> Iterator[Claim]:
    for setting in dict.fromkeys(each.setting for each in verdicts):
        own, *others = _of(verdicts, setting)
        least = min(other.median_off for other in others)
        name = f"{setting}: median error beside the best published one's"
        yield at_most(name, own.median_off, least)
        name = f"{setting}: bytes/s of probes, frames and acknowledgements, half of the time idle"
        yield at_most(name, own.probe_bytes_per_s, IDLE_BYTES_PER_S)


def _load_claims(verdicts: Sequence[Verdict]) -> Iterator[Claim]:
    for each in verdicts:
        if each.name == CUTPOINT:
            lag_s = nan if each.median_lag_s is None else each.median_lag_s
            yield at_most(f"{each.setting}: median error of cutpoint", each.median_off, _LOAD_OFF)
            yield at_most(f"{each.setting}: lag of cutpoint, s", lag_s, _LAG_S)


def _of(verdicts: Sequence[Verdict], setting: str) -> list[Verdict]:
    found = [each for each in verdicts if each.setting == setting]
    return sorted(found, key=lambda each: each.name != CUTPOINT)


def _details(verdicts: Sequence[Verdict]) -> list[dict[str, object]]:
    return [
        {
            "estimator": each.name,
            "setting": each.setting,
            "median_off": each.median_off,
            "p95_off": each.p95_off,
            "median_lag_s": each.median_lag_s,
            "probe_bytes_per_s": each.probe_bytes_per_s,
        }
        for each in verdicts
    ]


def _text(links: Sequence[Verdict], loads: Sequence[Verdict]) -> str:
    intro = (
        f"Each estimator watches the same link: {BUSY_S:g} s of transfers of "
        f"{TRANSFER_BYTES // 1000} KB one after the other, {SILENT_S:g} s of silence, and so on. "
        "Ten times a second it predicts such a transfer, and the error is that against what it "
        "would take from then on. Lag is the time after a step until a prediction is within "
        "20 %. Bytes are those of probes and of their frames, of cutpoint's the acknowledgements "
        "too. The published ones measure as their papers say; see the classes of "
        "`cutpoint.estimation` for what is reconstructed.\n\n"
    )
    middle = (
        f"\nEach estimator of load hears of five answers a second, for {NUM_STEPS} steps of "
        f"{STEP_S:g} s, and predicts waiting and computing of a tail of 10 ms.\n\n"
    )
    return "## Links\n\n" + intro + _table(links) + "\n## Load\n" + middle + _table(loads)


def _table(verdicts: Sequence[Verdict]) -> str:
    lines = [
        "| setting | estimator | median error | p95 | mean error, ms | lag, s | probes, B/s |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for each in verdicts:
        lag_s = each.median_lag_s
        lag = "" if lag_s is None else f"{lag_s:.1f}"
        mean_ms = milliseconds(sum(each.off_s) / len(each.off_s))
        lines.append(
            f"| {each.setting} | {each.name} | {each.median_off:.0%} | {each.p95_off:.0%} | "
            f"{mean_ms:,.0f} | {lag} | {each.probe_bytes_per_s:,.0f} |"
        )
    return "\n".join(lines) + "\n"
