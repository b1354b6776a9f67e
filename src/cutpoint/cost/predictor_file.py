"""A predictor as JSON, so that what one host measured serves models it never saw."""

import msgspec

from cutpoint.cost.features import FEATURES
from cutpoint.cost.predictors import Predictor
from cutpoint.exceptions import CostError
from cutpoint.records import Environment

PREDICTOR_FORMAT_VERSION = 1
"""Raised when a file of an older version can no longer be read."""


class _Header(msgspec.Struct):
    """What every version of the file has."""

    format_version: int


class _File(msgspec.Struct, forbid_unknown_fields=True):
    format_version: int
    num_profiles: int
    environment: Environment
    features: list[str]
    of_all: list[float]
    by_kind: dict[str, list[float]]


def predictor_to_json(predictor: Predictor) -> bytes:
    """Write a predictor as JSON: coefficients in seconds per unit of each feature."""
    document = _File(
        format_version=PREDICTOR_FORMAT_VERSION,
        num_profiles=predictor.num_profiles,
        environment=predictor.environment,
        features=list(FEATURES),
        of_all=list(predictor.of_all),
        by_kind={kind: list(each) for kind, each in predictor.by_kind.items()},
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def predictor_from_json(content: bytes | str, source: str = "the predictor") -> Predictor:
    """
    Read a predictor.

    Parameters
    ----------
    content
        JSON, in UTF-8.
    source
        Whence, for messages.

    Raises
    ------
    CostError
        If it is cut short, of another version or of other features, or a coefficient
        is missing or negative.
    """
    try:
        _check_version(msgspec.json.decode(content, type=_Header).format_version)
        return _predictor(msgspec.json.decode(content, type=_File))
    except CostError as error:
        raise CostError(f"{source}: {error}") from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise CostError(
            f"{source} is damaged or is no predictor ({error}): fit it again"
        ) from error


def _check_version(version: int) -> None:
    if version != PREDICTOR_FORMAT_VERSION:
        raise CostError(
            f"layout {version}, and this cutpoint reads {PREDICTOR_FORMAT_VERSION}: fit it again"
        )


def _predictor(document: _File) -> Predictor:
    if tuple(document.features) != FEATURES:
        raise CostError(
            f"fitted on the features {', '.join(document.features)}, and this cutpoint has "
            f"{', '.join(FEATURES)}: fit it again"
        )
    if document.num_profiles < 1:
        raise CostError(f"fitted on {document.num_profiles} profiles: fit it on one at least")
    return Predictor(
        by_kind={kind: tuple(each) for kind, each in document.by_kind.items()},
        of_all=tuple(document.of_all),
        num_profiles=document.num_profiles,
        environment=document.environment,
    )
