"""What a command line says of codecs, and what a plan then knows of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import typer

from cutpoint.cli.codec_options import codec_names, tolerance_text
from cutpoint.client.codec_choice import codecs_named
from cutpoint.cost import Coding
from cutpoint.cost.tolerance import Tolerance, tolerance_named
from cutpoint.wire.codecs import Codec


@dataclass(frozen=True)
class CodecsAsked:
    """
    What a command line says of codecs; nothing by default, and values travel raw.

    Parameters
    ----------
    codecs
        Named ones.
    calibration
        What codecs were seen to do to this model.
    tolerance
        What is allowed of that.
    """

    codecs: tuple[Codec, ...] | None = None
    calibration: Path | None = None
    tolerance: Tolerance | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether codecs are not asked about."""
        return self.codecs is None and self.calibration is None


NOTHING_ASKED = CodecsAsked()
"""Nothing is said of codecs: values travel raw."""


@dataclass(frozen=True)
class PlanCodecs:
    """
    Codecs to choose among.

    Parameters
    ----------
    codings
        What each makes of the values.
    is_struck
        Tells of a cut's id and a codec whether no plan may have them.
    errors
        By cut and codec: what it does to the outputs; lacking where nobody saw.
    measure
        Of the errors.
    notes
        What is to be known of these numbers.
    """

    codings: tuple[Coding, ...] = ()
    is_struck: Callable[[str, str], bool] | None = None
    errors: Mapping[tuple[str, str], float] = field(default_factory=dict)
    measure: str = ""
    notes: tuple[str, ...] = ()

    def error(self, cut: str | None, codec: str) -> float | None:
        """Give what a codec does to the outputs at a cut, if that was seen."""
        return None if cut is None else self.errors.get((cut, codec))


NO_CODECS = PlanCodecs()
"""Values travel raw."""


def codecs_asked(
    names: list[str] | None, calibration: Path | None, tolerance: str | None
) -> CodecsAsked:
    """
    Understand what a command line says of codecs.

    Raises
    ------
    typer.BadParameter
        If there is nothing to judge by a tolerance.
    CodecError, ToleranceError
        If a codec or the tolerance is none.
    """
    if tolerance is not None and calibration is None:
        raise typer.BadParameter(
            "--tolerance judges what codecs were seen to do: give --calibration FILE, as "
            "`cutpoint calibrate MODEL --data DIR -o FILE` writes it"
        )
    return CodecsAsked(
        None if names is None else codecs_named(codec_names(names) or ""),
        calibration,
        None if tolerance is None else tolerance_named(tolerance_text(tolerance) or ""),
    )
