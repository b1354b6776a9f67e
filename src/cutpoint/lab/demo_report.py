"""What the demo showed: a table, checks, a plot and the records."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from cutpoint.lab.demo import POLICIES, DemoResult
from cutpoint.records import InferenceRecord

_LEAST_CHOICES = 3
_LARGEST_RATIO = 0.95


@dataclass(frozen=True)
class PolicyRow:
    """
    One policy of the table.

    Parameters
    ----------
    name
        For people.
    num
        Inferences.
    mean_s, p50_s, p95_s
        Of the latency.
    sent_bytes
        Payload sent to the server in all.
    num_alone
        Times the device finished alone.
    """

    name: str
    num: int
    mean_s: float
    p50_s: float
    p95_s: float
    sent_bytes: int
    num_alone: int


@dataclass(frozen=True)
class Check:
    """Something the demo promises, and whether this run kept it."""

    promise: str
    found: str
    is_kept: bool


def policy_rows(result: DemoResult) -> list[PolicyRow]:
    """Give the table: cutpoint, device-only, server-only."""
    return [_row(name, result.of(name)) for name, _ in POLICIES]


def choices(result: DemoResult) -> Counter[str]:
    """Count what cutpoint chose while the server could be used."""
    free = (r for r in result.of("cutpoint") if r.conditions.is_server_usable)
    return Counter(record.planned for record in free)


def ratio_to_better_fixed(result: DemoResult) -> float:
    """Give cutpoint's mean latency over that of the better fixed choice."""
    fixed = min(result.mean_s("device-only"), result.mean_s("server-only"))
    return result.mean_s("cutpoint") / fixed


def checks(result: DemoResult) -> list[Check]:
    """Hold the run against what the demo promises."""
    counted = choices(result)
    ratio = ratio_to_better_fixed(result)
    resumed = result.resumed_after_s
    total = len(result.entries)
    return [
        *(
            Check(
                f"{where} chosen at least {_LEAST_CHOICES} times",
                f"{counted[where]}",
                counted[where] >= _LEAST_CHOICES,
            )
            for where in ("device", "split", "server")
        ),
        Check(
            "outputs equal to ONNX Runtime",
            f"{result.num_equal}/{total}",
            result.num_equal == total,
        ),
        Check(
            f"mean latency <= {_LARGEST_RATIO} x the better fixed choice",
            f"{ratio:.2f} x",
            ratio <= _LARGEST_RATIO,
        ),
        Check(
            "offloads again after the restart",
            "never" if resumed is None else f"after {resumed:.1f} s",
            resumed is not None,
        ),
    ]


def write_records(result: DemoResult, path: Path) -> None:
    """Write every record as a line of JSON, with its policy and phase."""
    with path.open("wb") as file:
        for entry in result.entries:
            file.write(msgspec.json.encode(entry) + b"\n")


def write_table(result: DemoResult, path: Path) -> None:
    """Write the table as Markdown: the README's comes from this file."""
    path.write_text("\n".join((*_head(result), "", *_markdown(policy_rows(result)), "")))


def _row(name: str, records: Sequence[InferenceRecord]) -> PolicyRow:
    latency_s = [record.latency_s for record in records]
    p50_s, p95_s = np.percentile(latency_s, [50, 95])
    return PolicyRow(
        name=name,
        num=len(records),
        mean_s=float(np.mean(latency_s)),
        p50_s=float(p50_s),
        p95_s=float(p95_s),
        sent_bytes=sum(record.sent_bytes for record in records),
        num_alone=sum(record.fallback_reason is not None for record in records),
    )


def _head(result: DemoResult) -> tuple[str, ...]:
    counted = choices(result)
    return (
        f"{result.model} (float32 input and values), device slowed {result.slowdown:g} x "
        f"({result.device_whole_s * 1e3:.0f} ms for the whole model), 10 ms round trip, "
        "link at " + ", ".join(phase.title for phase in result.scenario) + ".",
        "",
        f"cutpoint chose the device {counted['device']} times, a split {counted['split']} times, "
        f"the server {counted['server']} times while the server was there; its mean latency is "
        f"{ratio_to_better_fixed(result):.2f} x that of the better fixed choice. "
        f"Outputs equal to ONNX Runtime: {result.num_equal}/{len(result.entries)}.",
    )


def _markdown(rows: Sequence[PolicyRow]) -> list[str]:
    lines = [
        "| | inferences | mean latency | p50 | p95 | sent | finished alone |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.name} | {row.num} | **{row.mean_s * 1e3:.0f} ms** | {row.p50_s * 1e3:.0f} ms | "
        f"{row.p95_s * 1e3:.0f} ms | {row.sent_bytes / 1e6:.1f} MB | {row.num_alone} |"
        for row in rows
    ]
    return lines
