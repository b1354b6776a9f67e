"""Mahimahi's format: when one packet may leave, a line each."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cutpoint.exceptions import TraceError
from cutpoint.simulation.rate_schedule import RateSchedule

PACKET_BYTES = 1500
"""What may leave at each time: one full Ethernet frame."""

BIN_S = 0.1
"""Packets are counted over so long. At 2 Mbit/s these are 16: with shorter bins the rate would be
the packets' own grain, with longer ones what changes within a second would be gone, and most
uploads take several of these."""

_MS_PER_S = 1000

_MOST_DIGITS = 9
"""Of a time: a billion milliseconds are more than a week, and no trace but a date."""


def read_mahimahi(path: Path, bin_s: float = BIN_S) -> RateSchedule:
    """
    Read one direction of a link.

    Parameters
    ----------
    path
        Of a text file: whole milliseconds, rising; a time may repeat, one packet each.
    bin_s
        The rate is taken to be even for so long.

    Returns
    -------
    RateSchedule
        Of as many bytes as the file has packets; as in Mahimahi it begins anew at the last
        time of the file, so the last bin may be shorter than the others.

    Raises
    ------
    TraceError
        If a line is no time, lies before the line above it or weeks after the beginning, or
        nothing is left.

    References
    ----------
    Netravali, Sivaraman, Das, Goyal, Winstein, Mickens, Balakrishnan: Mahimahi: Accurate
    Record-and-Replay for HTTP, USENIX ATC 2015; the format is that of its ``mm-link``.
    """
    return binned(_read_times_ms(path), bin_s, str(path))


def binned(times_ms: Sequence[int], bin_s: float, name: str) -> RateSchedule:
    """
    Count packets, and give the rate of each bin.

    Parameters
    ----------
    times_ms
        When one packet may leave; rising.
    bin_s
        Length of a bin.
    name
        Of what is read, for errors.

    Raises
    ------
    TraceError
        If there is no time above 0, or the bin is none.
    """
    if not bin_s > 0:
        raise TraceError(f"{name}: bin_s must be above 0, got {bin_s}")
    if not times_ms or times_ms[-1] <= 0:
        raise TraceError(f"{name}: no packet leaves after 0 ms, so the trace has no length")
    end_s = times_ms[-1] / _MS_PER_S
    num_bins = max(round(np.ceil(end_s / bin_s - 1e-9)), 1)
    bins = np.minimum(np.asarray(times_ms) / _MS_PER_S // bin_s, num_bins - 1).astype(int)
    packets = np.bincount(bins, minlength=num_bins)
    lengths_s = np.full(num_bins, bin_s)
    lengths_s[-1] = end_s - bin_s * (num_bins - 1)
    phases = zip(lengths_s.tolist(), (packets * PACKET_BYTES / lengths_s).tolist(), strict=True)
    return RateSchedule(tuple(phases), repeat=True)


def write_mahimahi(path: Path, schedule: RateSchedule) -> None:
    """
    Write one cycle of a schedule, for tools that read this format.

    Parameters
    ----------
    schedule
        Repeats; a packet leaves whenever `PACKET_BYTES` more were carried, at the end of the
        millisecond; what is left over at the end of the cycle is not written.
    """
    edges_s = np.concatenate([[0.0], np.cumsum([length_s for length_s, _ in schedule.phases])])
    carried = [length_s * bandwidth for length_s, bandwidth in schedule.phases]
    sent_bytes = np.concatenate([[0.0], np.cumsum(carried)])
    ticks_s = np.arange(1, round(edges_s[-1] * _MS_PER_S) + 1) / _MS_PER_S
    # Sums of tenths fall a hair short of whole packets.
    packets = np.floor(np.interp(ticks_s, edges_s, sent_bytes) / PACKET_BYTES + 1e-6).astype(int)
    times_ms = np.repeat(np.arange(1, len(ticks_s) + 1), np.diff(packets, prepend=0))
    path.write_text("".join(f"{time_ms}\n" for time_ms in times_ms))


def _read_times_ms(path: Path) -> list[int]:
    times_ms: list[int] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TraceError(f"{path}: cannot be read as text: {error}") from error
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text:
            continue
        if not (text.isascii() and text.isdecimal()):
            raise TraceError(
                f"{path}, line {number}: {text[:40]!r} is no whole number of milliseconds; "
                "each line of a Mahimahi trace is the time at which one packet may leave"
            )
        if len(text.lstrip("0")) > _MOST_DIGITS:
            raise TraceError(
                f"{path}, line {number}: {text[:40]!r} ms is more than a week; times are counted "
                "from the trace's beginning, not from a date"
            )
        if times_ms and int(text) < times_ms[-1]:
            raise TraceError(
                f"{path}, line {number}: {text} ms is before the line above ({times_ms[-1]} ms); "
                "sort the file"
            )
        times_ms.append(int(text))
    return times_ms
