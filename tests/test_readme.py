"""The README's lines run as they stand."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

from cutpoint.lab.experiments.registry import EXPERIMENTS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_twelve_lines_run(tmp_path):
    """The first bash block, in an empty folder, prints where the inference ran."""
    block = re.search(r"```bash\n(.*?)```", README, re.DOTALL).group(1)
    assert len(block.strip().splitlines()) <= 12
    # The environment of this test run stands in for `.venv`; the port may be taken here.
    script = block.replace(". .venv/bin/activate", f'PATH="{Path(sys.executable).parent}:$PATH"')
    script = script.replace("--port 8001", "--port 18761").replace(":8001", ":18761")
    script = f"set -e\ntrap 'kill $(jobs -p)' EXIT\n{script}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^(device|split|server) Parts\(", done.stdout, re.MULTILINE)


def test_the_measured_table_is_the_reports():
    """The table in the README is what `make bench` wrote."""
    report = (ROOT / "docs/reports/demo/demo.md").read_text()
    table = [line for line in report.splitlines() if line.startswith("|")]
    assert "\n".join(table) in README


def test_the_tables_of_policies_and_shares_are_the_reports():
    """Both tables are what the reports in the repository give today."""
    spec = importlib.util.spec_from_file_location("update_readme", ROOT / "docs/update_readme.py")
    update = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(update)
    assert update.regret_table(json.loads(update.REGRET.read_text())) in README
    assert update.shares_table(update.SHARES.read_text()) in README


def test_every_experiment_is_in_the_guide_with_its_time():
    """A line in the guide's table for each, with the minutes that it may take."""
    guide = (ROOT / "docs/guides/benchmarks.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in guide.splitlines() if line.startswith("|")]
    told = {row[0].strip("`"): row[-1] for row in rows}
    for entry in EXPERIMENTS:
        assert told[entry.name] == f"{entry.budget_s / 60:g} min"


def test_every_link_leads_somewhere():
    """Links within the repository exist."""
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+?)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
