"""What was measured of emulated links and devices, as text and as a picture."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from cutpoint.lab.emulation.link_check import LinkSetting, Transfers
from cutpoint.lab.emulation.survey import Survey
from cutpoint.lab.plotting import pyplot
from cutpoint.units import mbit_per_s, milliseconds

_COLOURS = {"user space": "#4c72b0", "TUN": "#dd8452", "tbf": "#55a868"}


def setting_name(setting: LinkSetting) -> str:
    """Name a link's setting for people."""
    delay = f", {milliseconds(setting.delay_s):g} ms" if setting.delay_s else ""
    if setting.trace is None:
        return f"{mbit_per_s(setting.bandwidth_bytes_per_s):g} Mbit/s{delay}"
    return f"{setting.trace.name} at {setting.position_s:.0f} s{delay}"


def size_name(size_bytes: int) -> str:
    """Name a transfer's size for people."""
    return f"{size_bytes // 1000} KB"


def survey_text(survey: Survey) -> str:
    """Tell in Markdown what was done and what came out."""
    parts = [*_links(survey), *_cold(survey), *_iperf(survey), *_devices(survey)]
    if survey.missing:
        parts += ["## Not measured here", *(f"- {each}" for each in survey.missing)]
    return "\n".join(parts) + "\n"


def _links(survey: Survey) -> Iterator[str]:
    yield "## Links"
    yield ""
    yield (
        "One connection, its window open, sends again and again; each time runs until the far side "
        "has everything and its answer of one byte is back. Due is size / rate + twice the delay, "
        "and along a trace what its rates add up to. The user-space link forwards streams and "
        "needs no rights; TUN forwards packets between two devices, tbf is the kernel's token "
        "bucket on a cable: over both runs the kernel's own TCP."
    )
    yield ""
    yield from _transfer_table(survey.transfers)
    yield ""
    yield "The same along traces:"
    yield ""
    yield from _transfer_table(survey.traced)
    yield ""


def _transfer_table(transfers: Iterable[Transfers]) -> Iterator[str]:
    found: dict[tuple[str, int], dict[str, Transfers]] = {}
    for each in transfers:
        found.setdefault((setting_name(each.setting), each.size_bytes), {})[each.link] = each
    yield "| link | size | due | " + " | ".join(_COLOURS) + " |"
    yield "|---|---|---|" + "---|" * len(_COLOURS)
    for (name, size_bytes), links in found.items():
        due_s = next(iter(links.values())).setting.due_s(size_bytes)
        cells = [_percent(links[link].error) if link in links else "" for link in _COLOURS]
        yield (
            f"| {name} | {size_name(size_bytes)} | {milliseconds(due_s):.1f} ms | "
            + " | ".join(cells)
            + " |"
        )


def _cold(survey: Survey) -> Iterator[str]:
    if not survey.cold:
        return
    yield (
        "What the user-space link leaves out is TCP's slow start. Over the TUN link a transfer "
        "over a *new* connection took:"
    )
    yield ""
    yield "| link | size | window open | new connection |"
    yield "|---|---|---|---|"
    for each in survey.cold:
        due_ms = milliseconds(each.setting.due_s(each.size_bytes))
        yield (
            f"| {setting_name(each.setting)} | {size_name(each.size_bytes)} | {due_ms:.0f} ms | "
            f"{milliseconds(each.cold_s):.0f} ms |"
        )
    yield ""


def _iperf(survey: Survey) -> Iterator[str]:
    if not survey.iperf:
        return
    yield "## What iperf3 says of the user-space link"
    yield ""
    yield "| asked | received | error | bytes |"
    yield "|---|---|---|---|"
    for each in survey.iperf:
        yield (
            f"| {mbit_per_s(each.asked_bytes_per_s):g} Mbit/s | "
            f"{mbit_per_s(each.got_bytes_per_s):.3f} Mbit/s | {each.error:+.2%} | "
            f"{each.size_bytes} |"
        )
    yield ""


def _devices(survey: Survey) -> Iterator[str]:
    yield "## Devices"
    yield ""
    yield (
        "Stretched: after its nodes the thread sleeps. The factor that came out is the time by the "
        "clock over the CPU time of the same inference. That CPU time itself grows with the sleep "
        "before it, as caches and clocks cool: the last column, beside the net back to back."
    )
    yield ""
    yield "| net | alone | factor | came out | error | CPU time, cold / warm |"
    yield "|---|---|---|---|---|---|"
    for each in survey.stretched:
        yield (
            f"| {each.model} | {milliseconds(each.plain_cpu_s):.1f} ms | {each.factor:g} | "
            f"{each.reached:.2f} | {_percent(each.error)} | {each.coldness:.2f} |"
        )
    yield ""
    if survey.limited:
        yield "By the kernel's quota, with a period of 5 ms:"
        yield ""
        yield "| net | share of a core | latency over what the share asks |"
        yield "|---|---|---|"
        for limited in survey.limited:
            yield f"| {limited.model} | {limited.share:g} | {_percent(limited.error)} |"
        yield ""


def _percent(share: float) -> str:
    # A negative zero would be shown as one.
    return f"{round(share, 3) + 0.0:+.1%}"


def plot_survey(survey: Survey, path: Path) -> None:
    """
    Draw every median transfer time over what is due.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    figure, axes = pyplot().subplots(figsize=(8, 4), layout="constrained")
    for link, colour in _COLOURS.items():
        points = [each for each in (*survey.transfers, *survey.traced) if each.link == link]
        if points:
            due_ms = [milliseconds(each.setting.due_s(each.size_bytes)) for each in points]
            errors = [100 * each.error for each in points]
            axes.scatter(due_ms, errors, s=24, color=colour, label=link, alpha=0.8)
    axes.axhspan(-5, 5, color="#bbbbbb", alpha=0.2)
    axes.axhline(0, color="#888888", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlabel("transfer time due (ms)")
    axes.set_ylabel("median found, beside it (%)")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)
    pyplot().close(figure)


def plot_traces(survey: Survey, path: Path) -> None:
    """
    Draw the rate of each trace that was played, over one cycle.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    traces = {each.setting.trace for each in survey.traced if each.setting.trace is not None}
    ordered = sorted(traces, key=lambda trace: trace.name)
    figure, grid = pyplot().subplots(
        len(ordered), 1, figsize=(8, 2.2 * len(ordered)), layout="constrained", squeeze=False
    )
    for axes, trace in zip(grid[:, 0], ordered, strict=True):
        seconds = range(int(trace.duration_s))
        rates = [mbit_per_s(trace.up.sent_bytes(second, second + 1)) for second in seconds]
        axes.fill_between(seconds, rates, step="post", color="#4c72b0", alpha=0.6)
        axes.set_title(f"{trace.name}: {trace.source}", fontsize=9, loc="left")
        axes.set_ylabel("Mbit/s")
    grid[-1, 0].set_xlabel("seconds")
    figure.savefig(path, dpi=120)
    pyplot().close(figure)
