"""Traces in Mahimahi's format."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.exceptions import TraceError
from cutpoint.lab.traces.mahimahi import PACKET_BYTES, binned, read_mahimahi, write_mahimahi
from cutpoint.simulation.rate_schedule import RateSchedule


def test_packets_are_counted_over_tenths_of_a_second(tmp_path: Path) -> None:
    """The trace begins anew at its last time, so the last bin is as long as what is left."""
    path = tmp_path / "link.up"
    path.write_text("0\n10\n\n99\n100\n250\n")
    schedule = read_mahimahi(path)
    assert schedule.repeat
    assert schedule.phases == (
        (0.1, pytest.approx(30 * PACKET_BYTES)),
        (0.1, pytest.approx(10 * PACKET_BYTES)),
        (pytest.approx(0.05), pytest.approx(20 * PACKET_BYTES)),
    )


@given(st.lists(st.integers(0, 3000), min_size=1), st.sampled_from([0.01, 0.1, 1.0]))
def test_no_packet_is_lost_in_counting(times_ms: list[int], bin_s: float) -> None:
    """One cycle carries a packet per line, whatever the bin, and lasts as long as the file."""
    times_ms = [*sorted(times_ms), 3001]
    schedule = binned(times_ms, bin_s, "made up")
    assert schedule.sent_bytes(0.0, 3.001) == pytest.approx(len(times_ms) * PACKET_BYTES)
    assert sum(length_s for length_s, _ in schedule.phases) == pytest.approx(3.001)


def test_what_is_written_reads_the_same(tmp_path: Path) -> None:
    """A schedule of whole packets comes back, but for the bin that the packets' times end."""
    phases = tuple((0.1, 10.0 * num * PACKET_BYTES) for num in (3, 0, 7, 1, 2, 5))
    path = tmp_path / "made.up"
    write_mahimahi(path, RateSchedule(phases, repeat=True))
    assert len(path.read_text().split()) == 18
    again = read_mahimahi(path)
    assert again.sent_bytes(0.0, 0.6) == pytest.approx(18 * PACKET_BYTES)
    assert again.sent_bytes(0.0, 0.4) == pytest.approx(11 * PACKET_BYTES, abs=2 * PACKET_BYTES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0\n5\nsoon\n", r"link\.up, line 3: 'soon' is no whole number"),
        ("0\n-5\n", "line 2: '-5' is no whole number"),
        ("0\n1.5\n", "line 2: '1.5' is no whole number"),
        ("7\n\n5\n", r"line 3: 5 ms is before the line above \(7 ms\)"),
        ("", "no packet leaves after 0 ms"),
        ("0\n0\n", "no packet leaves after 0 ms"),
        ("1\n1700000000000\n", r"line 2: '1700000000000' ms is more than a week"),
        ("9" * 5000, "line 1: '9+' ms is more than a week"),
    ],
)
def test_a_line_that_is_no_time_is_named(text: str, message: str, tmp_path: Path) -> None:
    """The error says which file, which line and what belongs there."""
    path = tmp_path / "link.up"
    path.write_text(text)
    with pytest.raises(TraceError, match=message):
        read_mahimahi(path)


def test_a_file_that_is_not_there_or_no_text_is_an_error(tmp_path: Path) -> None:
    """Reading fails with the same type as a bad line; so does a bin that is none."""
    (tmp_path / "noise.up").write_bytes(b"\xff\xfe\xfa")
    for name in ("noise.up", "gone.up"):
        with pytest.raises(TraceError, match="cannot be read as text"):
            read_mahimahi(tmp_path / name)
    with pytest.raises(TraceError, match="bin_s must be above 0"):
        binned([1], 0.0, "made up")
