"""What a server tells of now: asked when somebody looks, and never in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from cutpoint.execution.runtime import runtime_version
from cutpoint.graph import SERVER_ONLY

if TYPE_CHECKING:
    from prometheus_client import Metric

    from cutpoint.server.catalog import Catalog

_WEIGHT = 0.1
"""Of one answer in the slow-down that is shown."""


class Gauges:
    """
    A collector of Prometheus's client.

    Parameters
    ----------
    catalog, queue, is_ready, version
        As for `cutpoint.server.metrics.Metrics`.
    """

    def __init__(
        self, catalog: Catalog, queue: Any, is_ready: Callable[[], bool], version: str
    ) -> None:
        self.num_loading = 0
        self._catalog = catalog
        self._queue = queue
        self._is_ready = is_ready
        self._build = {"version": version, "runtime": runtime_version()}
        self._slowdown: dict[str, float] = {}
        self._watched: dict[str, tuple[str, Callable[[], float]]] = {}
        self._totals: set[str] = set()

    def slowed(self, model: str, factor: float) -> None:
        """Take the slow-down of one answer; a lost update among thousands does not show."""
        before = self._slowdown.get(model, factor)
        self._slowdown[model] = before + _WEIGHT * (factor - before)

    def watch(
        self, name: str, about: str, read: Callable[[], float], *, is_total: bool = False
    ) -> None:
        """Ask for one more number at each scrape; one that only grows is a total."""
        self._watched[name] = (about, read)
        if is_total:
            self._totals.add(name)

    def collect(self) -> Iterator[Metric]:
        """Give everything as it is now."""
        about = _gauge("build_info", "What runs.", tuple(self._build))
        about.add_metric(list(self._build.values()), 1)
        yield about
        yield _one("ready", "Whether every model is warm and requests are taken.", self._is_ready())
        yield from self._of_queue()
        yield from self._of_models()
        for name, (about, read) in list(self._watched.items()):
            yield _one(name, about, read(), is_total=name in self._totals)

    def _of_queue(self) -> Iterator[Metric]:
        queue = self._queue
        yield _one("queue_waiting", "Requests that wait.", queue.waiting)
        yield _one("queue_capacity", "Requests that may wait.", queue.max_waiting)
        yield _one("workers", "Workers.", queue.num_workers)
        yield _one("workers_busy", "Workers that compute.", queue.busy)
        yield _one("requests_pending", "Requests that wait or are computed.", queue.pending)

    def _of_models(self) -> Iterator[Metric]:
        endpoints = self._catalog.endpoints()
        models = {each.model.name: each.model for each in endpoints}
        states = _gauge("models", "Models by state.", ("state",))
        states.add_metric(["ready"], len(models))
        states.add_metric(["loading"], self.num_loading)
        yield states
        about = _gauge("model_info", "What is served.", ("model", "version", "sha256"))
        tails = _gauge("tails", "Tails that are warm, the whole model not counted.", ("model",))
        num_tails = Counter(each.model.name for each in endpoints if each.cut.id != SERVER_ONLY)
        slowdown = _gauge(
            "slowdown_ratio", "Time of answers, as a multiple of the idle server's.", ("model",)
        )
        for name, model in models.items():
            version = str(getattr(model, "version", 1))
            about.add_metric([name, version, model.graph.sha256], 1)
            tails.add_metric([name], num_tails[name])
            if name in self._slowdown:
                slowdown.add_metric([name], self._slowdown[name])
        yield from (about, tails, slowdown)


def _one(name: str, about: str, value: float, *, is_total: bool = False) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    if is_total:
        return CounterMetricFamily(f"cutpoint_{name}", about, value=float(value))
    family: Metric = _gauge(name, about, ())
    family.add_sample(family.name, {}, float(value))
    return family


def _gauge(name: str, about: str, labels: tuple[str, ...]) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(f"cutpoint_{name}", about, labels=labels)
