"""The shares' bench on paper: tables, a picture, and every number as JSON."""

from collections.abc import Sequence

from cutpoint.lab.shares.contenders import CAMERA, CODEC_SETS, INPUTS, JPEG, PNG, UINT8
from cutpoint.lab.shares.grid import USUAL_LINKS
from cutpoint.lab.shares.measured_net import SERVERS
from cutpoint.lab.shares.reference_text import reference_lines
from cutpoint.lab.shares.table_text import percent, table
from cutpoint.lab.shares.tally import Tally
from cutpoint.lab.shares_bench import COMPARED_INPUTS, USUAL_SET, NetRow, SharesBench
from cutpoint.units import milliseconds

_MODEL_COLUMNS = (
    (UINT8, "raw"),
    (UINT8, USUAL_SET),
    (PNG, "lossless"),
    (JPEG, USUAL_SET),
    (CAMERA, USUAL_SET),
)

_MODEL_HEADS = (f"most: {UINT8}", f"most: {JPEG}", "below pixels after", "below a JPEG after")


def shares_text(bench: SharesBench) -> str:
    """Give the report as Markdown."""
    parts = (
        _method(bench),
        _by_codecs(bench),
        _by_server(bench),
        _by_condition(bench),
        _by_model(bench),
        _measured(bench),
        reference_lines(bench.comparison),
    )
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _method(bench: SharesBench) -> list[str]:
    environment = bench.environment
    points = len(USUAL_LINKS.conditions)
    return [
        f"{len(bench.nets)} nets, each under {points} conditions (1, 2, 5, 10, 20, 50, 100 Mbit/s; "
        "a device 1, 2, 5, 10, 20 or 50 times slower than this machine; a server's load factor of "
        "1, 2, 5, 10 or 20; round trips of 2, 20 and 80 ms) and with two servers: the same CPU, "
        "and an assumed accelerator (8 µs a kernel, 8 TFLOP/s, 500 GB/s). "
        f"Node times, codec times and encoded sizes were measured here: {environment.cpu}, one "
        f"thread, ONNX Runtime {environment.runtime}; random weights, crops of two photographs. "
        "What follows from them is computed exactly, with the table and the objective that a "
        "session decides on. Counted: encoding and decoding, making floats of pixels where the "
        "first node runs, the answer's way back at the same bandwidth. Accuracy is not: where a "
        "tolerance strikes lossy rows, less is left.",
        "",
        "A share is one of *these conditions*, not of the world: where neither end is ever in "
        "doubt (a slow net, a fast link) nothing is to be gained, and such points count as well.",
    ]


def _by_codecs(bench: SharesBench) -> list[str]:
    rows = [
        [f"{name}", *(_cell(bench.total(coding, name)) for coding in INPUTS)] for name in CODEC_SETS
    ]
    ends = [
        [
            f"{coding}",
            *(percent(share) for share in (total.device, 1 - total.device - total.best)),
            percent(total.best),
            percent(total.gain, "+"),
        ]
        for coding in INPUTS
        for total in (bench.total(coding, USUAL_SET),)
    ]
    return [
        "## By codecs and input",
        "",
        "Share of conditions in which a split is best (by more than 5 %), and by how much where "
        "it is best: geometric mean of the better end's latency over the split's.",
        "",
        *table(["values travel as", *(f"input: {coding}" for coding in INPUTS)], rows),
        "",
        "Each line has the codecs above it too, but `lossless` (raw and zstd). Input: as the "
        "floats of the net, to which the codecs apply as well; as pixels; as a PNG or JPEG "
        "(quality 90) that the device makes, or pixels where that is sooner; as the JPEG that "
        "the camera gave, which the device must decode before it computes anything itself. "
        "A normalised picture has 256 levels, so that zstd shrinks its floats far better than "
        "a sensor's.",
        "",
        f"Values as {USUAL_SET}, share in which each is best, and what splits gain over all:",
        "",
        *table(["input", "device-only", "server-only", "a split", "gain over all"], ends),
    ]


def _by_server(bench: SharesBench) -> list[str]:
    rows = [
        [server, *(_cell(bench.of_server(server, coding, USUAL_SET)) for coding in INPUTS)]
        for server in SERVERS
    ]
    return [
        f"By kind of server, values as {USUAL_SET}:",
        "",
        *table(["server", *(f"input: {coding}" for coding in INPUTS)], rows),
    ]


def _by_condition(bench: SharesBench) -> list[str]:
    slowdowns = USUAL_LINKS.device_slowdowns
    lines = ["## By link and device"]
    for coding in COMPARED_INPUTS:
        rows = [
            [
                f"{bandwidth * 8e-6:g} Mbit/s",
                *(
                    _short_cell(bench.at(coding, USUAL_SET, bandwidth, slowdown))
                    for slowdown in slowdowns
                ),
                _short_cell(bench.at(coding, USUAL_SET, bandwidth)),
            ]
            for bandwidth in USUAL_LINKS.bandwidths_bytes_per_s
        ]
        rows.append(
            [
                "**all**",
                *(
                    _short_cell(bench.at(coding, USUAL_SET, device_slowdown=slowdown))
                    for slowdown in slowdowns
                ),
                _short_cell(bench.at(coding, USUAL_SET)),
            ]
        )
        lines += [
            "",
            f"Input {coding}, values {USUAL_SET}: share in which a split is best by more than 5 %, "
            "and what it gains where it is best.",
            "",
            *table(["link", *(f"device {each:g} x" for each in slowdowns), "**all**"], rows),
        ]
    return lines


def _by_model(bench: SharesBench) -> list[str]:
    rows = [
        [
            net.model,
            *(_cell(bench.total(*column, net.model)) for column in _MODEL_COLUMNS),
            _most(bench.total(UINT8, USUAL_SET, net.model)),
            _most(bench.total(JPEG, USUAL_SET, net.model)),
            percent(net.before_pixels),
            percent(net.before_jpeg),
        ]
        for net in bench.nets
    ]
    rows.append(["**all**", *(_cell(bench.total(*column)) for column in _MODEL_COLUMNS), *4 * [""]])
    heads = [f"{coding} in, {codecs}" for coding, codecs in _MODEL_COLUMNS]
    return [
        "## By net",
        "",
        "As in the first table; at the right the most that a split ever gains, and how much of "
        f"the work is done before values as {USUAL_SET} are smaller than the input as pixels and "
        "as a JPEG.",
        "",
        *table(["net", *heads, *_MODEL_HEADS], rows),
    ]


def _measured(bench: SharesBench) -> list[str]:
    codecs = [row.codec for row in bench.codecs if row.codec in bench.nets[0].ratios]
    rows = [_net_cells(net, codecs) for net in bench.nets]
    speeds = [
        [
            row.codec,
            f"{milliseconds(row.encode_s):.2f} ms",
            f"{milliseconds(row.decode_s):.2f} ms",
        ]
        for row in bench.codecs
    ]
    return [
        "## What was measured",
        "",
        *table(
            ["net", "here", "on the accelerator", "pixels", "PNG", "JPEG 90",
             *(f"{codec}" for codec in codecs), "pictures", "contention"],
            rows,
        ),
        "",
        "Times of the whole net; sizes of the input; bytes sent / raw bytes, mean over the values "
        "that blocks hand to each other. Contention: wall time / CPU time of the quietest runs; "
        "what is counted is CPU time.",
        "",
        *table(["codec", "encode", "decode"], speeds),
        "",
        "Of a value of 602 KB, or of a picture of 224 x 224 pixels, as in an inference: once, "
        "after a pause, with cold caches; medians over the nets. From "
        f"such a picture to the net's floats: {milliseconds(bench.prepare_s):.2f} ms.",
    ]  # fmt: skip


def _net_cells(net: NetRow, codecs: Sequence[str]) -> list[str]:
    sizes = (net.pixel_bytes, *net.picture_bytes.values())
    return [
        net.model,
        f"{milliseconds(net.whole_s):.1f} ms",
        f"{milliseconds(net.gpu_like_s):.2f} ms",
        *(f"{size / 1e3:.0f} KB" for size in sizes),
        *(f"{net.ratios[codec]:.3f}" for codec in codecs),
        str(net.num_pictures),
        f"{net.contention:.2f}",
    ]


def _cell(tally: Tally) -> str:
    if not tally.num_best:
        return "0"
    return f"{percent(tally.best)} ({percent(tally.over_5)}), {percent(tally.gain_when_best, '+')}"


def _short_cell(tally: Tally) -> str:
    if not tally.num_best:
        return "0"
    return f"{percent(tally.over_5)}, {percent(tally.gain_when_best, '+')}"


def _most(tally: Tally) -> str:
    return f"{tally.most:.2f} x" if tally.num_best else "-"
