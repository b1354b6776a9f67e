"""What a cutpoint server tells about a model: its digest, its tails and their times.

Rides as JSON in a parameter of ModelConfig, so that a device needs no file from
the server to plan.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from cutpoint.exceptions import ProfileError, RemoteProtocolError
from cutpoint.records import Profile, Sample
from cutpoint.wire.protocol import CONFIG_PARAMETER, PROTOCOL_VERSION


@dataclass(frozen=True)
class Holdings:
    """
    What a server holds of one model.

    Parameters
    ----------
    protocol_version
        Of the frames it speaks.
    sha256
        Hex digest of its model file.
    profile
        Measured on the idle server: ``whole``, and ``tail`` per cut id.
    tails
        Crossing values by cut id, of the tails that are warm.
    codecs
        Names of those it decodes; a server that is older than them tells none.
    decoding
        What that takes on the idle server. Not in the profile: an older device reads that, and
        knows no such samples.
    """

    protocol_version: int
    sha256: str
    profile: Profile
    tails: dict[str, tuple[str, ...]]
    codecs: tuple[str, ...] = ()
    decoding: tuple[Sample, ...] = ()


def write_holdings(config: Any, holdings: Holdings) -> None:
    """Put holdings into a ModelConfig."""
    text = msgspec.json.encode(holdings).decode()
    config.parameters[CONFIG_PARAMETER].string_value = text


def read_holdings(config: Any, address: str) -> Holdings | None:
    """
    Read the holdings of a ModelConfig; ``None`` if the server is not a cutpoint server.

    Raises
    ------
    RemoteProtocolError
        If they cannot be read or are of another protocol version.
    """
    if CONFIG_PARAMETER not in config.parameters:
        return None
    text = config.parameters[CONFIG_PARAMETER].string_value
    try:
        # First the version alone: another one may have another layout.
        _check_version(msgspec.json.decode(text, type=_Header).protocol_version, address)
        return msgspec.json.decode(text, type=Holdings)
    except (msgspec.MsgspecError, ProfileError, RecursionError) as error:
        raise RemoteProtocolError(
            f"server {address} describes itself unreadably: {error}"
        ) from error


class _Header(msgspec.Struct):
    """The part of the holdings that every version has."""

    protocol_version: int


def _check_version(version: int, address: str) -> None:
    if version != PROTOCOL_VERSION:
        raise RemoteProtocolError(
            f"server {address} speaks version {version} of the frames, this device "
            f"{PROTOCOL_VERSION}: install the same cutpoint on both"
        )
