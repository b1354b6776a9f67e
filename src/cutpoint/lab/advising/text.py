"""Where splitting pays, as Markdown."""

from collections.abc import Sequence

from cutpoint.lab.advising.confirmed import KINDS, Point
from cutpoint.lab.advising.planned import INPUTS, WORTH_IT, PlannedNet, Verdict
from cutpoint.lab.shares.contenders import JPEG, UINT8
from cutpoint.units import milliseconds

_METHOD = (
    "Each net was measured here: seconds of its blocks, of codecs and of preparing a picture, "
    "bytes of its values on photographs. From these the best split and both ends are computed for "
    "seven links (1 to 100 Mbit/s, 5 ms each way), devices 1 to 50 times slower than this "
    "machine, and a server like this machine, idle or loaded five times. Values may cross raw, as "
    "float16, uint8 or uint8+zstd; the input as the floats of the net (and in the same codecs), "
    "as pixels, as a PNG or as a JPEG that the device makes. A split pays where it saves more "
    "than {worth:.0%} of the better end."
)


def advice_text(nets: Sequence[PlannedNet], points: Sequence[Point]) -> str:
    """Give the report's text."""
    lines = [
        _METHOD.format(worth=WORTH_IT),
        "",
        "## By net",
        "",
        "Share of the conditions in which a split pays, by how the input travels, and the most it "
        "saves anywhere if it travels as pixels.",
        "",
        *_table(
            (
                "net",
                "whole here",
                *(f"input {coding}" for coding in INPUTS),
                "most, pixels",
                "verdict",
            ),
            [_net_line(each) for each in nets],
        ),
    ]
    if points:
        lines += [
            "",
            "## On the real clock",
            "",
            "The best of each kind in turns, on an emulated device and link, where a split is "
            "planned to gain most at 5 Mbit/s or more. Medians of what was kept.",
            "",
            *_table(
                (
                    "net", "input", "link", "device",
                    *(f"{kind}: planned / measured" for kind in KINDS), "best by plan", "confirmed",
                ),
                [_point_line(each) for each in points],
            ),
        ]  # fmt: skip
    return "\n".join(lines)


def verdict_text(net: PlannedNet) -> str:
    """Say in a few words whether splitting this net pays."""
    pixels, jpeg = net.verdicts[UINT8], net.verdicts[JPEG]
    if not pixels.pays and not jpeg.pays:
        return "choose between device and server"
    if not jpeg.pays:
        return f"pays at {_links(pixels)} unless the input may travel as a JPEG"
    return f"pays at {_links(pixels if pixels.pays else jpeg)}; as a JPEG at {_links(jpeg)}"


def _links(verdict: Verdict) -> str:
    if verdict.links is None:
        return "no link"
    low, high = verdict.links
    return f"{low:g} Mbit/s" if low == high else f"{low:g} to {high:g} Mbit/s"


def _net_line(net: PlannedNet) -> list[str]:
    best = net.verdicts[UINT8].best
    most = "-"
    if best.saved >= WORTH_IT:
        most = f"{best.saved:.0%} ({best.mbit_per_s:g} Mbit/s, device {best.device:g} x)"
    return [
        net.model,
        f"{milliseconds(net.whole_s):.1f} ms",
        *(_share(net.verdicts[coding].share) for coding in INPUTS),
        most,
        verdict_text(net),
    ]


def _point_line(point: Point) -> list[str]:
    pairs = zip(point.planned_s, point.measured_s, strict=True)
    return [
        point.model,
        point.coding,
        f"{point.mbit_per_s:g} Mbit/s",
        f"{point.device:g} x",
        *(f"{milliseconds(planned):.0f} / {_measured(measured)} ms" for planned, measured in pairs),
        point.planned_best,
        "yes" if point.is_confirmed else "no",
    ]


def _measured(measured_s: float | None) -> str:
    return "?" if measured_s is None else f"{milliseconds(measured_s):.0f}"


def _share(share: float) -> str:
    return "0" if not share else f"{share:.0%}" if share >= 0.01 else "under 1 %"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]
