"""Plan three nets with every planner and keep what is printed; `make campaigns` runs this."""

import subprocess
import sys
import tempfile
from pathlib import Path

REPORTS = Path(__file__).parent / "reports/plans"
MODELS = ("resnet18", "googlenet", "hrnet_w18_small")
SLOWDOWN = "20"
LINKS = ("1.1Mbit/s,80ms", "5.85Mbit/s,40ms", "18.88Mbit/s,10ms")
"""3G, 4G and WiFi uplinks as DADS measured them, with round trips of our own."""


def cutpoint(folder: Path, *arguments: str) -> str:
    """Run the program in a folder and give what it prints."""
    command = [sys.executable, "-m", "cutpoint.cli.main", *arguments]
    environment = {"COLUMNS": "170", "PATH": "", "NO_COLOR": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def report(name: str, folder: Path) -> None:
    """Profile one net as a slow device and as a server, plan it, and write the page."""
    model, plot = f"{name}.onnx", REPORTS / f"{name}.png"
    cutpoint(folder, "zoo", name)
    cutpoint(folder, "profile", model, "-o", "device", "--slowdown", SLOWDOWN, "--threads", "1")
    cutpoint(folder, "profile", model, "-o", "server", "--threads", "1")
    links = [part for link in LINKS for part in ("--link", link)]
    asked = ["plan", model, "--device", "device", "--server", "server", *links]
    asked += ["--planner", "all", "--jobs", "10"]
    printed = cutpoint(folder, *asked, "--plot", str(plot))
    lines = (line.rstrip() for line in printed.splitlines() if not line.startswith("wrote"))
    text = "\n".join(lines)
    (REPORTS / f"{name}.md").write_text(
        f"`cutpoint {' '.join(asked)}`, on profiles of one machine with one thread, as it is (the "
        f"server) and slowed {SLOWDOWN} x (the device); `docs/make_plans.py` makes this page:"
        f"\n\n```\n{text.strip()}\n```\n\n"
        f"![Best cut over bandwidth and load, and the graph with its legs]({plot.name})\n"
    )


def main() -> None:
    """Write a page and a picture per net."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        sys.stderr.write(f"planning {name} ...\n")
        with tempfile.TemporaryDirectory(prefix="cutpoint-plans-") as folder:
            report(name, Path(folder))


if __name__ == "__main__":
    main()
