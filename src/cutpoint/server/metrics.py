"""What a server counts, for Prometheus, drawn from the requests it served."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from cutpoint.exceptions import MissingDependencyError
from cutpoint.graph import SERVER_ONLY
from cutpoint.server.gauges import Gauges
from cutpoint.server.served_request import ServedRequest

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Histogram, Metric

    from cutpoint.server.catalog import Catalog

LATENCY_BUCKETS_S = (
    0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075,
    0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0,
)  # fmt: skip
"""Upper ends, in seconds: a quantile is told within a factor of about 1.5."""

PART_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Of the parts: coarser, for there are four of them."""

BATCH_BUCKETS = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 32.0)

WHOLE = "whole"
"""Label ``cut`` of requests for the whole model."""

UNKNOWN = "(unknown)"
"""Labels of requests that named nothing served here; no model can be called that."""

OTHER = "(other)"
"""Labels of whatever would be one series too many."""

_MAX_SERIES = 256
"""Pairs of model and cut; a repository that changes for months cannot make more."""

_REASONS = {
    "OverloadedError": "queue_full",
    "NotReadyError": "not_ready",
    "DeadlineExceededError": "deadline",
    "ModelError": "unknown_model",
    "InvalidCutError": "unknown_model",
    "ModelMismatchError": "other_model",
    "RemoteProtocolError": "malformed",
    "FeedError": "malformed",
    "RefusedError": "not_allowed",
}
"""Words for errors; another one's is ``other``. Nothing a client writes becomes a label."""

_REASON_OF = {"rejected": "queue_full", "late": "deadline", "invalid": "other"}
"""Outcomes that are refusals, and the reason of those that tell none."""


@dataclass(frozen=True)
class _Series:
    """Everything of one model and cut, looked up once."""

    labels: tuple[str, str]
    wait: Histogram
    decode: Histogram
    compute: Histogram
    copy: Histogram
    latency: Histogram
    received: Counter
    decoded: Counter
    sent: Counter
    outcomes: dict[str, Counter]


class Metrics:
    """
    The metrics of one server, in a registry of its own.

    Every request is counted exactly once, whatever its end: the sum of
    ``cutpoint_requests_total`` over its outcomes is the number of requests.

    Parameters
    ----------
    catalog, queue
        Asked at each scrape.
    is_ready
        Whether every model is warm and requests are taken.
    version
        Of cutpoint.

    Raises
    ------
    MissingDependencyError
        If ``prometheus_client`` is not installed.
    """

    def __init__(
        self, catalog: Catalog, queue: Any, is_ready: Callable[[], bool], version: str
    ) -> None:
        client = _prometheus_client()
        self.registry: CollectorRegistry = client.CollectorRegistry()
        self.gauges = Gauges(catalog, queue, is_ready, version)
        self._lock = Lock()
        self._series: dict[tuple[str, str], _Series] = {}
        self._make(client)
        self.registry.register(self.gauges)
        client.ProcessCollector(registry=self.registry)

    def __repr__(self) -> str:
        return f"<Metrics: {len(self._series)} series>"

    def observe(self, request: ServedRequest) -> None:
        """Count one request."""
        series = self._series_of(request)
        self._outcome(series, request)
        series.received.inc(request.received_bytes)
        if request.outcome in _REASON_OF:
            self._rejects.labels(_reason(request)).inc()
        if request.outcome != "ok":
            return
        series.wait.observe(request.wait_s)
        if request.decoded_bytes:
            series.decode.observe(request.decode_s)
            series.decoded.inc(request.decoded_bytes)
        series.compute.observe(request.tail_s)
        series.copy.observe(request.other_s)
        series.latency.observe(request.latency_s)
        series.sent.inc(request.sent_bytes)
        self._batch.observe(request.batch)
        if request.idle_s > 0:
            self.gauges.slowed(request.model, request.tail_s / request.idle_s)

    def reloaded(self, is_good: bool) -> None:
        """Count one model that was loaded anew while the server runs, or could not be."""
        self._reloads.labels("good" if is_good else "bad").inc()

    def loading(self, num_models: int) -> None:
        """Tell how many models are being loaded now."""
        self.gauges.num_loading = num_models

    def watch(
        self, name: str, about: str, read: Callable[[], float], *, is_total: bool = False
    ) -> None:
        """
        Show one more number, asked at each scrape.

        Parameters
        ----------
        name
            Without the prefix: ``streams`` is shown as ``cutpoint_streams``.
        about
            One line, for people.
        read
            Gives it; called on the scrape's own thread.
        is_total
            Whether it only grows: a counter, shown with ``_total`` behind its name.
        """
        self.gauges.watch(name, about, read, is_total=is_total)

    def text(self, accept: str = "") -> tuple[bytes, str]:
        """
        Render everything.

        Parameters
        ----------
        accept
            What the scraper says it takes.

        Returns
        -------
        text : bytes
        content_type : str
        """
        encode, content_type = _exposition().choose_encoder(accept)
        return encode(self), content_type

    def collect(self) -> Iterator[Metric]:
        """Give every metric, without the times at which each series began."""
        for metric in self.registry.collect():
            time.sleep(0)  # whoever computes need not wait for the whole page
            # One line more for each count and histogram, which nobody here asks for.
            metric.samples = [each for each in metric.samples if not each.name.endswith("_created")]
            yield metric

    def _make(self, client: Any) -> None:
        """Make the counters and histograms; reasons that never happened are there as 0."""
        settings = {"registry": self.registry, "namespace": "cutpoint"}
        by_cut = {**settings, "labelnames": ("model", "cut")}

        def parts(name: str, about: str) -> Any:
            return client.Histogram(name, about, buckets=PART_BUCKETS_S, **by_cut)

        self._requests = client.Counter(
            "requests", "Requests by outcome.", ("model", "cut", "outcome"), **settings
        )
        self._rejects = client.Counter(
            "rejects", "Requests refused by the server, by reason.", ("reason",), **settings
        )
        self._wait = parts("wait_seconds", "Waiting of answered requests.")
        self._decode = parts("decode_seconds", "Decoding of answered requests that came encoded.")
        self._compute = parts("compute_seconds", "Time in segments of answered requests.")
        self._copy = parts("copy_seconds", "Copying around segments of answered requests.")
        self._latency = client.Histogram(
            "latency_seconds",
            "Request complete to answer ready.",
            buckets=LATENCY_BUCKETS_S,
            **by_cut,
        )
        self._received = client.Counter(
            "received_bytes", "Bytes of the tensors of requests.", **by_cut
        )
        self._decoded = client.Counter(
            "decoded_bytes", "Bytes that encoded tensors of answered requests became.", **by_cut
        )
        self._sent = client.Counter("sent_bytes", "Bytes of the tensors of answers.", **by_cut)
        self._batch = client.Histogram(
            "batch_size", "Requests that ran together, per answer.", buckets=BATCH_BUCKETS,
            **settings,
        )  # fmt: skip
        self._reloads = client.Counter(
            "reloads", "Models loaded anew, or not.", ("outcome",), **settings
        )
        for reason in {*_REASONS.values(), "other"}:
            self._rejects.labels(reason)
        for outcome in ("good", "bad"):
            self._reloads.labels(outcome)

    def _series_of(self, request: ServedRequest) -> _Series:
        key = _labels_of(request)
        found = self._series.get(key)
        if found is not None:
            return found
        with self._lock:
            if key not in self._series and len(self._series) >= _MAX_SERIES:
                key = (OTHER, OTHER)
            if key not in self._series:
                self._series[key] = self._new_series(key)
            return self._series[key]

    def _new_series(self, key: tuple[str, str]) -> _Series:
        return _Series(
            labels=key,
            wait=self._wait.labels(*key),
            decode=self._decode.labels(*key),
            compute=self._compute.labels(*key),
            copy=self._copy.labels(*key),
            latency=self._latency.labels(*key),
            received=self._received.labels(*key),
            decoded=self._decoded.labels(*key),
            sent=self._sent.labels(*key),
            outcomes={},
        )

    def _outcome(self, series: _Series, request: ServedRequest) -> None:
        counter = series.outcomes.get(request.outcome)
        if counter is None:
            counter = self._requests.labels(*series.labels, request.outcome)
            series.outcomes[request.outcome] = counter
        counter.inc()


def _labels_of(request: ServedRequest) -> tuple[str, str]:
    if not request.model:
        return UNKNOWN, UNKNOWN
    return request.model, WHOLE if request.cut == SERVER_ONLY else request.cut


def _reason(request: ServedRequest) -> str:
    if not request.reason:
        return _REASON_OF[request.outcome]
    return _REASONS.get(request.reason, "other")


def _prometheus_client() -> Any:
    try:
        import prometheus_client
    except ImportError as error:
        raise MissingDependencyError(
            "metrics need prometheus_client: pip install 'cutpoint[server]', or serve without "
            "a metrics port"
        ) from error
    return prometheus_client


def _exposition() -> Any:
    from prometheus_client import exposition

    return exposition
