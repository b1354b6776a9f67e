"""From the options of ``cutpoint serve`` to the settings of a server."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

from cutpoint.exceptions import ConfigurationError, UnitError
from cutpoint.server.door import ServerLimits, ServerSecurity
from cutpoint.server.known_codecs import KnownCodecs
from cutpoint.server.settings import Batching
from cutpoint.units import parse_size

Place = Callable[[str], str]
"""Where a setting was made."""


def security_of(
    cert: Path | None, key: Path | None, client_ca: Path | None, token: Path | None, place: Place
) -> ServerSecurity | None:
    """
    Give what guards the door; ``None`` for nothing.

    Raises
    ------
    ConfigurationError
        If a certificate is without a key, or anything is asked for that needs one.
    """
    for given, name, needed, other in (
        (cert, "tls-cert", key, "tls-key"),
        (key, "tls-key", cert, "tls-cert"),
        (client_ca, "tls-client-ca", cert, "tls-cert"),
    ):
        if given is not None and needed is None:
            raise ConfigurationError(f"{name} ({place(name)}) needs {other}: give both, or neither")
    files = {"tls-cert": cert, "tls-key": key, "tls-client-ca": client_ca, "token-file": token}
    if not any(files.values()):
        return None
    for name, path in files.items():
        _check_is_file(name, path, place)
    return ServerSecurity(_text(cert), _text(key), _text(client_ca), _text(token))


def limits_of(
    message: str,
    metadata: str,
    connections: int,
    streams: int,
    idle_s: float,
    stalled_s: float,
    place: Place,
) -> ServerLimits:
    """
    Give how much clients may ask of the server.

    Raises
    ------
    ConfigurationError
        If a size is none.
    """
    return ServerLimits(
        max_message_bytes=size_of("max-message", message, place),
        max_metadata_bytes=size_of("max-metadata", metadata, place),
        max_connections=connections,
        max_streams=streams,
        idle_s=idle_s,
        stalled_s=stalled_s,
    )


def size_of(name: str, text: str, place: Place) -> int:
    """
    Give a number of bytes.

    Raises
    ------
    ConfigurationError
        If the text is no size, or nothing; names the option and where it was set.
    """
    try:
        size_bytes = int(parse_size(text))
    except UnitError as error:
        raise ConfigurationError(f"{name} ({place(name)}): {error}") from error
    if not 0 < size_bytes < 1 << 62:
        raise ConfigurationError(f"{name} ({place(name)}): {text!r} is no size of anything")
    return size_bytes


def batching_of(text: str, place: Place) -> Batching:
    """
    Give whose requests may share a batch.

    Raises
    ------
    ConfigurationError
        If it is none of the three.
    """
    known: tuple[Batching, ...] = get_args(Batching)
    for each in known:
        if text == each:
            return each
    raise ConfigurationError(
        f"batching ({place('batching')}) is {text!r}: write one of {', '.join(known)}"
    )


def codecs_of(text: str, place: Place) -> tuple[str, ...]:
    """
    Give the names of the codecs in which devices may send values.

    Raises
    ------
    ConfigurationError
        If one is unknown, or not installed.
    """
    names = tuple(name.strip() for name in text.split(","))
    try:
        KnownCodecs(names)
    except ConfigurationError as error:
        raise ConfigurationError(f"codecs ({place('codecs')}): {error}") from error
    return names


def check_ports(
    host: str, port: int, metrics_host: str, metrics_port: int | None, place: Place
) -> None:
    """
    Refuse one port for two doors, and an address of a page that is not shown.

    Raises
    ------
    ConfigurationError
        Naming both settings and where they were made.
    """
    if metrics_port is None and place("metrics-host") != "default":
        raise ConfigurationError(
            f"metrics-host ({place('metrics-host')}) without metrics-port shows nothing: give a "
            "port, 0 for any free one"
        )
    if port and port == metrics_port and host == metrics_host:
        raise ConfigurationError(
            f"port ({place('port')}) and metrics-port ({place('metrics-port')}) are both {port} of "
            f"{host}: give two"
        )


def check_input(
    models: tuple[Path, ...], repository: Path | None, inputs: Path | None, place: Place
) -> None:
    """
    Refuse inputs of one model where several may be served.

    Raises
    ------
    ConfigurationError
        Saying where both were asked for.
    """
    if inputs is None:
        return
    if repository is not None:
        raise ConfigurationError(
            f"input ({place('input')}) is of one model, and repository ({place('repository')}) "
            "may hold several: serve that model by its file"
        )
    if len(models) > 1:
        raise ConfigurationError(
            f"input ({place('input')}) is of one model, and {len(models)} are named "
            f"({place('models')}): serve the others by another command"
        )


def checked_folder(name: str, path: Path | None, place: Place) -> str | None:
    """
    Give the path of a folder that is there.

    Raises
    ------
    ConfigurationError
        If it is not.
    """
    if path is None:
        return None
    if not path.is_dir():
        raise ConfigurationError(f"{name} ({place(name)}): {path} is not a folder")
    return str(path)


def _check_is_file(name: str, path: Path | None, place: Place) -> None:
    if path is not None and not path.is_file():
        raise ConfigurationError(f"{name} ({place(name)}): there is no file {path}")


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
