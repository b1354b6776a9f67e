"""Experiment: what it brings and costs that the device computes on after it has sent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from cutpoint.cost import POWER_PROFILES
from cutpoint.lab.experiments.experiment import Options, Outcome, Stopwatch
from cutpoint.lab.experiments.form import Claim, Figure, ResultRow, at_most, summarise
from cutpoint.lab.race.pixel_table import pixel_net, pixel_table
from cutpoint.lab.race.real import LINKS, PERCENTILES, Pairs, run_in_turns
from cutpoint.lab.race.text import plot_race, race_text
from cutpoint.lab.race.virtual import Course, Way, course_of
from cutpoint.records import InferenceRecord

MODELS = ("squeezenet", "mobilenet_v2", "resnet18", "googlenet", "alexnet", "mobilenet_v3_large")
_QUICK_MODELS = ("squeezenet", "mobilenet_v3_large")
_REAL_MODEL = "googlenet"
"""Ten milliseconds or more on one core: threads that hand over to each other take half of one."""

NEVER, ALWAYS = Way("cutpoint", "cutpoint", "off"), Way("cutpoint, races", "cutpoint", "always")
WAYS = (ALWAYS, NEVER, Way("cutpoint, races if it is worth it", "cutpoint", "auto"))
ALONE = Way("device-only", "device", "off")

_NUM, _QUICK_NUM = 100_000, 6_000
_OTHERS = 5
"""What does not race always is simulated for so many times fewer inferences."""

_NUM_PAIRS, _QUICK_PAIRS = 1000, 200
"""On each of two links."""

_MOST_MEAN, _MOST_P99, _MOST_OVER_ALONE = 1.05, 4.5, 1.05
_POWER = "raspberry-pi-4b-wifi"
LINK = "20 Mbit/s, off by 30 %, silent 2 % of the time"


@dataclass(frozen=True)
class Raced:
    """
    One way to run the inferences of one course on the virtual clock.

    Parameters
    ----------
    course, way
        What was run, and how.
    records
        Of it.
    """

    course: Course
    way: Way
    records: tuple[InferenceRecord, ...]

    @property
    def over_clairvoyant(self) -> np.ndarray:
        """Latencies over the clairvoyant mean. Shape ``(n,)``."""
        taken_s = np.array([record.latency_s for record in self.records])
        return taken_s / float(self.course.clairvoyant_s.mean())


class RaceExperiment:
    """
    Race on a virtual clock over bad links, and on the real one beside the device alone.

    Parameters
    ----------
    num_inferences, num_pairs
        On the virtual clock over all nets, and on the real one for each link; ``None`` as it fits.
    """

    name = "race"
    summary = "The device computes on after sending: what that brings over bad links, and costs."

    def __init__(self, num_inferences: int | None = None, num_pairs: int | None = None) -> None:
        self._num_inferences = num_inferences
        self._num_pairs = num_pairs

    def run(self, options: Options) -> Outcome:
        """
        Do it.

        Raises
        ------
        CutpointError
            If a model is not in the zoo or takes no pictures, or the server does not become ready.
        """
        watch = Stopwatch(self.name, options)
        models = options.models or (_QUICK_MODELS if options.is_quick else MODELS)
        options.progress.begin("races", len(models) + len(LINKS))
        with TemporaryDirectory(prefix="cutpoint-race-") as folder:
            pairs = self._real(Path(folder), options)
            raced = [each for part in self._virtual(models, Path(folder), options) for each in part]
        report = watch.report(
            [*_virtual_rows(raced), *_real_rows(pairs, _REAL_MODEL)],
            [*_virtual_claims(raced), *_real_claims(pairs)],
            details=_details(raced, pairs),
        )
        figure = Figure(
            self.name,
            "Latency with and without a race",
            "Share of inferences that take longer, over the mean of who knows the future.",
            lambda path: plot_race(pooled(raced), path),
        )
        return Outcome(report, race_text(pooled(raced), joules(raced), pairs), (figure,))

    def _real(self, folder: Path, options: Options) -> list[Pairs]:
        path = pixel_net(_REAL_MODEL, folder)
        num = self._num_pairs or (_QUICK_PAIRS if options.is_quick else _NUM_PAIRS)
        pairs = []
        for link in LINKS:
            pairs.append(run_in_turns(path, link, num))
            options.progress.advance(f"real clock, {link.name}")
        return pairs

    def _virtual(
        self, models: Sequence[str], folder: Path, options: Options
    ) -> Iterator[list[Raced]]:
        num = self._num_inferences or (_QUICK_NUM if options.is_quick else _NUM)
        for index, model in enumerate(models):
            table = pixel_table(pixel_net(model, folder))
            seed = options.seed + index
            most = course_of(model, table, -(-num // len(models)), seed)
            fewer = course_of(model, table, -(-num // len(models) // _OTHERS), seed)
            yield [
                Raced(course, way, course.run(way, POWER_PROFILES[_POWER]))
                for course, way in (
                    (most, ALWAYS), *((fewer, way) for way in (*WAYS[1:], ALONE)),
                )
            ]  # fmt: skip
            options.progress.advance(f"virtual clock, {model}")


def pooled(raced: Sequence[Raced]) -> dict[str, np.ndarray]:
    """Give latencies over the clairvoyant mean of the net, of all nets, by the name of the way."""
    names = dict.fromkeys(each.way.name for each in raced)
    return {
        name: np.concatenate([each.over_clairvoyant for each in raced if each.way.name == name])
        for name in names
    }


def joules(raced: Sequence[Raced]) -> dict[str, float]:
    """Give the mean joules of an inference by the name of the way."""
    names = dict.fromkeys(each.way.name for each in raced)
    return {
        name: float(
            np.mean([r.energy_j for each in raced if each.way.name == name for r in each.records])
        )
        for name in names
    }


def _virtual_rows(raced: Sequence[Raced]) -> Iterator[ResultRow]:
    for each in raced:
        taken_s = [record.latency_s for record in each.records]
        yield ResultRow(
            model=each.course.model,
            link=LINK,
            load="idle",
            policy=each.way.name,
            clock="virtual",
            n=len(taken_s),
            latency_s=summarise(taken_s),
            energy_j=float(np.mean([record.energy_j for record in each.records])),
        )


def _real_rows(pairs: Sequence[Pairs], model: str) -> Iterator[ResultRow]:
    for each in pairs:
        for policy, taken_s in (
            ("server-only, races", each.raced_s),
            ("device-only", each.alone_s),
        ):
            yield ResultRow(
                model=model,
                link=each.link.name,
                load="idle",
                policy=policy,
                clock="real",
                n=len(taken_s),
                latency_s=summarise(taken_s),
            )


def _virtual_claims(raced: Sequence[Raced]) -> Iterator[Claim]:
    found = pooled(raced)[ALWAYS.name]
    yield at_most("raced: mean over the clairvoyant mean, at most", found.mean(), _MOST_MEAN)
    p99 = float(np.percentile(found, 99))
    yield at_most("raced: p99 over the clairvoyant mean, at most", p99, _MOST_P99)


def _real_claims(pairs: Sequence[Pairs]) -> Iterator[Claim]:
    for each in pairs:
        for percentile in PERCENTILES:
            name = (
                f"{each.link.name}: p{percentile} raced less encoding, over the device's, at most"
            )
            yield at_most(name, each.over_alone(percentile), _MOST_OVER_ALONE)
        yield at_most(f"{each.link.name}: wrong answers, at most", each.num_wrong, 0)


def _details(raced: Sequence[Raced], pairs: Sequence[Pairs]) -> dict[str, object]:
    return {
        "virtual": [
            {
                "model": each.course.model,
                "way": each.way.name,
                "clairvoyant_mean_s": float(each.course.clairvoyant_s.mean()),
                "raced_share": float(np.mean([r.race is not None for r in each.records])),
                "won_share": _won_share(each.records),
            }
            for each in raced
        ],
        "real": [
            {
                "link": each.link,
                "won_share": each.won_share,
                "encode_s": each.encode_s,
                "handed_over_s": float(np.median([r.measured.lost_s for r in each.raced])),
            }
            for each in pairs
        ],
    }


def _won_share(records: Sequence[InferenceRecord]) -> float:
    return float(np.mean([r.race is not None and r.race.is_won for r in records]))
