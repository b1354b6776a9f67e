"""Put the demo's measured table into the README; `make bench` runs this after the demo."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
REPORT = ROOT / "docs/reports/demo/demo.md"
BEGIN = "<!-- from docs/reports/demo/demo.md, which `make bench` writes -->\n"
END = "\nAll three ran in turn"


def main() -> None:
    """Replace what stands between the two marks by the report."""
    readme = ROOT / "README.md"
    text = readme.read_text()
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    report = REPORT.read_text()
    replaced, count = pattern.subn(lambda _: BEGIN + report + END, text)
    if count != 1:
        raise SystemExit("README.md has no place for the demo's table")
    readme.write_text(replaced)


if __name__ == "__main__":
    main()
