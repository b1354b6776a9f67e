"""Options of every command that dials a server: what it is shown, and what it must show."""

from pathlib import Path
from typing import Annotated

import typer

from cutpoint.wire.credentials import TOKEN_FILE_VARIABLE, ClientSecurity

SECURITY = "Security"

TlsOption = Annotated[
    bool,
    typer.Option(
        "--tls",
        help="Speak TLS to a server that a well-known authority vouches for.",
        rich_help_panel=SECURITY,
    ),
]

TlsCaOption = Annotated[
    Path | None,
    typer.Option(
        "--tls-ca",
        metavar="FILE",
        help="Speak TLS to a server that one of these authorities vouches for (PEM).",
        rich_help_panel=SECURITY,
        show_default=False,
    ),
]

TlsCertOption = Annotated[
    Path | None,
    typer.Option(
        "--tls-cert",
        metavar="FILE",
        help="Certificate chain of this device, for servers that ask for one (PEM).",
        rich_help_panel=SECURITY,
        show_default=False,
    ),
]

TlsKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--tls-key",
        metavar="FILE",
        help="Its private key (PEM).",
        rich_help_panel=SECURITY,
        show_default=False,
    ),
]

TlsNameOption = Annotated[
    str | None,
    typer.Option(
        "--tls-name",
        metavar="NAME",
        help="Name in the server's certificate, where it is not the one dialled.",
        rich_help_panel=SECURITY,
        show_default=False,
    ),
]

TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        envvar=TOKEN_FILE_VARIABLE,
        help="Show the server the token in this file.",
        rich_help_panel=SECURITY,
        show_default=False,
    ),
]

InsecureOption = Annotated[
    bool,
    typer.Option(
        "--insecure",
        help="Show the token to another machine although nothing is encrypted.",
        rich_help_panel=SECURITY,
    ),
]


def client_security(
    tls: bool,
    ca: Path | None,
    certificate: Path | None,
    key: Path | None,
    server_name: str | None,
    token_file: Path | None,
    *,
    insecure: bool,
) -> ClientSecurity | None:
    """
    Give what the options say; ``None`` if they say nothing.

    Raises
    ------
    ConnectError
        If there is no token in its file.
    """
    if not (tls or ca or certificate or key or server_name or token_file):
        return None
    return ClientSecurity.from_files(
        ca=ca,
        certificate=certificate,
        key=key,
        token_file=token_file,
        server_name=server_name,
        tls=tls,
        insecure=insecure,
    )
