"""Tables of Markdown, and shares as people write them."""

from collections.abc import Sequence

_LEAST = 0.01


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Give the lines of a table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def percent(share: float, sign: str = "") -> str:
    """Give a share in per cent: a digit behind the point below ten, none above; two below 0.1."""
    if share == 0:
        return f"{sign}0 %"
    number = 100 * share
    if 0 < number < _LEAST:
        return f"under {_LEAST} %"
    digits = 0 if abs(number) >= 9.95 else 1 if abs(number) >= 0.095 else 2
    return f"{sign}{number:.{digits}f} %"
