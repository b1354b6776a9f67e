"""Put measured tables into the README, of demo, regret and shares; `make bench` runs this last."""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "docs/reports/demo/demo.md"
DEMO_BEGIN = "<!-- from docs/reports/demo/demo.md, which `make bench` writes -->\n"
DEMO_END = "\nAll three ran in turn"

REGRET = ROOT / "docs/reports/regret/regret.json"
REGRET_BEGIN = "<!-- from docs/reports/regret/regret.json, which `make bench` writes -->\n"
REGRET_END = "\n![Regret of every policy"

POLICIES = {
    "oracle": "the best choice each time, known afterwards",
    "cutpoint": "**cutpoint**, told the conditions",
    "cutpoint (estimated)": "**cutpoint**, by its own estimates",
    "cutpoint (estimated, hedge auto)": "**cutpoint**, the same, racing where it pays",
    "cutpoint (estimated, hedge always)": "**cutpoint**, the same, racing always",
    "best fixed row": "the best fixed choice, known afterwards",
    "device-only": "device-only",
    "server-only jpeg": "server-only, JPEG",
    "server-only uint8": "server-only, pixels",
    "server-only float32": "server-only, floats",
    "diamond": "DIAMOND (reconstruction)",
    "dads": "DADS",
    "neurosurgeon": "Neurosurgeon",
    "qdmp": "QDMP",
    "ans": "ANS",
    "loadpart-followon": "LoADPart's follow-on",
    "loadpart": "LoADPart",
}
"""Policies of the report, and what the README calls them."""

MEASURED = {
    "device-only": "device-only",
    "server-only jpeg": "server-only, JPEG",
    "server-only uint8": "server-only, pixels",
    "server-only float32": "server-only, floats",
    "diamond": "DIAMOND (reconstruction)",
    "dads": "DADS",
    "neurosurgeon": "Neurosurgeon",
    "qdmp": "QDMP",
    "ans": "ANS",
    "loadpart-followon": "LoADPart's follow-on",
    "loadpart": "LoADPart",
}
"""Policies that ran on the real clock, and what the README calls them."""

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
    text = _between(text, REGRET_BEGIN, REGRET_END, regret_table(json.loads(REGRET.read_text())))
    readme.write_text(_between(text, SHARES_BEGIN, SHARES_END, shares_table(SHARES.read_text())))


def regret_table(report: dict[str, Any]) -> str:
    """Give mean latency and exact regret of each policy on each link, of the report's first net."""
    exact = [row for row in report["rows"] if (row["regret"] or {}).get("kind") == "exact"]
    model = exact[0]["model"]
    found = {(row["policy"], row["link"]): row for row in exact if row["model"] == model}
    links = list(dict.fromkeys(link for _, link in found))
    host = report["environment"]["host"]
    lines = [
        f"{model}, device slowed {host['emulated_slowdown']:g} x, "
        f"{exact[0]['n']:,} positions or more of each link:",
        "",
        f"| mean latency (over the best, less one) | {' | '.join(links)} |",
        "|---" * (len(links) + 1) + "|",
    ]
    for policy, words in POLICIES.items():
        rows = [found.get((policy, link)) for link in links]
        if any(rows):
            lines.append(f"| {words} | {' | '.join(map(_regret_cell, rows))} |")
    return "\n".join([*lines, "", *_measured_lines(report)]) + "\n"


def _measured_lines(report: dict[str, Any]) -> list[str]:
    """Give cutpoint's mean latency over that of others on the real clock, with intervals."""
    replayed = report["details"]["replayed"]
    if not replayed:
        return []
    links = [key.split(", ")[1] for key in replayed]
    lines = [
        "The same on the real clock, cutpoint by its own estimates: its mean latency over that of",
        "each other, in turn at the same places (95 %):",
        "",
        f"| cutpoint over | {' | '.join(links)} |",
        "|---" * (len(links) + 1) + "|",
    ]
    for policy, words in MEASURED.items():
        found = [each["ratios"].get(policy) for each in replayed.values()]
        if any(found):
            lines.append(f"| {words} | {' | '.join(map(_ratio_cell, found))} |")
    return lines


def _ratio_cell(found: list[Any] | None) -> str:
    if found is None:
        return "-"
    ratio, (low, high) = found
    return f"{ratio:.2f} ({low:.2f}-{high:.2f})"


def _regret_cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return "-"
    latency, regret = f"{row['latency_s']['mean'] * 1e3:.0f} ms", row["regret"]["mean"]
    if row["policy"] == "oracle":
        return latency
    return f"{latency} ({regret * 100:.{1 if regret < 1 else 0}f} %)"


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
