"""Sizes of open dimensions as they are written: ``batch=1``."""

from collections.abc import Iterable

from cutpoint.exceptions import UnitError


def parse_sizes(texts: Iterable[str]) -> dict[str, int]:
    """
    Read ``NAME=N``, one or several.

    Raises
    ------
    UnitError
        If one is not written like that, or gives a dimension a second size.
    """
    sizes: dict[str, int] = {}
    for text in texts:
        name, equals, number = text.rpartition("=")
        name, number = name.strip(), number.strip()
        if not (equals and name):
            raise UnitError(f"size {text!r} has no name: write NAME=N, for example batch=1")
        if not (number.isascii() and number.isdigit()):
            raise UnitError(
                f"size {text!r}: {number!r} is not a whole number: write {name}=N, one size a call"
            )
        if sizes.setdefault(name, int(number)) != int(number):
            raise UnitError(f"dimension {name!r} is given as {sizes[name]} and as {number}")
    return sizes
