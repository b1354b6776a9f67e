"""Put measured tables into the README: of the demo and of shares; `make bench` runs this last."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "docs/reports/demo/demo.md"
DEMO_BEGIN = "<!-- from docs/reports/demo/demo.md, which `make bench` writes -->\n"
DEMO_END = "\nAll three ran in turn"

SHARES = ROOT / "docs/reports/shares/shares.md"
SHARES_BEGIN = "<!-- from docs/reports/shares/shares.md, which `make bench` writes -->\n"
SHARES_END = "\nA photo that may be a JPEG"

INPUTS = {
    "uint8": "as pixels",
    "jpeg": "as a JPEG that the device makes",
    "camera jpeg": "as the JPEG of the camera",
}
"""Inputs of the report, and what the README calls them."""

CODECS = {"raw": "values as floats", "uint8": "as uint8", "uint8+zstd": "as uint8 + zstd"}
"""Codecs of the report, and what the README calls them."""


def main() -> None:
    """Replace what stands between each pair of marks by what the reports say."""
    readme = ROOT / "README.md"
    text = _between(readme.read_text(), DEMO_BEGIN, DEMO_END, DEMO.read_text())
    readme.write_text(_between(text, SHARES_BEGIN, SHARES_END, shares_table(SHARES.read_text())))


def shares_table(report: str) -> str:
    """Give three columns and three rows of the report's first table, turned round."""
    rows = [line.strip("| ").split(" | ") for line in report.splitlines() if line.startswith("|")]
    inputs = [cell.removeprefix("input: ") for cell in rows[0][1:]]
    by_codec = {row[0]: dict(zip(inputs, row[1:], strict=True)) for row in rows[2:8]}
    lines = [
        "| how the server would get the picture otherwise | " + " | ".join(CODECS.values()) + " |",
        "|---" * (len(CODECS) + 1) + "|",
    ]
    lines += [
        f"| {words} | " + " | ".join(by_codec[codec][name] for codec in CODECS) + " |"
        for name, words in INPUTS.items()
    ]
    return "\n".join(lines) + "\n"


def _between(text: str, begin: str, end: str, new: str) -> str:
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    replaced, count = pattern.subn(lambda _: begin + new + end, text)
    if count != 1:
        raise SystemExit(f"README.md has no one place for what begins with {begin.strip()}")
    return replaced


if __name__ == "__main__":
    main()
