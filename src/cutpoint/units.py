"""Conversions between what people write and what the package computes with.

Inside the package a number is seconds, bytes or bytes per second. Milliseconds,
mebibytes and Mbit/s exist here, on the command line and on plots, nowhere else.
"""

import re

from cutpoint.exceptions import UnitError

_BITS_PER_BYTE = 8
_BANDWIDTH = re.compile(r"^\s*([0-9]*\.?[0-9]+)\s*([kKmMgG])?((?i:bit/s|bit)|bps)\s*$")
"""A small b is a bit; ``MBps`` might mean bytes and is refused."""

_DURATION = re.compile(r"^\s*([0-9]*\.?[0-9]+)\s*(us|ms|s)\s*$", re.IGNORECASE)
_BIT_PREFIX = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
_SIZE = re.compile(r"^\s*([0-9]*\.?[0-9]+)\s*(?:([kKmMgG])(i)?)?B\s*$")
"""A capital B is a byte; ``200Mb`` might mean bits and is refused."""

_SIZE_POWER = {"": 0, "k": 1, "m": 2, "g": 3}


def mbit_per_s(bandwidth_bytes_per_s: float) -> float:
    """Bytes per second as Mbit/s."""
    return bandwidth_bytes_per_s * _BITS_PER_BYTE / 1e6


def from_mbit_per_s(bandwidth_mbit_per_s: float) -> float:
    """Mbit/s as bytes per second."""
    return bandwidth_mbit_per_s * 1e6 / _BITS_PER_BYTE


def milliseconds(duration_s: float) -> float:
    """Seconds as milliseconds."""
    return duration_s * 1e3


def parse_bandwidth(text: str) -> float:
    """
    Bytes per second from text such as ``5Mbit/s``, ``800kbit/s`` or ``1Gbps``.

    Raises
    ------
    UnitError
        If the text has no number or no unit: a bare ``10`` may mean bits or bytes.
    """
    match = _BANDWIDTH.match(text)
    if match is None:
        raise UnitError(f"bandwidth {text!r}: write a number and a unit, for example 5Mbit/s")
    number, prefix, _ = match.groups()
    return float(number) * _BIT_PREFIX[(prefix or "").lower()] / _BITS_PER_BYTE


def parse_duration(text: str) -> float:
    """
    Seconds from text such as ``10ms``, ``1.5s`` or ``200us``.

    Raises
    ------
    UnitError
        If the text has no number or no unit.
    """
    match = _DURATION.match(text)
    if match is None:
        raise UnitError(f"duration {text!r}: write a number and a unit, for example 10ms")
    number, unit = match.groups()
    return float(number) * _SECONDS[unit.lower()]


def parse_size(text: str) -> float:
    """
    Bytes from text such as ``200MB`` (powers of ten), ``4GiB`` (of 1024) or ``512B``.

    Raises
    ------
    UnitError
        If the text has no number or no unit.
    """
    match = _SIZE.match(text)
    if match is None:
        raise UnitError(f"size {text!r}: write a number and a unit, for example 200MB or 4GiB")
    number, prefix, binary = match.groups()
    return float(number) * (1024.0 if binary else 1e3) ** _SIZE_POWER[(prefix or "").lower()]


def format_duration(duration_s: float) -> str:
    """Seconds for people: ``0.41 ms``, ``12.3 ms``, ``1.20 s``."""
    if duration_s >= 1:
        return f"{duration_s:.2f} s"
    duration_ms = milliseconds(duration_s)
    return f"{duration_ms:.1f} ms" if duration_ms >= 10 else f"{duration_ms:.2f} ms"


def format_size(size_bytes: float) -> str:
    """Bytes for people: ``512 B``, ``150 KB``, ``3.2 MB`` (powers of ten)."""
    if size_bytes < 1e3:
        return f"{size_bytes:.0f} B"
    if size_bytes < 1e6:
        return f"{size_bytes / 1e3:.0f} KB" if size_bytes >= 1e4 else f"{size_bytes / 1e3:.1f} KB"
    return f"{size_bytes / 1e6:.1f} MB"


def format_bandwidth(bandwidth_bytes_per_s: float) -> str:
    """Bytes per second for people, in Mbit/s."""
    mbit = mbit_per_s(bandwidth_bytes_per_s)
    return f"{mbit:.0f} Mbit/s" if mbit >= 100 else f"{mbit:.3g} Mbit/s"
