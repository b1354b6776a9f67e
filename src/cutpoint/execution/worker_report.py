"""What the worker of a vetting says, and what is to be made of how it ended."""

import json
import signal
from pathlib import Path
from typing import Any

import cutpoint.exceptions
from cutpoint.exceptions import CutpointError, ModelError, UnsafeModelError
from cutpoint.execution.load_limits import LoadLimits

LONGEST_REPORT = 1 << 20
"""In bytes, the names of all data files among them."""

_LONGEST_MESSAGE = 2000
_OUT_OF_MEMORY = ("bad_alloc", "bad allocation", "Failed to allocate", "out of memory")


def reported(folder: Path) -> dict[str, Any]:
    """Give what the whole lines of a report say so far, whatever else there is in it."""
    with (folder / "report").open("rb") as file:
        lines = file.read(LONGEST_REPORT).split(b"\n")[:-1]
    found: dict[str, Any] = {}
    for line in lines:
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(said, dict):
            found.update(said)
    return found


def check_done(status: int, folder: Path, limits: LoadLimits, where: str) -> None:
    """
    Raise what a worker that has ended told, or what its end tells, unless all went well.

    Raises
    ------
    ModelError
        If the model was refused.
    UnsafeModelError
        If it ended the worker, or the worker said something of which nothing is known.
    """
    said = reported(folder)
    if status == 0 and said.get("is_done") is True:
        return
    name, message = said.get("error"), _printable(str(said.get("message", "")))
    if name == "MemoryError" or any(each in message for each in _OUT_OF_MEMORY):
        raise unsafe(
            where,
            f"it ran out of memory (LoadLimits.memory_bytes is {limits.memory_bytes}) {message}",
        )
    if status == 1 and isinstance(name, str):
        raise _named(name, message, where)
    raise unsafe(where, f"the worker {_ending(status)} {_complaint(folder)}")


def unsafe(where: str, what: str) -> UnsafeModelError:
    """Give the error of a model that did something to its worker."""
    return UnsafeModelError(
        f"{where} was tried out in a process of its own and refused: {what.strip()}; "
        "load it only if you trust it, or raise the limit if there is one"
    )


def _named(name: str, message: str, where: str) -> CutpointError:
    """Give the worker's own error; one that is not about the model is about what it did."""
    kind = getattr(cutpoint.exceptions, name, None)
    if name == "MissingDependencyError":
        return cutpoint.exceptions.MissingDependencyError(message)
    if isinstance(kind, type) and issubclass(kind, ModelError):
        return kind(message)
    return unsafe(where, f"the worker failed with {name}: {message}")


def _ending(status: int) -> str:
    if status >= 0:
        return f"ended with status {status} and no report"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


def _complaint(folder: Path) -> str:
    path = folder / "complaint"
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LONGEST_MESSAGE))
        said = _printable(file.read(_LONGEST_MESSAGE).decode(errors="replace")).strip()
    return f"({said})" if said else ""


def _printable(text: str) -> str:
    kept = "".join(c if c.isprintable() else " " for c in text[:_LONGEST_MESSAGE])
    return " ".join(kept.split())
