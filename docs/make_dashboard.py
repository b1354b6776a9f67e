"""Write docs/grafana/cutpoint.json, the dashboard of a server's metrics."""

import json
import sys
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).with_name("grafana") / "cutpoint.json"

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
SERVER = 'job=~"$job",instance=~"$instance"'
MODEL = f'{SERVER},model=~"$model"'

Targets = list[tuple[str, str]]


def rate(metric: str, by: str = "", where: str = MODEL) -> str:
    """Give what a counter gains in a second."""
    grouped = f"sum by ({by})" if by else "sum"
    return f"{grouped} (rate({metric}{{{where}}}[$__rate_interval]))"


def quantile(metric: str, share: float) -> str:
    """Give a quantile of a histogram."""
    return f"histogram_quantile({share}, {rate(f'{metric}_bucket', 'le')})"


def mean(metric: str, where: str = MODEL) -> str:
    """Give the mean of a histogram."""
    return f"{rate(f'{metric}_sum', where=where)} / {rate(f'{metric}_count', where=where)}"


def now(metric: str, by: str = "", where: str = SERVER) -> str:
    """Give a gauge, summed."""
    return f"sum by ({by}) ({metric}{{{where}}})" if by else f"sum ({metric}{{{where}}})"


def gained(metric: str, by: str) -> str:
    """Give what a counter gained between two points."""
    return f"sum by ({by}) (increase({metric}{{{SERVER}}}[$__rate_interval]))"


def each(metric: str, where: str = SERVER) -> str:
    """Give a gauge as it is."""
    return f"{metric}{{{where}}}"


PARTS = ("wait", "decode", "compute", "copy")
ANSWERED = f'{MODEL},outcome="ok"'
BATCHES = rate("cutpoint_batch_size_bucket", "le", SERVER)

REQUESTS: tuple[tuple[str, str, Targets], ...] = (
    ("Requests by outcome", "reqps", [(rate("cutpoint_requests_total", "outcome"), "{{outcome}}")]),
    (
        "Rejects by reason",
        "reqps",
        [(rate("cutpoint_rejects_total", "reason", SERVER), "{{reason}}")],
    ),
    (
        "Answers by cut",
        "reqps",
        [(rate("cutpoint_requests_total", "model, cut", ANSWERED), "{{model}} {{cut}}")],
    ),
)

LATENCY: tuple[tuple[str, str, Targets], ...] = (
    (
        "Quantiles",
        "s",
        [(quantile("cutpoint_latency_seconds", p), f"p{p * 100:g}") for p in (0.5, 0.9, 0.99)],
    ),
    ("Parts, p90", "s", [(quantile(f"cutpoint_{part}_seconds", 0.9), part) for part in PARTS]),
    ("Parts, mean", "s", [(mean(f"cutpoint_{part}_seconds"), part) for part in PARTS]),
)

LOAD: tuple[tuple[str, str, Targets], ...] = (
    (
        "Queue",
        "short",
        [
            (now("cutpoint_queue_waiting"), "waiting"),
            (now("cutpoint_queue_capacity"), "may wait"),
            (now("cutpoint_requests_pending"), "waiting or computed"),
        ],
    ),
    (
        "Workers",
        "short",
        [(now("cutpoint_workers_busy"), "busy"), (now("cutpoint_workers"), "all")],
    ),
    (
        "Slow-down against the idle server",
        "none",
        [(each("cutpoint_slowdown_ratio", MODEL), "{{instance}} {{model}}")],
    ),
    (
        "Batch size",
        "none",
        [
            (mean("cutpoint_batch_size", SERVER), "mean"),
            (f"histogram_quantile(0.9, {BATCHES})", "p90"),
        ],
    ),
)

MODELS: tuple[tuple[str, str, Targets], ...] = (
    (
        "Tensors",
        "Bps",
        [
            (rate("cutpoint_received_bytes_total"), "in"),
            (rate("cutpoint_decoded_bytes_total"), "of that, decoded"),
            (rate("cutpoint_sent_bytes_total"), "out"),
        ],
    ),
    (
        "Models",
        "short",
        [
            (now("cutpoint_models", "state"), "{{state}}"),
            (now("cutpoint_tails", where=MODEL), "tails"),
        ],
    ),
    ("Reloads", "short", [(gained("cutpoint_reloads_total", "outcome"), "{{outcome}}")]),
    ("Served now", "table", [(each("cutpoint_model_info", MODEL), "")]),
)

PROCESS: tuple[tuple[str, str, Targets], ...] = (
    ("Ready", "bool", [(each("cutpoint_ready"), "{{instance}}")]),
    (
        "Memory",
        "bytes",
        [
            (each("process_resident_memory_bytes"), "resident {{instance}}"),
            (each("cutpoint_weights_bytes"), "weights {{instance}}"),
        ],
    ),
    (
        "Weights that made room",
        "short",
        [(gained("cutpoint_weights_evicted_total", "instance"), "{{instance}}")],
    ),
    (
        "Processor",
        "percentunit",
        [(rate("process_cpu_seconds_total", "instance", SERVER), "{{instance}}")],
    ),
    ("Streams", "short", [(now("cutpoint_streams", "instance"), "{{instance}}")]),
    ("Open files", "short", [(each("process_open_fds"), "{{instance}}")]),
    ("Builds", "table", [(each("cutpoint_build_info"), "")]),
)

ROWS = (
    ("Requests", REQUESTS),
    ("Latency of answers, from the whole request to the answer", LATENCY),
    ("Load", LOAD),
    ("Models and bytes", MODELS),
    ("Process", PROCESS),
)


def panel(number: int, title: str, unit: str, targets: Targets, place: dict[str, int]) -> Any:
    """Give one panel: a table of labels, or lines over time."""
    is_table = unit == "table"
    queries = [
        {
            "refId": chr(ord("A") + index),
            "datasource": SOURCE,
            "expr": expression,
            "legendFormat": legend,
            **({"format": "table", "instant": True} if is_table else {}),
        }
        for index, (expression, legend) in enumerate(targets)
    ]
    unit = "none" if is_table else unit
    return {
        "id": number,
        "title": title,
        "type": "table" if is_table else "timeseries",
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": queries,
    }


def panels() -> list[Any]:
    """Give every row and its panels, side by side."""
    made: list[Any] = []
    y = 0
    for title, members in ROWS:
        made.append(
            {
                "id": len(made) + 1,
                "type": "row",
                "title": title,
                "collapsed": False,
                "panels": [],
                "gridPos": {"h": 1, "w": 24, "x": 0, "y": y},
            }
        )
        y += 1
        width = 24 // min(len(members), 3 if len(members) > 4 else 4)
        for index, (name, unit, targets) in enumerate(members):
            per_row = 24 // width
            place = {
                "h": 8,
                "w": width,
                "x": index % per_row * width,
                "y": y + index // per_row * 8,
            }
            made.append(panel(len(made) + 1, name, unit, targets, place))
        y += 8 * -(-len(members) // (24 // width))
    return made


def variable(name: str, label: str, query: str) -> Any:
    """Give a variable that is filled from labels, all of them by default."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "includeAll": True,
        "allValue": ".*",
        "multi": True,
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def dashboard() -> Any:
    """Give the dashboard as Grafana imports it."""
    return {
        "title": "cutpoint server",
        "uid": "cutpoint-server",
        "tags": ["cutpoint", "inference"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {
            "list": [
                {
                    "name": "datasource",
                    "label": "Data source",
                    "type": "datasource",
                    "query": "prometheus",
                },
                variable("job", "Job", "label_values(cutpoint_build_info, job)"),
                variable("instance", "Server", "label_values(cutpoint_build_info, instance)"),
                variable("model", "Model", "label_values(cutpoint_requests_total, model)"),
            ]
        },
        "panels": panels(),
    }


def text() -> str:
    """Give the file's content."""
    return json.dumps(dashboard(), indent=2) + "\n"


if __name__ == "__main__":
    OUTPUT.write_text(text())
    sys.stdout.write(f"wrote {OUTPUT}\n")
