"""LoADPart's grid on paper."""

from pathlib import Path

import numpy as np

from cutpoint.lab.load_series import LoadSeries
from cutpoint.lab.loadpart.cells import CUTPOINT, LoadCell, NetTables
from cutpoint.lab.loadpart.figure import loadpart_figure
from cutpoint.lab.loadpart.text import loadpart_text
from cutpoint.lab.papers.paper_net import PaperNet


def test_the_report_says_what_was_measured_and_what_was_saved(
    net: PaperNet, tmp_path: Path
) -> None:
    """Every level of load and every policy has its line, and the figure can be drawn."""
    tables = NetTables.of(net, 4.0)
    at_s = np.arange(0.0, 0.5, 0.1)
    series = [
        LoadSeries(level, 0.01, at_s, np.zeros(5), np.full(5, 0.01 * slowdown))
        for level, slowdown in ((0.0, 1.0), (0.9, 12.0))
    ]
    cells = [LoadCell(tables, each, 8.0, 4) for each in series]
    text = loadpart_text([net], 4.0, {"net": series}, cells, [])
    assert "| net | 90% | 12.00 | 0.00 | 5 | 0 |" in text
    assert "slowed 4.00 x" in text
    assert f"| 8 Mbit/s | {CUTPOINT} |" in text
    loadpart_figure(cells).draw(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 0
