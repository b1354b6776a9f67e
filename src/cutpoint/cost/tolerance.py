"""How much the outputs may differ from the exact ones, and what counts as that."""

import importlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, fsum, inf

import numpy as np

from cutpoint.cost.output_error import disagreement, has_classes, relative_l2
from cutpoint.exceptions import ToleranceError
from cutpoint.graph import Arrays

Measure = Callable[[Arrays, Arrays], float]
"""Gives the error of one inference from its exact outputs and those that came."""

TOP1, L2 = "top1", "l2"

MEASURES: dict[str, Measure] = {TOP1: disagreement, L2: relative_l2}
"""Those that need no code of the caller's."""

LARGEST_ERROR = 1e9
"""Stands for an infinite one where that cannot be written."""

_SHARE = 0.95
"""Inferences that are to keep a bound, where none is given."""

_ROUNDING = 1e-9
_RULE_OF_THREE = 3.0
"""None in n broken shows, with 95 % confidence, that at most 3 / n break."""

_FORMS = "write top1:0.99, l2:0.01, l2:0.01:0.99, or package.module:function"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tolerance:
    """
    A measure of the error of an inference, and how much of it is allowed.

    Parameters
    ----------
    name
        Of the measure: ``top1``, ``l2``, or of the caller's function.
    measure
        Gives the error of one inference.
    most_error
        Allowed ...
    share
        ... to this share of the inferences at least; ``None`` where their mean has to keep it.

    Raises
    ------
    ToleranceError
        If a number is out of its range.
    """

    name: str
    measure: Measure
    most_error: float
    share: float | None = _SHARE

    def __post_init__(self) -> None:
        if not 0 <= self.most_error < inf:
            raise ToleranceError(
                f"tolerance {self.name}: an error of {self.most_error:g} is no bound; {_FORMS}"
            )
        if self.share is None and self.most_error >= 1:
            raise ToleranceError(f"tolerance {self.name}: a mean error of 1 allows everything")
        if self.share is not None and not 0 < self.share < 1:
            raise ToleranceError(
                f"tolerance {self.name}: {self.share:g} is no share of the inferences; take one "
                "above 0 and below 1, such as 0.95"
            )

    def __str__(self) -> str:
        if self.share is None:
            return f"{self.name}:{round(1 - self.most_error, 9):g}"
        ends = [f"{self.most_error:g}"] if self.name == L2 else []
        return ":".join([self.name, *ends, *([f"{self.share:g}"] if self.share != _SHARE else [])])

    @property
    def most_share(self) -> float:
        """What the mean of `score` may be."""
        return self.most_error if self.share is None else round(1 - self.share, 9)

    @property
    def telling_feeds(self) -> int:
        """How many feeds it takes until none that breaks it says (95 % sure) that it is kept."""
        return ceil(_RULE_OF_THREE / self.most_share) if self.most_share > 0 else 0

    def error(self, exact: Arrays, got: Arrays) -> float:
        """
        Give the error of one inference; infinite where the measure fails or gives no number.

        Parameters
        ----------
        exact, got
            Outputs by name.
        """
        try:
            return _number(self.measure(exact, got))
        except Exception as error:  # the caller's function: what it cannot judge is not kept
            _log.warning("tolerance %s fails, which counts as too much error: %s", self, error)
            return inf

    def score(self, error: float) -> float:
        """Give what one inference counts, from 0 to 1: the mean may be `most_share`."""
        if self.share is None:
            return min(error, 1.0)
        return float(error > self.most_error + _ROUNDING)

    def summary(self, errors: Sequence[float]) -> float:
        """Give one error for several inferences: their mean, or what the share of them keeps."""
        if not errors:
            return inf
        if self.share is None:
            return fsum(errors) / len(errors)
        return sorted(errors)[ceil(self.share * len(errors) - _ROUNDING) - 1]

    def is_kept(self, errors: Sequence[float]) -> bool:
        """Tell whether these inferences keep it; none do not."""
        return self.allows(self.summary(errors))

    def allows(self, summary: float) -> bool:
        """Tell whether a summary of errors keeps it."""
        return summary <= self.most_error + _ROUNDING

    def check_judges(self, outputs: Arrays) -> None:
        """
        Refuse outputs that the measure cannot judge, and a measure that finds equal ones unequal.

        Raises
        ------
        ToleranceError
            Saying which, and what to take instead.
        """
        classless = [name for name, array in outputs.items() if not has_classes(array)]
        if self.measure is disagreement and classless:
            if len(classless) == len(outputs):
                raise ToleranceError(
                    f"tolerance {self}: the outputs {classless} have no classes; take l2:0.01, or "
                    "a function of your own"
                )
            _log.warning("tolerance %s does not judge the outputs %s", self, classless)
        try:
            error = _number(self.measure(outputs, outputs))
        except Exception as failure:
            raise ToleranceError(
                f"tolerance {self} fails on outputs that are equal ({failure}): it is called with "
                "two dicts of arrays, the exact outputs and those that came, and gives a number"
            ) from failure
        if error > self.most_error:
            raise ToleranceError(
                f"tolerance {self} gives {error:g} for outputs that are equal, and allows "
                f"{self.most_error:g}: it has to give 0 for them"
            )


def tolerance_of(function: Measure, *, most_error: float = 1.0, share: float = _SHARE) -> Tolerance:
    """
    Give the tolerance of a function.

    Parameters
    ----------
    function
        Called with two dicts of arrays, the exact outputs and those that came; gives 0 where
        nothing is wrong, and above `most_error` where too much is.
    most_error
        Allowed to `share` of the inferences at least.
    """
    name = getattr(function, "__qualname__", None) or type(function).__name__
    module = getattr(function, "__module__", None)
    return Tolerance(f"{module}:{name}" if module else name, function, most_error, share)


def tolerance_named(text: str) -> Tolerance:
    """
    Read a tolerance.

    Parameters
    ----------
    text
        ``top1:0.99`` (the class with the highest score is the same in at least 99 % of the
        predictions), ``l2:0.01`` (the difference has at most 1 % of the output's norm, in 95 % of
        the inferences), ``l2:0.01:0.99`` (in 99 %), or ``package.module:function``, which is
        taken by `tolerance_of`; a share may follow it.

    Raises
    ------
    ToleranceError
        If it is none.
    """
    kind, *given = text.strip().split(":")
    if kind == TOP1 and len(given) == 1:
        agreement = _read(given[0], text)
        if not 0 < agreement <= 1:
            raise ToleranceError(f"tolerance {text!r}: an agreement is above 0 and at most 1")
        return Tolerance(TOP1, disagreement, round(1 - agreement, 9), None)
    if kind == L2 and len(given) in (1, 2):
        numbers = [_read(each, text) for each in given]
        return Tolerance(L2, relative_l2, numbers[0], *numbers[1:])
    if kind in MEASURES or len(given) not in (1, 2) or not (kind and given[0]):
        raise ToleranceError(f"{text!r} is no tolerance: {_FORMS}")
    share = _read(given[1], text) if len(given) == 2 else _SHARE
    return Tolerance(f"{kind}:{given[0]}", _imported(kind, given[0], text), 1.0, share)


def all_errors(tolerances: Iterable[Tolerance]) -> dict[str, Measure]:
    """Give every measure by name: the two that are always taken, and those of tolerances."""
    return {**MEASURES, **{each.name: each.error for each in tolerances}}


def _imported(module: str, name: str, text: str) -> Measure:
    try:
        found = getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:  # whatever foreign code raises, it is the name's
        raise ToleranceError(f"tolerance {text!r} cannot be imported: {error}; {_FORMS}") from error
    if not callable(found):
        raise ToleranceError(f"tolerance {text!r}: {name} is no function")
    measure: Measure = found
    return measure


def _read(text: str, whole: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise ToleranceError(f"tolerance {whole!r}: {text!r} is no number; {_FORMS}") from error
    if not -inf < number < inf:
        raise ToleranceError(f"tolerance {whole!r}: {text!r} is no bound; {_FORMS}")
    return number


def _number(found: object) -> float:
    """Give an error as a number; what says yes or no might mean either."""
    if isinstance(found, (bool, np.bool_)):
        raise TypeError(f"it gave {found}: give 0 where nothing is wrong, above 1 for too much")
    error = float(found)  # type: ignore[arg-type]
    return error if error >= 0 else inf
