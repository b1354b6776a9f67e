"""Run the demo and every experiment, each in a process of its own; `make bench` runs this.

``python docs/make_reports.py [NAME...] [--quick]``: some of them, or samples of them. A claim that
does not hold is told at the end and ends it with 1, but keeps nothing else from being measured.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from cutpoint.cli.output import out
from cutpoint.lab.experiments.registry import EXPERIMENTS

REPORTS = Path(__file__).parent / "reports"
DEMO = "demo"


def main() -> int:
    """Run what was asked for, and put the README's tables in place."""
    names = (DEMO, *(entry.name for entry in EXPERIMENTS))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="sample each experiment")
    asked = parser.parse_args()
    unknown = set(asked.names) - set(names)
    if unknown:
        parser.error(f"no experiment {', '.join(sorted(unknown))}: take some of {', '.join(names)}")
    failed = [name for name in asked.names or names if not made(name, quick=asked.quick)]
    subprocess.run([sys.executable, Path(__file__).parent / "update_readme.py"], check=True)
    if failed:
        _say(f"not as claimed, see above: {', '.join(failed)}")
    return 1 if failed else 0


def made(name: str, *, quick: bool) -> bool:
    """Write one report, and tell how long it took and whether all in it is as claimed."""
    began_s = time.perf_counter()
    _say(f"== {name}")
    command = [sys.executable, "-m", "cutpoint.cli.main"]
    command += [DEMO] if name == DEMO else ["bench", name, *(["--quick"] if quick else [])]
    done = subprocess.run(
        [*command, "--report", REPORTS / name], stdout=subprocess.PIPE, text=True, check=False
    )
    marks = ("ok  ", "FAIL", "report ")
    for line in done.stdout.splitlines():
        if line.startswith(marks):
            _say(line)
    _say(f"== {name}: {time.perf_counter() - began_s:.0f} s")
    return done.returncode == 0


def _say(text: str) -> None:
    out.print(text, markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
