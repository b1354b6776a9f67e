"""A bench on paper: what was measured, what it says, and a picture of it."""

from collections.abc import Callable
from pathlib import Path

import msgspec


def write_report(
    folder: Path, name: str, measured: object, text: str, plot: Callable[[Path], None]
) -> None:
    """
    Write ``NAME.json``, ``NAME.md`` and ``NAME.png`` into a folder.

    Parameters
    ----------
    folder
        Made if it is not there.
    measured
        Everything that was measured, as msgspec writes it.
    text
        Markdown that shows the picture.
    plot
        Draws the picture into the file it is given.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = msgspec.json.format(msgspec.json.encode(measured), indent=2)
    (folder / f"{name}.json").write_bytes(content + b"\n")
    (folder / f"{name}.md").write_text(text)
    plot(folder / f"{name}.png")
