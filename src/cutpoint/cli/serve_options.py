"""Options of ``cutpoint serve``; each can be set in a file and by a variable as well."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cutpoint.cli.configuration import configure
from cutpoint.cli.configuration_file import ENVIRONMENT_PREFIX

SOURCES, DOOR, WORK, SECURITY, LIMITS = "Models", "Address", "Work", "Security", "Limits"
"""Panels of the help, and sections of the reference page."""


def _option(flag: str, about: str, panel: str, **settings: Any) -> Any:
    """Give an option whose variable is called as its flag is."""
    name = flag.partition("/")[0].removeprefix("--")
    variable = ENVIRONMENT_PREFIX + name.replace("-", "_").upper()
    return typer.Option(
        flag, help=about, rich_help_panel=panel, envvar=variable, show_envvar=False, **settings
    )


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE.toml",
        help="Settings by option name, such as max-waiting = 4; variables and flags win over them.",
        envvar=f"{ENVIRONMENT_PREFIX}CONFIG",
        show_envvar=False,
        is_eager=True,
        callback=configure,
    ),
]
CheckOption = Annotated[
    bool,
    typer.Option("--check", help="Print every setting and where it was made, and exit."),
]

ModelsArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        help="ONNX files; each is served by its name.",
        envvar=f"{ENVIRONMENT_PREFIX}MODELS",
        show_envvar=False,
        show_default=False,
    ),
]
RepositoryOption = Annotated[
    Path | None,
    _option(
        "--repository",
        "Folder of models, MODEL/VERSION/model.onnx; of each the highest version is served.",
        SOURCES,
        metavar="DIR",
    ),
]
PollOption = Annotated[
    float | None,
    _option(
        "--poll",
        "Look for new, changed and vanished models so often (default: on SIGHUP only).",
        SOURCES,
        metavar="SECONDS",
        min=0.05,
    ),
]
TableOption = Annotated[
    list[Path] | None,
    _option(
        "--table",
        "Hold a model at the cuts of this table (see `cutpoint plan --table`); may be repeated.",
        SOURCES,
        show_default=False,
    ),
]
SizeOption = Annotated[
    list[str] | None,
    _option(
        "--size",
        "Size of an open dimension of the inputs, such as batch=1, to warm and time with; may be "
        "repeated.",
        SOURCES,
        metavar="NAME=N",
        show_default=False,
    ),
]
InputOption = Annotated[
    Path | None,
    _option(
        "--input",
        "An array per input: binds open dimensions, and is run instead of made-up numbers.",
        SOURCES,
        metavar="FILE.npz",
    ),
]
CustomOpsOption = Annotated[
    list[Path] | None,
    _option(
        "--custom-ops",
        "Library of custom operators to register with ONNX Runtime; may be repeated.",
        SOURCES,
        metavar="LIBRARY",
        show_default=False,
    ),
]
UntrustedOption = Annotated[
    bool,
    _option(
        "--untrusted/--no-untrusted",
        "First take each file through a run in a process of its own, under limits; nothing is "
        "loaded here before.",
        SOURCES,
    ),
]
CacheOption = Annotated[
    Path | None,
    _option(
        "--cache",
        "Folder that keeps the times of models between starts (default: they are taken anew).",
        SOURCES,
        metavar="DIR",
    ),
]

HostOption = Annotated[
    str,
    _option(
        "--host",
        "Address to listen on; one that is not loopback needs TLS and who may come in.",
        DOOR,
    ),
]
PortOption = Annotated[
    int, _option("--port", "Port; 0 takes any free one.", DOOR, min=0, max=65535)
]
MetricsPortOption = Annotated[
    int | None,
    _option(
        "--metrics-port",
        "Port of Prometheus's page (8002 by custom); 0 takes any free one (default: no page).",
        DOOR,
        min=0,
        max=65535,
    ),
]
MetricsHostOption = Annotated[
    str, _option("--metrics-host", "Address of Prometheus's page; guarded as --host is.", DOOR)
]
DrainOption = Annotated[
    float,
    _option(
        "--drain",
        "How long requests under way may take after SIGTERM.",
        DOOR,
        metavar="SECONDS",
        min=0.0,
    ),
]

WorkersOption = Annotated[int, _option("--workers", "Requests computed at once.", WORK, min=1)]
MaxWaitingOption = Annotated[
    int | None,
    _option(
        "--max-waiting",
        "Requests that may wait (default: 2 per worker, times what batching saves).",
        WORK,
        min=0,
    ),
]
ThreadsOption = Annotated[
    int | None, _option("--threads", "Threads inside one operator (default: all).", WORK, min=1)
]
MaxBatchOption = Annotated[
    int, _option("--max-batch", "Requests that may run as one; 1 batches none.", WORK, min=1)
]
BatchingOption = Annotated[
    str,
    _option(
        "--batching",
        "Who may share a batch: all that wait for the same segment, whichever cut they entered "
        "at (segments), requests of one tail (tails), nobody (off).",
        WORK,
        metavar="segments|tails|off",
    ),
]
CodecsOption = Annotated[
    str | None,
    _option(
        "--codecs",
        "In which devices may send values, parted by commas; raw alone takes none encoded "
        "(default: all that are installed).",
        WORK,
        metavar="NAME,...",
    ),
]
MemoryOption = Annotated[
    str | None,
    _option(
        "--memory",
        "What weights may take, such as 2GB: what was not used for longest makes room "
        "(default: no limit).",
        WORK,
        metavar="SIZE",
    ),
]

TlsCertOption = Annotated[
    Path | None, _option("--tls-cert", "The server's certificate chain (PEM).", SECURITY)
]
TlsKeyOption = Annotated[Path | None, _option("--tls-key", "Its private key (PEM).", SECURITY)]
TlsClientCaOption = Annotated[
    Path | None,
    _option(
        "--tls-client-ca", "Clients must show a certificate of these authorities (PEM).", SECURITY
    ),
]
TokenFileOption = Annotated[
    Path | None,
    _option("--token-file", "Clients must show one of these tokens, one per line.", SECURITY),
]
InsecureOption = Annotated[
    bool,
    _option(
        "--insecure/--no-insecure",
        "Serve an address that is not loopback although anybody may come in, unencrypted.",
        SECURITY,
    ),
]

MaxMessageOption = Annotated[
    str, _option("--max-message", "Largest message of the protocol.", LIMITS, metavar="SIZE")
]
MaxMetadataOption = Annotated[
    str, _option("--max-metadata", "Headers of a call.", LIMITS, metavar="SIZE")
]
MaxConnectionsOption = Annotated[
    int,
    _option("--max-connections", "Connections at a time; more are closed at once.", LIMITS, min=1),
]
MaxStreamsOption = Annotated[
    int, _option("--max-streams", "Calls at a time on one connection.", LIMITS, min=1)
]
IdleOption = Annotated[
    float,
    _option(
        "--idle-timeout",
        "After which a connection without a call is closed.",
        LIMITS,
        metavar="SECONDS",
        min=0.1,
    ),
]
StalledOption = Annotated[
    float,
    _option(
        "--stall-timeout",
        "After which a request that makes no progress is ended.",
        LIMITS,
        metavar="SECONDS",
        min=0.1,
    ),
]

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object per event.", show_default=False)
]
