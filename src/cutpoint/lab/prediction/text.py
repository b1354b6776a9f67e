"""The errors of predictions as Markdown."""

from collections.abc import Mapping, Sequence

from cutpoint.lab.prediction.bed import DELAY_S
from cutpoint.lab.prediction.net_errors import NetErrors
from cutpoint.lab.prediction.sample import MOST_CONTENTION, PARTS, Spread
from cutpoint.units import format_duration

_HEAD = (
    "Every net takes 8-bit pictures, its preprocessing inside, and is served behind an emulated "
    "link of {delay} each way. A session that has measured device, server, codecs and link by "
    "itself predicts each inference before it runs; the row is drawn among device-only, "
    "server-only and splits, raw and encoded, that are predicted within twice the best. The "
    "error is predicted latency / measured latency - 1. Samples whose wall time exceeds "
    "{contention:g} times the CPU time of either host's thread are dropped: other work held the "
    "core. Frames are one photograph moved by two pixels, so that encoded sizes vary little: of "
    "unlike pictures they vary more. Nets that take over a quarter of a second get a fifth of the "
    "samples unless asked for by name."
)


def prediction_text(errors: Mapping[str, NetErrors | None]) -> str:
    """Give the report's text."""
    known = [each for each in errors.values() if each is not None]
    lines = [_HEAD.format(delay=format_duration(DELAY_S), contention=MOST_CONTENTION), ""]
    lines += ["## By net", "", *_table(_NET_HEADS, [_net_line(each) for each in known])]
    lost = [model for model, each in errors.items() if each is None]
    if lost:
        lines += ["", f"No result (nothing ran, or over 80 % dropped): {', '.join(lost)}."]
    if not known:
        return "\n".join(lines)
    lines += [
        "",
        "## By part",
        "",
        "Predicted less measured, as a share of the whole latency: bias (median over the nets' "
        "medians) and the worst net's 95th percentile.",
        "",
        *_table(("part", "bias", "median", "worst p95"), [_part_line(p, known) for p in PARTS]),
        "",
        "## By link and by kind of row",
        "",
        "Median over the nets of the median error, and of its 95th percentile.",
        "",
        *_table(
            ("", "bias", "median", "p95"),
            [
                *_group_lines([each.links for each in known]),
                *_group_lines([each.kinds for each in known]),
            ],
        ),
    ]
    return "\n".join(lines)


_NET_HEADS = (
    "net", "device", "kept", "dropped", "fallbacks", "bias", "median", "p95",
    "head", "encode", "upload", "wait", "tail", "download",
)  # fmt: skip


def _net_line(each: NetErrors) -> list[str]:
    parts = [each.parts[part] for part in PARTS if part != "lost_s"]
    return [
        each.model,
        f"{each.slowdown:.3g} x",
        str(each.num_kept),
        _percent(each.share_dropped),
        str(each.num_fallbacks),
        *_spread_cells(each.latency),
        *(_percent(part.median) for part in parts),
    ]


def _part_line(part: str, known: Sequence[NetErrors]) -> list[str]:
    found = [each.parts[part] for each in known]
    return [
        part.removesuffix("_s"),
        _signed(_middle([each.bias for each in found])),
        _percent(_middle([each.median for each in found])),
        _percent(max(each.p95 for each in found)),
    ]


def _group_lines(groups: Sequence[Mapping[str, Spread]]) -> list[list[str]]:
    names = dict.fromkeys(name for group in groups for name in group)
    lines = []
    for name in names:
        found = [group[name] for group in groups if name in group]
        middle = Spread(
            _middle([each.bias for each in found]),
            _middle([each.median for each in found]),
            _middle([each.p95 for each in found]),
        )
        lines.append([name, *_spread_cells(middle)])
    return lines


def _spread_cells(found: Spread) -> list[str]:
    return [_signed(found.bias), _percent(found.median), _percent(found.p95)]


def _middle(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _signed(share: float) -> str:
    return f"{100 * share:+.1f} %"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]
