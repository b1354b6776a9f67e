"""The comparison with the reference as Markdown."""

from cutpoint.lab.shares.comparison import STEPS, ColumnRow, Comparison
from cutpoint.lab.shares.contenders import JPEG, UINT8
from cutpoint.lab.shares.reference_figures import IN_COMMON, RELATIVE_TO, USELESS
from cutpoint.lab.shares.table_text import percent, table

_NAMES = [step.name for step in STEPS]


def reference_lines(comparison: Comparison) -> list[str]:
    """Give every figure of the reference beside what each step finds."""
    return [
        "## Beside the earlier figures",
        "",
        "The figures that the design rests on came from twenty nets on another machine. Here they "
        f"are found anew, first as they were counted there on the {len(IN_COMMON)} nets that "
        "both have (codecs and pictures take no time, answers weigh nothing, in the first table "
        "every JPEG has 20 KB), then with one assumption after the other made real, each step "
        "with those before it; the last has every net of the zoo.",
        "",
        *_wide(comparison),
        "",
        *_columns(comparison),
        "",
        *_shrunk(comparison),
        "",
        *_places(comparison),
    ]


def _wide(comparison: Comparison) -> list[str]:
    rows = []
    for row in comparison.wide:
        published = row.published
        cells = [
            f"{percent(tally.best)} / {percent(tally.over_5)} / {percent(tally.most - 1, '+')}"
            if tally.num_points
            else "-"
            for tally in row.steps
        ]
        name = f"{published.coding} in, {published.codec} values, {published.server}"
        figures = (
            f"{percent(published.best)} / {percent(published.over_5)} / "
            f"{percent(published.most, '+')}"
        )
        rows.append([name, figures, *cells])
    return [
        "0.1 to 1000 Mbit/s, devices of 1 to 50 x, loads of 1 to 20, round trips of 2, 20 and "
        "80 ms (1170 points): share in which a split is best / best by more than 5 % / the most "
        "it gains.",
        "",
        *table(["", "earlier", *_NAMES], rows),
        "",
        f"Nets in common of which no split gains over 5 % anywhere in this table: earlier "
        f"{', '.join(USELESS)}; as counted there now {_useless(comparison)}.",
    ]


def _useless(comparison: Comparison) -> str:
    found = sorted(model for model, most in comparison.most.items() if most <= 1.05)
    return ", ".join(found) or "none"


def _columns(comparison: Comparison) -> list[str]:
    rows = [
        [
            f"{row.bandwidth_mbit_per_s:g} Mbit/s, {row.column}",
            _outcome(row.published),
            *(map(_outcome, row.steps)),
        ]
        for row in comparison.columns
        if row.column != RELATIVE_TO or any(share for _, share in (row.published, *row.steps))
    ]
    return [
        "Devices of 5 and 20 x, both servers, idle, 10 ms round trip: latency relative to "
        f"{RELATIVE_TO} (geometric mean), and share in which a split is best.",
        "",
        *table(["", "earlier", *_NAMES], rows),
        "",
        _mean_shares(comparison),
    ]


def _mean_shares(comparison: Comparison) -> str:
    """Say what the whole table comes to, pixels and JPEG apart."""
    parts = []
    for coding, codec in ((UINT8, "raw"), (UINT8, "uint8+zstd"), (JPEG, "uint8+zstd")):
        rows = [
            row
            for row in comparison.columns
            if (row.column.coding, row.column.codec) == (coding, codec)
        ]
        means = [
            f"{name}: {percent(_mean(rows, index))}"
            for name, index in (("earlier", None), *((n, i) for i, n in enumerate(_NAMES)))
        ]
        parts.append(f"{coding} in, {codec} values, {', '.join(means)}")
    return f"Mean share over the four links. {'; '.join(parts)}."


def _mean(rows: list[ColumnRow], index: int | None) -> float:
    shares = [(row.published if index is None else row.steps[index])[1] for row in rows]
    return sum(shares) / len(shares)


def _shrunk(comparison: Comparison) -> list[str]:
    rows = [
        [
            "as measured" if row.shrink == 1 else f"{row.shrink:g} times smaller",
            *(
                " / ".join(percent(share) for share in shares)
                for shares in (row.published, row.first, row.real)
            ),
        ]
        for row in comparison.shrunk
    ]
    return [
        "If values behind a Relu were as sparse as those of trained nets may be: the same "
        "conditions and a load of 5 as well, uint8+zstd values, share in which a split is best "
        "with pixels / with a JPEG.",
        "",
        *table(["values behind a Relu", "earlier", _NAMES[0], "everything counted"], rows),
    ]


def _places(comparison: Comparison) -> list[str]:
    rows = [
        [row.model, *(f"`{places}`" for places in (row.published, row.first, row.real))]
        for row in comparison.places
    ]
    pairs = [
        (before, found)
        for row in comparison.places
        for before, found in zip(row.published, row.first, strict=True)
    ]
    same = sum(before == found for before, found in pairs)
    return [
        "Where it runs soonest at 20 Mbit/s on a device of 5 x, server of the same kind, 10 ms "
        "round trip: **d**evice, **s**plit or **f**ull offload, for each of the six columns in "
        f"their order. As counted there, {same} of {len(pairs)} are the same.",
        "",
        *table(["net", "earlier", _NAMES[0], "everything counted"], rows),
    ]


def _outcome(outcome: tuple[float, float]) -> str:
    latency, share = outcome
    return f"{latency:.2f} / {percent(share)}"
