"""The load of models that a request runs through one after the other, as in an ensemble."""

from collections.abc import Sequence

from cutpoint.records import LoadReport


def chained_load(
    reports: Sequence[LoadReport], idle_s: Sequence[float | None] | None = None
) -> LoadReport:
    """
    Give the load of a chain of models: it waits before each, and is executed by each.

    Parameters
    ----------
    reports
        Of the models, at least one. Where one tells nothing, as it ran for nobody, it adds
        nothing.
    idle_s
        What one execution of each takes on the idle server, by which their slow-downs count; where
        it is not known, the time at their mean batch over their slow-down.

    Returns
    -------
    LoadReport
        Waits and execution times summed up. A model that did not run at a batch size counts with
        the nearest one at which it did. The slow-down is the sum of the times over the sum
        of the idle times, and the batch the mean of the models'.
    """
    waits = [each.wait_s for each in reports if each.wait_s is not None]
    batches = [each.batch for each in reports if each.batch is not None]
    pending = [each.num_pending for each in reports if each.num_pending is not None]
    return LoadReport(
        at_s=max(each.at_s for each in reports),
        age_s=max(each.age_s for each in reports),
        wait_s=sum(waits) if waits else None,
        slowdown=_slowdown(reports, idle_s or [None] * len(reports)),
        execution_s=_execution_s(reports),
        batch=sum(batches) / len(batches) if batches else None,
        num_pending=sum(pending) if pending else None,
        is_polled=all(each.is_polled for each in reports),
    )


def _execution_s(reports: Sequence[LoadReport]) -> tuple[tuple[int, float], ...]:
    told = [each for each in reports if each.execution_s]
    sizes = sorted({size for each in told for size, _ in each.execution_s})
    return tuple((size, sum(_nearest_s(each, size) for each in told)) for size in sizes)


def _slowdown(reports: Sequence[LoadReport], known_s: Sequence[float | None]) -> float | None:
    took_s = idle_s = 0.0
    for each, own_s in zip(reports, known_s, strict=True):
        if each.slowdown and each.execution_s:
            alone_s = own_s or _nearest_s(each, each.batch or 1.0) / each.slowdown
            took_s += each.slowdown * alone_s
            idle_s += alone_s
    return took_s / idle_s if idle_s > 0 else None


def _nearest_s(report: LoadReport, batch: float) -> float:
    """Give the execution time at the batch size nearest to one."""
    return min(report.execution_s, key=lambda pair: abs(pair[0] - batch))[1]
