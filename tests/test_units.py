import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutpoint.exceptions import CutpointError, UnitError
from cutpoint.units import (
    format_bandwidth,
    format_duration,
    format_size,
    from_mbit_per_s,
    mbit_per_s,
    milliseconds,
    parse_bandwidth,
    parse_duration,
    parse_size,
)


def test_a_byte_is_eight_bits() -> None:
    """8 Mbit/s are a million bytes per second, and back."""
    assert (from_mbit_per_s(8.0), mbit_per_s(1e6)) == (1e6, 8.0)


@given(st.floats(1e-6, 1e12))
def test_bandwidth_survives_there_and_back(bandwidth_bytes_per_s: float) -> None:
    """Mbit/s and bytes per second convert into each other."""
    assert from_mbit_per_s(mbit_per_s(bandwidth_bytes_per_s)) == pytest.approx(
        bandwidth_bytes_per_s
    )


def test_milliseconds() -> None:
    """A second is a thousand milliseconds."""
    assert milliseconds(1.5) == 1500.0


@pytest.mark.parametrize(
    ("text", "bytes_per_s"),
    [
        ("8bit/s", 1.0),
        ("800kbit/s", 100e3),
        ("5Mbit/s", 625e3),
        ("1Gbps", 125e6),
        (" 2.5 Mbps ", 312.5e3),
        (".8kbit", 100.0),
        ("8MBIT/S", 1e6),
    ],
)
def test_bandwidth_in_words(text: str, bytes_per_s: float) -> None:
    """A number, a prefix and bits per second give bytes per second."""
    assert bytes_per_s == pytest.approx(parse_bandwidth(text))


@pytest.mark.parametrize(
    "text",
    ["", "10", "Mbit/s", "5MB/s", "-5Mbit/s", "5 5Mbit/s", "5Mbit/h", "1e3bit/s", "nanbit/s"],
)
def test_a_bandwidth_without_number_or_unit(text: str) -> None:
    """A bare number may mean bits or bytes: it is refused, by what was written."""
    with pytest.raises(UnitError) as caught:
        parse_bandwidth(text)
    assert str(caught.value) == (
        f"bandwidth {text!r}: write a number and a unit, for example 5Mbit/s"
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10ms", 0.01), ("1.5s", 1.5), ("200us", 2e-4), (" 3 S ", 3.0), ("0ms", 0.0), (".5s", 0.5)],
)
def test_duration_in_words(text: str, seconds: float) -> None:
    """A number and a unit give seconds."""
    assert seconds == pytest.approx(parse_duration(text))


@pytest.mark.parametrize("text", ["", "10", "ms", "10 min", "-1s", "1h", "1s2", "infs"])
def test_a_duration_without_number_or_unit(text: str) -> None:
    """A duration without a unit is refused, by what was written."""
    with pytest.raises(UnitError) as caught:
        parse_duration(text)
    assert str(caught.value) == f"duration {text!r}: write a number and a unit, for example 10ms"


def test_a_unit_error_is_a_value_error() -> None:
    """Command-line tools catch it as the value error it is."""
    assert issubclass(UnitError, ValueError)
    assert issubclass(UnitError, CutpointError)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.00041, "0.41 ms"),
        (0.0099, "9.90 ms"),
        (0.01, "10.0 ms"),
        (0.0123, "12.3 ms"),
        (1.0, "1.00 s"),
        (1.2, "1.20 s"),
        (0.0, "0.00 ms"),
    ],
)
def test_durations_for_people(seconds: float, text: str) -> None:
    """Seconds are shown in milliseconds below one, with three figures."""
    assert text == format_duration(seconds)


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (512, "512 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (9940, "9.9 KB"),
        (10_000, "10 KB"),
        (150_000, "150 KB"),
        (1_000_000, "1.0 MB"),
        (3_200_000, "3.2 MB"),
    ],
)
def test_sizes_for_people(size_bytes: float, text: str) -> None:
    """Bytes are shown in powers of ten."""
    assert text == format_size(size_bytes)


@pytest.mark.parametrize(
    ("mbit", "text"),
    [
        (0.8, "0.8 Mbit/s"),
        (1.25, "1.25 Mbit/s"),
        (5.852, "5.85 Mbit/s"),
        (10.0, "10 Mbit/s"),
        (1000.0, "1000 Mbit/s"),
    ],
)
def test_bandwidths_for_people(mbit: float, text: str) -> None:
    """Bandwidths are shown in Mbit/s with three figures, or whole ones from a hundred on."""
    assert text == format_bandwidth(from_mbit_per_s(mbit))


@given(st.floats(1e-3, 1e5))
def test_what_is_shown_can_be_read(mbit: float) -> None:
    """A bandwidth shown to people can be typed back, to three figures."""
    bytes_per_s = from_mbit_per_s(mbit)
    if "e" not in (text := format_bandwidth(bytes_per_s)):
        assert parse_bandwidth(text) == pytest.approx(bytes_per_s, rel=0.006)


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("512B", 512),
        ("15KB", 15e3),
        ("15 kB", 15e3),
        ("200MB", 200e6),
        (" 1.5GB ", 1.5e9),
        ("4KiB", 4096),
        ("4GiB", 4 * 2**30),
        ("0B", 0),
    ],
)
def test_sizes_in_words(text: str, size_bytes: float) -> None:
    """Prefixes are powers of ten, with an i of 1024."""
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "200", "MB", "200M", "200Mb", "-1MB", "1e3MB", "nanB", "4iB"])
def test_a_size_without_number_or_unit(text: str) -> None:
    """A bare number, or one of bits, is refused by what was written."""
    with pytest.raises(UnitError) as caught:
        parse_size(text)
    assert repr(text) in str(caught.value)
