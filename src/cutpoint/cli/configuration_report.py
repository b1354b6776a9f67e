"""What ``cutpoint serve --check`` prints: every setting, and where it was made."""

from pathlib import Path
from typing import Any

import msgspec
import typer

from cutpoint.cli.configuration import configured, place_of
from cutpoint.cli.output import out, print_json, table


class Setting(msgspec.Struct, frozen=True):
    """
    One setting as it holds.

    Parameters
    ----------
    name
        As in a file.
    value
        A number, a text, a list, or ``None`` for nothing.
    source
        A flag, a variable, a line of a file, or ``default``. Secrets are files: only their
        paths are here.
    """

    name: str
    value: Any
    source: str


def effective(ctx: typer.Context) -> tuple[Setting, ...]:
    """Give every setting of a command, as it was called."""
    return tuple(
        Setting(key, _plain(ctx.params.get(parameter.name)), place_of(ctx, key))
        for key, parameter in configured(ctx).items()
    )


def print_configuration(ctx: typer.Context, *, as_json: bool) -> None:
    """Print every setting, as a table or as JSON."""
    settings = effective(ctx)
    if as_json:
        print_json({each.name: {"value": each.value, "from": each.source} for each in settings})
        return
    rows = [(each.name, _words(each.value), each.source) for each in settings]
    out.print(table("configuration", ("setting", "value", "from"), rows, left=3))


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def _words(value: Any) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
