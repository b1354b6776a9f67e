"""Reports on paper."""

import math
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from tests.lab.experiments.toy import Toy, row

from cutpoint.exceptions import MissingDependencyError
from cutpoint.lab.experiments import page, row_cells
from cutpoint.lab.experiments.experiment import Options, Outcome
from cutpoint.lab.experiments.form import Claim, Regret, Report, ResultRow, at_most
from cutpoint.lab.experiments.writer import require_writer, write_outcome

EVIL = "<script>alert(1)</script>"


class _Page(HTMLParser):
    """Collects what a browser would load, run and show of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []
        self.tags: list[str] = []
        self.shown = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = [(name, value or "") for name, value in attrs]
        self.linked += [value for name, value in given if tag == "a" and name == "href"]
        self.loaded += [value for name, value in given if name in ("src", "srcset")]
        self.loaded += [value for name, value in given if tag != "a" and name == "href"]

    def handle_data(self, data: str) -> None:
        self.shown += data


def _written(folder: Path, toy: Toy, options: Options | None = None) -> _Page:
    path = write_outcome(toy.run(options or Options()), folder)
    return _Page(path.read_text(encoding="utf-8"))


def test_a_report_is_four_files(tmp_path: Path) -> None:
    """Every number, a text that shows the picture and the claims, a page, and the picture."""
    outcome = Toy().run(Options(is_quick=True, seed=7, models=("nin",)))
    write_outcome(outcome, tmp_path / "new")
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {"toy.json", "toy.md", "toy.html", "toy.png"}
    text = (tmp_path / "new/toy.md").read_text()
    assert text.startswith("# toy\n\nWords.\n")
    assert "| seconds, at most | 1 | 2 | yes |" in text
    assert "![A line](toy.png)\n\nIt rises.\n" in text
    assert "Made by `cutpoint bench toy --quick --seed 7` (cutpoint 0.1.0), " in text
    assert text.endswith("Models asked for: nin.\n")


def test_json_is_the_report_in_its_one_form(tmp_path: Path) -> None:
    """Names and nesting are promised to programs; a value that is no number is null."""
    claims = (at_most("a", math.nan, 1),)
    write_outcome(Toy((row("cutpoint", 0.5),), claims).run(Options(seed=3)), tmp_path)
    told = msgspec.json.decode((tmp_path / "toy.json").read_bytes())
    assert list(told) == ["experiment", "seed", "environment", "rows", "claims", "details"]
    assert (told["experiment"], told["seed"], told["details"]) == ("toy", 3, {"depth": 3})
    assert told["claims"] == [{"name": "a", "value": None, "bound": 1.0, "holds": False}]
    (line,) = told["rows"]
    assert line["latency_s"] == {
        "mean": 0.5, "p50": 0.5, "p95": 0.5, "p99": 0.5, "ci": [0.5, 0.5],
    }  # fmt: skip
    assert {"model", "link", "load", "policy", "clock", "n", "throughput_per_s", "energy_j",
            "regret"} <= set(line)  # fmt: skip
    assert {"host", "version", "is_quick", "elapsed_s"} <= set(told["environment"])


def test_the_page_needs_nothing_from_anywhere(tmp_path: Path) -> None:
    """Its picture is inside, and no address of another file or host is in it."""
    found = _written(tmp_path, Toy())
    assert len(found.loaded) == 1
    assert found.loaded[0].startswith("data:image/png;base64,iVBORw0KGgo")
    text = (tmp_path / "toy.html").read_text()
    assert "http://" not in text
    assert "https://" not in text
    assert found.tags.count("table") == 3, "claims, the text's own, and every row"
    assert found.tags.count("script") == 1


def test_nothing_that_a_report_names_becomes_part_of_the_page(tmp_path: Path) -> None:
    """A trace or a model is a user's file, and may be called anything."""
    text = f"{EVIL}\n\n[x](javascript:alert(1)) ![y](http://example.org/y.png) <img src=x>\n"
    rows = (row(EVIL, model=f'"{EVIL}', link="<b>"),)
    found = _written(tmp_path, Toy(rows, (at_most(EVIL, 1, 2),), text))
    assert found.tags.count("script") == 1
    assert "b" not in found.tags
    assert found.tags.count("img") == 1
    assert all(each.startswith("data:image/png;base64,") for each in found.loaded)
    assert found.linked == ["http://example.org/y.png"], "shown as a link, not loaded"
    assert found.shown.count(EVIL) == 4


def test_claims_that_fail_are_seen(tmp_path: Path) -> None:
    """In the text and on the page, whatever signs their names have."""
    found = _written(tmp_path, Toy(claims=(Claim("a | b", 3, 2, holds=False),)))
    assert "| a \\| b | 3 | 2 | **no** |" in (tmp_path / "toy.md").read_text()
    assert "a | b" in found.shown


def test_a_report_without_rows_claims_and_pictures_is_one(tmp_path: Path) -> None:
    """As the first thing a new experiment writes."""
    environment = Toy().run(Options()).report.environment
    empty = Outcome(Report("toy", 0, environment), "Nothing.")
    found = _Page(write_outcome(empty, tmp_path).read_text())
    assert "table" not in found.tags
    assert "Claims" not in (tmp_path / "toy.md").read_text()


def _told(given: ResultRow) -> dict[str, str]:
    return {column.title: column.of(given).text for column in row_cells.columns_of([given])}


def test_columns_are_those_that_say_something() -> None:
    """Regret, throughput, energy, drops and notes only where there are any."""
    plain = row("cutpoint", 0.1234567)
    assert list(_told(plain))[-1] == "p99"
    assert _told(plain)["mean ms"] == "123.5"
    full = ResultRow(
        "m", "l", "idle", "p", "virtual", 1200, plain.latency_s, 12.3456, 0.5,
        Regret("exact", 0.0213, (0.01, 0.04)), 17, "marked",
    )  # fmt: skip
    told = _told(full)
    assert told["regret"] == "2.1% (1.0% - 4.0%), exact"
    assert (told["per second"], told["joules"]) == ("12.35", "0.5")
    assert (told["n"], told["dropped"], told["note"]) == ("1,200", "17", "marked")
    mixed = row_cells.columns_of([plain, full])
    assert [column.of(plain).text for column in mixed][-5:] == ["", "", "", "0", ""]


def test_what_is_missing_is_told_before_anything_is_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By the name of what to install."""
    require_writer(tmp_path)

    def nowhere(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(page.importlib, "import_module", nowhere)
    with pytest.raises(MissingDependencyError, match=r"pip install 'cutpoint\[lab\]'"):
        require_writer(tmp_path)
