"""Where to cut, as it is written: values, or the id of a cut that ``cutpoint inspect`` shows."""

import re
from collections.abc import Iterable, Iterator

from cutpoint.cli.chosen_model import ChosenModel
from cutpoint.cli.looked_at import look_at
from cutpoint.exceptions import InvalidCutError
from cutpoint.graph import cut_id

_ID = re.compile(r"[0-9a-f]{12}")


def values_at(chosen: ChosenModel, names: frozenset[str], texts: Iterable[str]) -> tuple[str, ...]:
    """
    Give the values that cross.

    Parameters
    ----------
    names
        Of the model's values.
    texts
        Values, several joined by commas, or ids. A name may have commas itself.

    Raises
    ------
    InvalidCutError
        If an id is of no cut. Names are not checked.
    """
    values = [value for text in texts for value in _values(chosen, names, text)]
    return tuple(dict.fromkeys(values))


def _values(chosen: ChosenModel, names: frozenset[str], text: str) -> Iterator[str]:
    if text in names:
        yield text
    elif _ID.fullmatch(text):
        yield from _of_id(chosen, names, text)
    else:
        yield from (value.strip() for value in text.split(",") if value.strip())


def _of_id(chosen: ChosenModel, names: frozenset[str], wanted: str) -> tuple[str, ...]:
    alone = next((name for name in names if cut_id((name,)) == wanted), None)
    if alone is not None:
        return (alone,)
    looked_at = look_at(chosen)
    cut = next((cut for cut in looked_at.cuts if cut.id == wanted), None)
    if cut is None:
        raise InvalidCutError(
            f"no value and no cut of {chosen.file.name!r} is {wanted!r}: `cutpoint inspect` lists "
            "them; of cuts that depend on sizes, with the same --size"
        )
    return cut.crossing
