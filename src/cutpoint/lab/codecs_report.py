"""The codecs bench on paper."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cutpoint.lab.codecs_bench import DIRECTIONS, CodecsBench
from cutpoint.lab.codecs_summary import (
    KINDS,
    CodecsSummary,
    CodecSummary,
    LibraryShare,
    ModelCodec,
    SpeedSummary,
    Spread,
    summary_of,
    told_and_taken,
)
from cutpoint.lab.plotting import pyplot
from cutpoint.records import RAW

MOST_ERROR = 0.15
"""Goal: median error of a time that is planned with."""

LEAST_SHARE = 0.8
"""Goal: speed of a codec over that of the library underneath."""

_COLORS = {"encode": "#c44e52", "decode": "#4c72b0"}


def codecs_text(summary: CodecsSummary) -> str:
    """Give the report as Markdown."""
    return "\n".join(_lines(summary)) + "\n"


def _lines(summary: CodecsSummary) -> Iterator[str]:
    environment, contention = summary.environment, summary.contention
    num_models = len({row.model for row in summary.models})
    yield (
        f"{environment.cpu}, one thread, ONNX Runtime {environment.runtime}. {num_models} nets of "
        "the zoo on crops of photographs; every codec on what crosses the cuts that hosts hold, on "
        "the nets' float32 input and on the uint8 pixels it was."
        + ("" if contention is None else f" Wall / CPU time of encoding: {contention:.2f}.")
    )
    yield ""
    yield (
        "**Size and speed.** Encoded over raw bytes by kind of value: without negative elements "
        "as behind a Relu, other values of the nets, their float32 input, its pixels. Raw bytes "
        "per second of CPU time, one run among many."
    )
    yield ""
    yield from _sizes(summary.codecs)
    yield ""
    yield from _foretold(summary)
    yield ""
    yield from _beside(summary.codecs)
    yield ""
    yield _copies(summary)
    yield ""
    yield "**Net by net**: what crosses its cuts (not its input), encoded over raw bytes."
    yield ""
    yield from _by_model(summary.models, lambda row: f"{row.ratio:.3f}")
    yield ""
    yield "Raw MB/s, encoding / decoding:"
    yield ""
    yield from _by_model(summary.models, _rates)


def _sizes(codecs: Sequence[CodecSummary]) -> Iterator[str]:
    yield "| codec | values | rectified | linear | input | pixels | encode MB/s | decode MB/s |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in codecs:
        ratios = " | ".join(
            f"{row.ratios[kind]:.3f}" if kind in row.ratios else "-" for kind in KINDS
        )
        yield (
            f"| {row.codec} | {row.num_values} | {ratios} | {_rate(row.encode.bytes_per_s)} | "
            f"{_rate(row.decode.bytes_per_s)} |"
        )


def _rate(bytes_per_s: float) -> str:
    return f"{bytes_per_s / 1e6:,.0f}"


def _rates(row: ModelCodec) -> str:
    return f"{_rate(row.encode_bytes_per_s)} / {_rate(row.decode_bytes_per_s)}"


def _foretold(summary: CodecsSummary) -> Iterator[str]:
    yield (
        "**Times foretold**, as planning has them, against what it took in an inference. A device "
        "times its codecs when it starts, on what crosses for one picture; it encodes another "
        "right after the head has run (CPU time). A server times its own when it loads the model, "
        "on made-up inputs, and tells; then it decodes what comes (wall time). A row is a cut and "
        f"a codec. Goal: {MOST_ERROR:.0%} at the median. Over all rows: encoding "
        f"**{_error(summary.encode_error)}**, decoding **{_error(summary.decode_error)}**; where "
        f"one value crosses: **{_error(summary.single_encode_error)}** and "
        f"**{_error(summary.single_decode_error)}** (of several, all but the first find their "
        "codec warm, which a sum over values does not know). A tenth is further off than the "
        "number in brackets."
    )
    yield ""
    yield "| codec | rows | encode takes | error | bias | decode takes | error | bias |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in summary.codecs:
        if row.encode.num_rows:
            cells = f"{_foretold_cells(row.encode)} | {_foretold_cells(row.decode)}"
            yield f"| {row.codec} | {row.encode.num_rows} | {cells} |"


def _foretold_cells(speed: SpeedSummary) -> str:
    if speed.mean_s is None or speed.bias is None:
        return "- | - | -"
    return f"{speed.mean_s * 1e3:.2f} ms | {_error(speed.error)} | {speed.bias:+.0%}"


def _error(error: Spread | None) -> str:
    return "-" if error is None else f"{error.median:.0%} ({error.high:.0%})"


def _beside(codecs: Sequence[CodecSummary]) -> Iterator[str]:
    yield (
        "**Beside the library underneath**, in turns: its speed is 1. Median over the values, with "
        "the lower and upper tenth; values of 64 KiB and more; all values together. The library "
        "does the bare work: nothing is checked (NaN, overflow, what came off a wire), nothing "
        "leaves in pieces. Of two steps its calls are added. ONNX Runtime does some of it with "
        "one operator, several times as fast as NumPy, which the codecs use from some size on. "
        f"Goal: {LEAST_SHARE} of the library that the codec is named for, NumPy or Zstandard or "
        "Pillow."
    )
    yield ""
    yield (
        "| codec | library | encode | 64 KiB and more | together | decode | 64 KiB and more | "
        "together |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for row in codecs:
        for encode, decode in zip(row.encode.beside, row.decode.beside, strict=True):
            yield f"| {row.codec} | {encode.library} | {_share(encode)} | {_share(decode)} |"


def _share(beside: LibraryShare) -> str:
    told = [
        "-" if each is None else f"{each.median:.2f} ({each.low:.2f}-{each.high:.2f})"
        for each in (beside.share, beside.large_share)
    ]
    return " | ".join([*told, f"**{beside.total_share:.2f}**"])


def _copies(summary: CodecsSummary) -> str:
    if summary.copies is None:
        return "Copies of raw bytes: not counted, there is no C compiler here."
    copies = summary.copies
    return (
        f"**Raw float32**: bytes copied per byte sent, counted over {copies.sent_bytes / 1e6:.0f} "
        f"MB: **{copies.client:.2f}** in the device's process, **{copies.server:.2f}** in the "
        "server's. Counted is every call of memcpy and memmove of 1 KiB or more in the process; "
        "the kernel's one copy on either side is not."
    )


def _by_model(rows: Sequence[ModelCodec], told: Any) -> Iterator[str]:
    codecs = [name for name in dict.fromkeys(row.codec for row in rows) if name != RAW]
    by_pair = {(row.model, row.codec): row for row in rows}
    yield f"| net | values | KB | {' | '.join(codecs)} |"
    yield "|---" * (len(codecs) + 3) + "|"
    for model in dict.fromkeys(row.model for row in rows):
        raw = by_pair[model, RAW]
        cells = [
            told(by_pair[model, codec]) if (model, codec) in by_pair else "-" for codec in codecs
        ]
        yield f"| {model} | {raw.num_values} | {raw.raw_bytes / 1e3:.0f} | {' | '.join(cells)} |"


def plot_codecs(bench: CodecsBench, path: Path) -> None:
    """Draw size and speed, times foretold, and speed beside the libraries."""
    figure, (sizes, times, shares) = pyplot().subplots(
        1, 3, figsize=(14, 4.2), layout="constrained"
    )
    summary = summary_of(bench)
    _plot_sizes(sizes, summary)
    _plot_times(times, bench)
    _plot_shares(shares, summary)
    figure.savefig(path, dpi=110)
    pyplot().close(figure)


def _plot_sizes(axes: Any, summary: CodecsSummary) -> None:
    for row in summary.codecs:
        kinds = [kind for kind in KINDS if kind in row.ratios]
        if row.codec == RAW:
            continue
        ratio = row.ratios[kinds[0]]
        for direction in DIRECTIONS:
            speed = row.encode if direction == "encode" else row.decode
            axes.plot(ratio, speed.bytes_per_s / 1e6, "o", color=_COLORS[direction], ms=5)
        axes.annotate(
            row.codec, (ratio, row.encode.bytes_per_s / 1e6), fontsize=7, xytext=(4, -3),
            textcoords="offset points",
        )  # fmt: skip
    axes.set_yscale("log")
    axes.set_xlim(0, 1)
    axes.set_xlabel("encoded / raw bytes (rectified values, or pixels)")
    axes.set_ylabel("raw MB/s (red: encode, blue: decode)")
    axes.set_title("Size and speed", loc="left", fontsize=10)


def _plot_times(axes: Any, bench: CodecsBench) -> None:
    for direction in DIRECTIONS:
        pairs = list(told_and_taken(bench.rows, direction))
        axes.plot(
            [taken * 1e3 for _, taken in pairs],
            [told * 1e3 for told, _ in pairs],
            ".",
            color=_COLORS[direction],
            ms=3,
            alpha=0.5,
            label=direction,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    low, high = axes.get_xlim()
    axes.plot([low, high], [low, high], color="black", lw=0.8)
    axes.fill_between([low, high], [low * 0.85, high * 0.85], [low * 1.15, high * 1.15],
                      color="grey", alpha=0.25)  # fmt: skip
    axes.set_xlabel("taken in an inference (ms)")
    axes.set_ylabel("foretold (ms)")
    axes.legend(frameon=False, fontsize=8)
    axes.set_title("Times foretold (band: 15 %)", loc="left", fontsize=10)


def _plot_shares(axes: Any, summary: CodecsSummary) -> None:
    pairs = [
        (row.codec, both)
        for row in summary.codecs
        for both in zip(row.encode.beside, row.decode.beside, strict=True)
    ]
    for position, (_, both) in enumerate(pairs):
        for shift, direction, beside in zip((-0.15, 0.15), DIRECTIONS, both, strict=True):
            share = beside.large_share or beside.share
            if share is None:
                continue
            spread = [[share.median - share.low], [share.high - share.median]]
            axes.errorbar(
                share.median, position + shift, xerr=spread, fmt="o", ms=3, color=_COLORS[direction]
            )
    axes.axvline(1.0, color="grey", lw=0.8, ls="--")
    axes.axvline(LEAST_SHARE, color="black", lw=1)
    names = [f"{codec} / {both[0].library.replace(' and Zstandard', '')}" for codec, both in pairs]
    axes.set_yticks(range(len(pairs)), names, fontsize=6)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xticks([0.25, 0.5, 1, 2, 4, 8, 16], ["1/4", "1/2", "1", "2", "4", "8", "16"])
    axes.minorticks_off()
    axes.set_xlabel("speed over the library's, 64 KiB and more (black: goal)")
    axes.set_title("Beside the library underneath", loc="left", fontsize=10)
