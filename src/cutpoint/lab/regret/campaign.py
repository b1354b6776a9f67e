"""The regret experiment under way: tables by net, cases by net and trace."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cutpoint.cost import CutTable
from cutpoint.lab.arena import (
    BASELINES,
    CUTPOINT,
    RACING,
    SERVER_ONLY_FLOAT32,
    Arena,
    Contender,
    Subject,
    prepare_subject,
    published,
    slowdown_for,
)
from cutpoint.lab.arena.rows_seat import ROWS
from cutpoint.lab.experiments.experiment import Options
from cutpoint.lab.regret.exact import ExactCase
from cutpoint.lab.regret.loaded_server import LoadedServer, measure_loaded
from cutpoint.lab.regret.measured import MeasuredCase, measured_case
from cutpoint.lab.regret.world_of import DELAY_S, LOAD
from cutpoint.lab.traces import Trace
from cutpoint.policies import PUBLISHED

DEVICE_S: Mapping[str, float] = {
    "squeezenet": 0.15,
    "mobilenet_v2": 0.1,
    "resnet18": 0.25,
    "googlenet": 0.2,
    "alexnet": 0.1,
    "resnet50": 0.4,
    "mobilenet_v3_large": 0.05,
}
"""What each whole net takes on its slowed device: from short against the changes of a link to
long."""

_DEVICE_S = 0.15
"""Of others."""

_QUICK_SCHEMES = ("dads", "loadpart", "diamond")
"""On the real clock; each of the others does almost what one of these does."""

_NUM_PICTURES = 4


class Campaign:
    """
    Everything that is computed and measured.

    Parameters
    ----------
    traces
        Of the link.
    options
        Of the experiment.
    folder
        For models and records meanwhile.
    """

    def __init__(self, traces: Sequence[Trace], options: Options, folder: Path) -> None:
        self.cases: list[ExactCase] = []
        self.measured: list[MeasuredCase] = []
        self.slowdowns: dict[str, float] = {}
        self.tolerances: dict[str, str] = {}
        self.busy: dict[str, LoadedServer] = {}
        self._traces = tuple(traces)
        self._options = options
        self._folder = folder

    def __repr__(self) -> str:
        return f"<Campaign: {len(self.cases)} cases, {len(self.measured)} measured>"

    def compute(self, name: str) -> None:
        """Take the table of a net, as a session has it, and run every policy on it."""
        self._in_arena(name, (), lambda arena: self._add_cases(name, arena))

    def measure(self, name: str, num_places: int) -> None:
        """Do the same, and run every policy on the real clock."""
        progress = self._options.progress

        def work(arena: Arena) -> None:
            for case in self._add_cases(name, arena):
                seed = self._options.seed
                self.measured.append(
                    measured_case(arena, case, num_places=num_places, seed=seed, progress=progress)
                )

        schemes = _QUICK_SCHEMES if self._options.is_quick else tuple(PUBLISHED)
        baselines = (each for each in BASELINES if each != SERVER_ONLY_FLOAT32)
        contenders = (*baselines, CUTPOINT, RACING, *map(published, schemes))
        self._in_arena(name, contenders, work)

    def details(self) -> dict[str, Any]:
        """Give what belongs to the report beside rows and claims."""
        return {
            "device_slowdown": self.slowdowns,
            "tolerance": self.tolerances,
            "loaded_server": self.busy,
            "replayed": {
                _key(each.case): {
                    "rows": [row.name for row in each.rows],
                    "loss_by_these_rows": each.loss,
                    "inferences": len(each.shots),
                    "share_dropped": each.share_dropped,
                    "ratios": each.ratios(),
                    "log": each.log(),
                }
                for each in self.measured
            },
        }

    def _in_arena(
        self, name: str, contenders: Sequence[Contender], work: Callable[[Arena], Any]
    ) -> None:
        seed = self._options.seed
        subject = prepare_subject(name, self._folder, num_pictures=_NUM_PICTURES, seed=seed)
        self.tolerances[name] = subject.tolerance
        slowdown = self.slowdowns[name] = slowdown_for(subject, DEVICE_S.get(name, _DEVICE_S))
        log = self._folder / f"{name}.jsonl"
        with Arena(
            subject, contenders, slowdown=slowdown, delay_s=DELAY_S, with_rows=True, log=log
        ) as arena:
            arena.wait_until_ready()
            work(arena)
        _delete(subject)

    def _add_cases(self, name: str, arena: Arena) -> list[ExactCase]:
        table = _table_of(arena)
        busy = self.busy[name] = measure_loaded(arena, LOAD)
        graph = arena.subject.graph("uint8")
        cases = [
            ExactCase(name, trace, table, busy.answered, graph, is_detailed=not self.cases)
            for trace in self._traces
        ]
        self.cases += cases
        return cases


def _key(case: ExactCase) -> str:
    return f"{case.model}, {case.trace.name}"


def _table_of(arena: Arena) -> CutTable:
    table = arena.table(ROWS)
    if table is None:
        raise RuntimeError("the session that replays rows has not decided yet: wait until ready")
    return table


def _delete(subject: Subject) -> None:
    """Give the disk back: models of the zoo are hundreds of megabytes."""
    for path in (subject.plain, subject.pixels):
        path.unlink()
