"""The table of DADS in words."""

from collections.abc import Mapping, Sequence

from cutpoint.lab.papers.cells import Cell, agreements
from cutpoint.lab.papers.choices import CUTPOINT, DEVICE_ONLY_POLICY, EXACT, ORACLE, PUBLISHED
from cutpoint.lab.papers.paper_net import PaperNet
from cutpoint.lab.papers.printed_dads import BARS, CALIBRATED, NETS, SPEEDUPS, UPLINKS_MBIT_PER_S
from cutpoint.lab.papers.printed_fit import PrintedFit
from cutpoint.lab.papers.real_cells import Effort
from cutpoint.lab.shares.table_text import percent, table
from cutpoint.units import format_duration

_SHOWN = (
    *("server-only float32", "server-only uint8", "server-only jpeg"),
    *("dads", EXACT, CUTPOINT),
)


def dads_text(
    cells: Sequence[Cell],
    nets: Sequence[PaperNet],
    factor: float,
    implied: Mapping[float, float],
    fit: PrintedFit,
    effort: Effort,
) -> str:
    """Give the report's text."""
    return "\n\n".join(
        (
            _setting(nets, factor, effort),
            _speedups(cells),
            _latencies(cells),
            _against_published(cells),
            _print(cells, nets, factor, implied, fit),
        )
    )


def _setting(nets: Sequence[PaperNet], factor: float, effort: Effort) -> str:
    wholes = ", ".join(
        f"{NETS[net.name]} {format_duration(net.whole_s)} ({format_duration(factor * net.whole_s)})"
        for net in nets
    )
    net, uplink = CALIBRATED
    return (
        "DADS, light load: one picture at a time, an idle server, fixed uplinks (the way back is "
        "as quick; 5 ms one way), which carry the frames of uploads beside their values on both "
        "clocks. Server and device are this machine with one thread, the device "
        f"slowed {factor:.1f} x: at that factor the published DADS (float32, minimum cut) is as "
        f"much quicker than edge-only on {NETS[net]} at {uplink:g} Mbit/s as was printed "
        f"({SPEEDUPS[CALIBRATED]:g} x). It is taken from that cell alone and kept for all others. "
        f"Whole nets here (on the device): {wholes}. *edge-only* is device-only, *cloud-only* is "
        "server-only float32. Published schemes plan the float32 net under the true conditions; "
        "cutpoint has the net that takes pixels, every codec of the package but WebP, and as "
        "tolerance what JPEG 90 of the input does to the outputs; it sends no worse a picture "
        "than server-only jpeg does. *cutpoint exact* has only what loses nothing (PNG, zstd), so "
        "that every answer is that of the whole net; it is planned, not run. *Best fixed row* is "
        f"the one row that is best over all links together. What takes more than {effort.most_s:g} "
        "s per request ran on the virtual clock alone, cutpoint's own choices and one way of each "
        "link apart, which confirm it."
    )


def _speedups(cells: Sequence[Cell]) -> str:
    rows = []
    for cell in cells:
        printed = SPEEDUPS.get((cell.net, cell.mbit_per_s))
        rows.append(
            [
                NETS[cell.net],
                f"{cell.mbit_per_s:g}",
                f"{printed:g}" if printed else _bar(cell),
                *(f"{cell.speedup(policy, DEVICE_ONLY_POLICY):.2f}" for policy in _SHOWN),
                str(cell.entry(CUTPOINT).way),
            ]
        )
    return "\n".join(
        [
            "## How many times quicker than edge-only",
            "",
            "Virtual clock. Printed: edge-only / DADS; with a tilde read off a bar, whose uplink "
            "is not said.",
            "",
            *table(["net", "Mbit/s", "printed", *_SHOWN, "cutpoint runs"], rows),
        ]
    )


def _bar(cell: Cell) -> str:
    # Figure 12 says nothing of its uplink; one cell may show it.
    return f"~{BARS[cell.net][0]:g}" if cell.mbit_per_s == UPLINKS_MBIT_PER_S[-1] else "-"


def _latencies(cells: Sequence[Cell]) -> str:
    rows = []
    for cell in cells:
        for name in (DEVICE_ONLY_POLICY, *_SHOWN, ORACLE):
            entry = cell.entry(name)
            real = "-" if entry.real_s is None else format_duration(entry.real_s)
            dropped = len(entry.shots) - len(entry.counted)
            rows.append(
                [
                    NETS[cell.net],
                    f"{cell.mbit_per_s:g}",
                    name,
                    format_duration(entry.virtual_s),
                    real,
                    "-" if entry.real_s is None else percent(entry.real_s / entry.virtual_s - 1),
                    f"{len(entry.counted)} ({dropped} dropped)" if entry.shots else "-",
                ]
            )
    return "\n".join(
        [
            "## Both clocks",
            "",
            "Mean latency. On the real clock what several policies chose alike is run once and "
            "counts for each; the oracle is whatever was quickest there.",
            "",
            *table(["net", "Mbit/s", "policy", "virtual", "real", "apart", "n"], rows),
            "",
            _agreement(cells),
        ]
    )


def _agreement(cells: Sequence[Cell]) -> str:
    """Sum up how far the clocks are apart; nothing where none ran on both."""
    parts = [
        f"{link}: {percent(each.median)} in the median of {each.num}, {percent(each.worst)} at most"
        for link, each in agreements(cells).items()
    ]
    return f"The real clock beside the virtual one, {'; '.join(parts)}." if parts else ""


def _against_published(cells: Sequence[Cell]) -> str:
    rows = []
    for cell in cells:
        shown = [f"{cell.speedup(CUTPOINT, policy):.2f}" for policy in PUBLISHED]
        ways = dict.fromkeys(str(cell.entry(policy).way) for policy in PUBLISHED)
        rows.append([NETS[cell.net], f"{cell.mbit_per_s:g}", *shown, "; ".join(ways)])
    return "\n".join(
        [
            "## Beside every published scheme",
            "",
            "Latency of each / cutpoint's, virtual clock, and where the schemes cut.",
            "",
            *table(["net", "Mbit/s", *PUBLISHED, "they run"], rows),
        ]
    )


def _print(
    cells: Sequence[Cell],
    nets: Sequence[PaperNet],
    factor: float,
    implied: Mapping[float, float],
    fit: PrintedFit,
) -> str:
    by_name = {net.name: net for net in nets}
    net = by_name.get(CALIBRATED[0])
    if net is None:
        return ""
    input_bytes = float(net.floats.size_bytes(net.floats.inputs))
    rows = [
        [f"{uplink:g}", f"{SPEEDUPS[CALIBRATED[0], uplink]:g}", f"{speedup:.2f}"]
        for uplink, speedup in implied.items()
    ]
    return "\n".join(
        [
            "## What the printed figures imply",
            "",
            "Cloud-only on ResNet18 follows from two printed figures at each uplink (the speed-up "
            "on edge-only, the share saved on cloud-only). The four lie on one line, cloud + input "
            f"/ uplink, within {percent(fit.worst)}: the cloud takes {percent(fit.cloud_share)} of "
            f"the edge's time, and a second of the edge stands for {fit.input_mbit_per_edge_s:.3f} "
            f"Mbit of input. With a float32 input that is {fit.edge_s(input_bytes):.1f} s on the "
            f"edge and {fit.cloud_s(input_bytes):.1f} s in the cloud for one picture; with bytes "
            f"{fit.edge_s(input_bytes / 4):.1f} s and {fit.cloud_s(input_bytes / 4):.2f} s. So the "
            f"printed cloud is {1 / fit.cloud_share:.0f} times as quick as the printed edge, not "
            f"{factor:.0f} times, and its own time, which no cut makes smaller, outweighs the "
            "upload at 18.88 Mbit/s. One factor cannot stand for both: with a server as quick as "
            f"this one, DADS gives {_given(cells)}. On a test bed as implied, the same planner "
            "gives",
            "",
            *table(["Mbit/s", "printed", "planned as implied"], rows),
        ]
    )


def _given(cells: Sequence[Cell]) -> str:
    """Say what the printed scheme reaches here of what was printed of it."""
    return ", ".join(
        f"{cell.speedup('dads', DEVICE_ONLY_POLICY):.2f} at {cell.link} "
        f"(printed {SPEEDUPS[cell.net, cell.mbit_per_s]:g})"
        for cell in cells
        if (cell.net, cell.mbit_per_s) in SPEEDUPS
    )
