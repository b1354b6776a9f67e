"""Traces in files and folders."""

from pathlib import Path

import pytest

from cutpoint.exceptions import TraceError
from cutpoint.lab.traces import chosen_traces, default_traces, read_trace, traces_in


def test_a_folder_gives_its_traces_by_name(tmp_path: Path) -> None:
    """Two directions beside each other are one trace; what is no trace is passed over."""
    (tmp_path / "b.up").write_text("10\n20\n")
    (tmp_path / "b.down").write_text("5\n10\n20\n")
    (tmp_path / "c.trace").write_text("10\n")
    (tmp_path / "a.csv").write_text("seconds,up_bit_per_s\n0,8\n1,16\n")
    (tmp_path / "README.md").write_text("no trace")
    traces = traces_in(tmp_path)
    assert [trace.name for trace in traces] == ["a", "b", "c"]
    assert traces[0].up.phases == ((1.0, 1.0), (1.0, 2.0))
    assert traces[1].down is not None
    assert traces[1].down.sent_bytes(0.0, 0.02) == pytest.approx(3 * 1500)
    assert traces[2].down is None
    assert all(trace.source.startswith("recorded, from ") for trace in traces)
    assert chosen_traces(tmp_path) == traces


def test_without_a_folder_the_traces_of_the_package_are_taken() -> None:
    """The same objects, so that links and reports know them as the same."""
    assert chosen_traces(None) is default_traces()


def test_a_folder_without_traces_is_an_error(tmp_path: Path) -> None:
    """So is one that is none, one with two traces of one name, and a file of another kind."""
    with pytest.raises(TraceError, match="holds no trace; a trace is NAME"):
        traces_in(tmp_path)
    with pytest.raises(TraceError, match="is no folder"):
        traces_in(tmp_path / "gone")
    with pytest.raises(TraceError, match="no trace by its name"):
        read_trace(tmp_path / "link.txt")
    (tmp_path / "a.up").write_text("10\n")
    (tmp_path / "a.csv").write_text("seconds,up_bit_per_s\n0,8\n1,16\n")
    with pytest.raises(TraceError, match="two traces named 'a'"):
        traces_in(tmp_path)
