"""Files of the kernel that hold one number or one word."""

from pathlib import Path

from cutpoint.exceptions import SensorError


def sensor_text(path: Path) -> str:
    """Give what a file says; empty where it is not there or may not be read."""
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def sensor_number(path: Path) -> int:
    """
    Give the whole number in a file.

    Raises
    ------
    SensorError
        If it cannot be read, or holds none.
    """
    try:
        return int(path.read_text(encoding="ascii"))
    except OSError as error:
        raise SensorError(
            f"sensor {path} cannot be read ({error.strerror or error}): measure without it, or "
            "give this user the right to read it"
        ) from error
    except ValueError as error:
        raise SensorError(f"sensor {path} gives no whole number: measure without it") from error


def is_readable(path: Path) -> bool:
    """Tell whether there is a number to be read now."""
    try:
        sensor_number(path)
    except SensorError:
        return False
    return True
