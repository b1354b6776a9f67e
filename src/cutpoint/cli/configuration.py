"""One configuration: defaults, then a file, then the environment, then flags."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import typer

from cutpoint.cli.configuration_file import (
    ENVIRONMENT_PREFIX,
    ConfigurationFile,
    check_kind,
    check_known,
    read_configuration,
)
from cutpoint.exceptions import ConfigurationError

NOT_CONFIGURED = frozenset({"config", "check", "json", "help"})
"""Options about this one call, which no file sets."""

_KINDS: Mapping[type, tuple[Any, str]] = {
    bool: (bool, "true or false"),
    int: (int, "a whole number"),
    float: ((int, float), "a number"),
}
_TEXT = (str, "a text in quotes")
_FILE = "cutpoint.configuration"


def configure(ctx: typer.Context, path: Path | None) -> Path | None:
    """
    Let a file and the environment give what the command line does not; called before the rest.

    Click itself lets a flag win over a variable, and that over what is put here.

    Raises
    ------
    ConfigurationError
        If a key or a variable is unknown, or its value is none; names it and where it is.
    """
    if ctx.resilient_parsing:
        return path
    parameters = configured(ctx)
    _check_environment(ctx, parameters)
    if path is not None:
        file = read_configuration(path)
        ctx.meta[_FILE] = file
        ctx.default_map = _defaults(ctx, file, parameters)
    return path


def configured(ctx: typer.Context) -> dict[str, Any]:
    """Give the command's parameters by the keys they have in a file."""
    found = ((key_of(each), each) for each in ctx.command.params)
    return {key: each for key, each in found if key not in NOT_CONFIGURED}


def key_of(parameter: Any) -> str:
    """Give the name of a parameter as it is in a file: its flag without the dashes."""
    if parameter.param_type_name == "argument":
        return str(parameter.name)
    longest: str = max(parameter.opts, key=len)
    return longest.removeprefix("--")


def variable_of(parameter: Any) -> str:
    """Give the name of the variable that stands for a parameter."""
    variable = parameter.envvar
    return str(variable if isinstance(variable, str) else variable[0])


def place_of(ctx: typer.Context, key: str) -> str:
    """
    Say where a setting was made: a flag, a variable, a line of a file, or ``default``.

    Parameters
    ----------
    key
        As in a file.
    """
    parameter = configured(ctx)[key]
    source = ctx.get_parameter_source(parameter.name)
    name = "DEFAULT" if source is None else source.name
    if name == "COMMANDLINE":
        return key.upper() if parameter.param_type_name == "argument" else f"--{key}"
    if name == "ENVIRONMENT":
        return variable_of(parameter)
    if name == "DEFAULT_MAP":
        file: ConfigurationFile = ctx.meta[_FILE]
        return file.place(key)
    return "default"


def _check_environment(ctx: typer.Context, parameters: Mapping[str, Any]) -> None:
    """Refuse variables that mean nothing, and values that are none; never tells a value."""
    variables = {variable_of(each): each for each in parameters.values()}
    for name in _set_variables():
        if name == f"{ENVIRONMENT_PREFIX}CONFIG":
            continue
        check_known(name, "environment", variables)
        parameter = variables[name]
        value = parameter.value_from_envvar(ctx)
        if value is not None:
            _check_value(ctx, parameter, value, f"environment variable {name}")


def _set_variables() -> Iterator[str]:
    return (name for name in sorted(os.environ) if name.startswith(ENVIRONMENT_PREFIX))


def _defaults(
    ctx: typer.Context, file: ConfigurationFile, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    defaults = {}
    for key, value in file.values.items():
        place = file.place(key)
        check_known(key, place, parameters)
        parameter = parameters[key]
        _check_type(ctx, key, parameter, value, place)
        _check_value(ctx, parameter, value, f"{place}: {key}")
        defaults[parameter.name] = value
    return defaults


def _check_type(ctx: typer.Context, key: str, parameter: Any, value: Any, place: str) -> None:
    """Hold a value to its type: what a shell can only write as text, TOML tells apart."""
    declared, is_list = declared_type(ctx, parameter)
    kind, wanted = _KINDS.get(declared, _TEXT)
    if not is_list:
        check_kind(key, value, kind, wanted, place)
        return
    check_kind(key, value, list, "a list, such as [...]", place)
    for each in value:
        check_kind(key, each, kind, f"a list, each {wanted}", place)


def declared_type(ctx: typer.Context, parameter: Any) -> tuple[type, bool]:
    """Give the type that the command's function declares for a parameter, and whether of many."""
    hint = get_type_hints(ctx.command.callback)[parameter.name]
    inner = [each for each in get_args(hint) if each is not type(None)] or [hint]
    if get_origin(inner[0]) is list:
        return get_args(inner[0])[0], True
    return (get_args(hint)[0], True) if get_origin(hint) is list else (inner[0], False)


def _check_value(ctx: typer.Context, parameter: Any, value: Any, place: str) -> None:
    try:
        parameter.process_value(ctx, value)
    except typer.BadParameter as error:
        raise ConfigurationError(f"{place}: {error.message}") from error
