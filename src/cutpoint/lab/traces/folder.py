"""Traces in files, and in folders of them."""

from pathlib import Path

from cutpoint.exceptions import TraceError
from cutpoint.lab.traces.mahimahi import read_mahimahi
from cutpoint.lab.traces.rate_csv import read_rate_csv
from cutpoint.lab.traces.synthetic import default_traces
from cutpoint.lab.traces.trace import Trace

_KINDS = "NAME.up (and NAME.down beside it) or NAME.trace in Mahimahi's format, or NAME.csv"


def read_trace(path: Path) -> Trace:
    """
    Read one trace, in the format its suffix says.

    Parameters
    ----------
    path
        ``NAME.up`` in Mahimahi's format, with ``NAME.down`` beside it for the way back if it is
        there; ``NAME.trace``, the same without a way back; or ``NAME.csv``.

    Raises
    ------
    TraceError
        If it has another suffix, or cannot be read.
    """
    suffix = path.suffix.lower()
    source = f"recorded, from {path.name}"
    if suffix == ".csv":
        up, down = read_rate_csv(path)
        return Trace(path.stem, up, down, source)
    if suffix == ".up":
        back = path.with_suffix(".down")
        return Trace(
            path.stem, read_mahimahi(path), read_mahimahi(back) if back.exists() else None, source
        )
    if suffix == ".trace":
        return Trace(path.stem, read_mahimahi(path), None, source)
    raise TraceError(f"{path}: no trace by its name; a trace is {_KINDS}")


def traces_in(folder: Path) -> tuple[Trace, ...]:
    """
    Read all traces of a folder, by name; other files there are passed over.

    Raises
    ------
    TraceError
        If it is no folder, has no trace, has two of one name, or one cannot be read.
    """
    if not folder.is_dir():
        raise TraceError(f"{folder}: is no folder; give one that holds {_KINDS}")
    paths = sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and path.suffix.lower() in (".up", ".trace", ".csv")
    )
    if not paths:
        raise TraceError(f"{folder}: holds no trace; a trace is {_KINDS}")
    names = [path.stem for path in paths]
    for name in names:
        if names.count(name) > 1:
            raise TraceError(f"{folder}: holds two traces named {name!r}; rename one")
    return tuple(read_trace(path) for path in paths)


def chosen_traces(folder: Path | None) -> tuple[Trace, ...]:
    """Read the traces of a folder (see `traces_in`); those of the package without one."""
    return default_traces() if folder is None else traces_in(folder)
