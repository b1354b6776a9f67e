"""One configuration: defaults, then a file, then variables, then flags; for every option."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer.main

from cutpoint.cli.configuration import NOT_CONFIGURED, declared_type, key_of, variable_of
from cutpoint.cli.main import app

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"


def _command() -> Any:
    return typer.main.get_command(app).commands["serve"]


def _options() -> dict[str, Any]:
    pairs = ((key_of(each), each) for each in _command().params)
    return {key: each for key, each in pairs if key not in NOT_CONFIGURED}


class Settable:
    """
    One option and three values for it, none of them its default.

    Parameters
    ----------
    key
        Its name in a file.
    folder
        Where paths may lie.
    """

    def __init__(self, key: str, folder: Path) -> None:
        self.key = key
        self.parameter = _options()[key]
        context = typer.Context(_command())
        self.kind, self.is_list = declared_type(context, self.parameter)
        self.values = self._values(folder)

    def _values(self, folder: Path) -> list[Any]:
        if self.kind is bool:
            default = bool(self.parameter.default)
            return [not default, default, not default]
        if self.key == "metrics-port":
            return [12, 13, 14]  # of the same address as the other port
        if self.kind in (int, float):
            return [self.kind(number) for number in (2, 3, 4)]
        if self.key in ("max-message", "max-metadata", "memory"):
            return ["2MB", "3MB", "4MB"]
        if self.key == "batching":
            return ["tails", "off", "tails"]
        if self.key == "codecs":
            return ["raw", "uint8,float16", "raw"]
        if self.key == "size":
            return ["n=2", "n=3", "n=4"]
        if self.key in ("host", "metrics-host"):
            return ["localhost", "::1", "localhost"]
        paths = [folder / f"{self.key}-{number}" for number in range(3)]
        for path in paths:
            if self.key in ("repository", "cache"):
                path.mkdir()
                continue
            with path.open("wb") as opened:
                if self.key == "input":
                    np.savez(opened, x=np.zeros(1))
        return [str(path) for path in paths]

    def in_file(self, value: Any) -> str:
        """Write it as a line of a file."""
        return f"{self.key} = {json.dumps([value] if self.is_list else value)}\n"

    def as_flag(self, value: Any) -> list[str]:
        """Write it on a command line."""
        if self.parameter.param_type_name == "argument":
            return [value]
        if self.kind is bool:
            return [f"--{self.key}" if value else f"--no-{self.key}"]
        return [f"--{self.key}", str(value)]

    def shown(self, value: Any) -> Any:
        """Give it as the report has it."""
        return [value] if self.is_list else value


def _report(cutpoint: Any, *arguments: object) -> Any:
    told = cutpoint("serve", *arguments, "--check", "--json")
    assert told.code == 0, told.err
    return json.loads(told.out)


def _groups() -> list[list[str]]:
    """Give options that may be set together; inputs are of one model alone."""
    keys = sorted(_options())
    return [[key for key in keys if key != "input"], ["input", "models"]]


@pytest.mark.parametrize("keys", _groups(), ids=["all", "input"])
def test_a_flag_wins_over_a_variable_and_that_over_the_file(
    cutpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, keys: list[str]
) -> None:
    """Each source is taken where none above it speaks, and the report names it."""
    options = [Settable(key, tmp_path) for key in keys]
    config = tmp_path / "serve.toml"
    config.write_text("# settings\n" + "".join(each.in_file(each.values[0]) for each in options))
    report = _report(cutpoint, tmp_path / "there")
    for each in options:
        assert report[each.key]["from"] == ("MODELS" if each.key == "models" else "default")
    report = _report(cutpoint, "--config", config)
    for line, each in enumerate(options, start=2):
        expected = {"value": each.shown(each.values[0]), "from": f"{config}:{line}"}
        assert report[each.key] == expected
    for each in options:
        variable = variable_of(each.parameter)
        assert variable == "CUTPOINT_SERVE_" + each.key.upper().replace("-", "_")
        text = str(each.values[1])
        monkeypatch.setenv(variable, text.lower() if each.kind is bool else text)
    report = _report(cutpoint, "--config", config)
    for each in options:
        expected = {"value": each.shown(each.values[1]), "from": variable_of(each.parameter)}
        assert report[each.key] == expected
    flags = [word for each in options for word in each.as_flag(each.values[2])]
    report = _report(cutpoint, "--config", config, *flags)
    for each in options:
        place = "MODELS" if each.key == "models" else f"--{each.key}"
        assert report[each.key] == {"value": each.shown(each.values[2]), "from": place}


def test_the_file_may_be_named_by_a_variable(
    cutpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As in a container, whose command line nobody changes."""
    config = tmp_path / "serve.toml"
    config.write_text('models = ["net.onnx"]\nworkers = 3\n')
    monkeypatch.setenv("CUTPOINT_SERVE_CONFIG", str(config))
    report = _report(cutpoint)
    assert report["workers"] == {"value": 3, "from": f"{config}:2"}
    assert report["models"] == {"value": ["net.onnx"], "from": f"{config}:1"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wokers = 2", ":1: there is no setting 'wokers': did you mean 'workers'?"),
        (
            "\n\nmax_waiting = 2",
            ":3: there is no setting 'max_waiting': did you mean 'max-waiting'",
        ),
        ("[server]\nport = 1", ":1: there is no setting 'server'"),
        ("check = true", ":1: there is no setting 'check'"),
        ("config = 'x'", ":1: there is no setting 'config'"),
        ("workers = '2'", ":1: workers = '2': it takes a whole number"),
        ("workers = 2.0", ":1: workers = 2.0: it takes a whole number"),
        ("workers = true", ":1: workers = True: it takes a whole number"),
        ("workers = 0", ":1: workers: "),
        ("port = 70000", ":1: port: "),
        ("drain = '5s'", ":1: drain = '5s': it takes a number"),
        ("insecure = 1", ":1: insecure = 1: it takes true or false"),
        ("host = 1", ":1: host = 1: it takes a text in quotes"),
        ("size = 'a=1'", ":1: size = 'a=1': it takes a list"),
        ("size = ['a=1', 2]", ":1: size = 2: it takes a list, each a text"),
        (
            "codecs = 'uint8, mp3'",
            "codecs ({config}:1): no codec 'mp3'",
        ),
        ("batching = 'some'", "batching ({config}:1) is 'some': write one of segments, tails, off"),
        ("memory = 'much'", "memory ({config}:1): size 'much'"),
        ("memory = '0B'", "memory ({config}:1): '0B' is no size"),
        ("max-message = '-1MB'", "max-message ({config}:1): size"),
        ("workers = ", "is not TOML"),
        ("workers = 1\nworkers = 2", "is not TOML"),
        ("tls-cert = 'x'", "tls-cert ({config}:1) needs tls-key"),
        ("tls-client-ca = 'x'", "tls-client-ca ({config}:1) needs tls-cert"),
        ("token-file = 'none'", "token-file ({config}:1): there is no file none"),
        ("repository = 'none'", "repository ({config}:1): none is not a folder"),
        ("metrics-host = '::1'", "metrics-host ({config}:1) without metrics-port"),
        (
            "port = 9\nmetrics-port = 9",
            "port ({config}:1) and metrics-port ({config}:2) are both 9",
        ),
    ],
)
def test_a_wrong_file_is_named_with_its_line(
    cutpoint, tmp_path: Path, text: str, words: str
) -> None:
    """The key, what is wrong with it, and where it is; nothing is served."""
    config = tmp_path / "serve.toml"
    config.write_text(text)
    told = cutpoint("serve", "net.onnx", "--config", config)
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("error: ConfigurationError: ")
    assert words.format(config=config) in told.err
    if words.startswith(":"):
        assert f"{config}{words.format(config=config)}" in told.err


def test_a_file_that_cannot_be_read_is_named(cutpoint, tmp_path: Path) -> None:
    """Missing, a folder, no text, or far too long."""
    junk, long = tmp_path / "junk", tmp_path / "long"
    junk.write_bytes(b"\xff\xfe")
    long.write_text("#" * (2 << 20))
    for path in (tmp_path / "missing", tmp_path, junk, long):
        told = cutpoint("serve", "net.onnx", "--config", path)
        assert told.code == 1
        assert f"ConfigurationError: configuration {path} " in told.err


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (
            "WOKERS",
            "2",
            "there is no setting 'CUTPOINT_SERVE_WOKERS': did you mean 'CUTPOINT_SERVE",
        ),
        ("TOKEN", "hunter2", "there is no setting 'CUTPOINT_SERVE_TOKEN'"),
        ("CHECK", "1", "there is no setting 'CUTPOINT_SERVE_CHECK'"),
        ("WORKERS", "hunter2", "environment variable CUTPOINT_SERVE_WORKERS: "),
        ("WORKERS", "0", "environment variable CUTPOINT_SERVE_WORKERS: "),
        ("INSECURE", "hunter2", "environment variable CUTPOINT_SERVE_INSECURE: "),
    ],
)
def test_a_wrong_variable_is_named(
    cutpoint, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    """By its name and never by its value, which may be a secret put into the wrong place."""
    monkeypatch.setenv(f"CUTPOINT_SERVE_{name}", value)
    told = cutpoint("serve", "net.onnx")
    assert (told.code, told.out) == (1, "")
    assert words in told.err
    assert "hunter2" not in told.err


def test_impossible_combinations_name_both_places(
    cutpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Wherever each of them was said."""
    config, inputs = tmp_path / "serve.toml", tmp_path / "in.npz"
    config.write_text(f"repository = '{tmp_path}'")
    inputs.touch()
    told = cutpoint("serve", "--config", config, "--input", inputs)
    assert f"input (--input) is of one model, and repository ({config}:1)" in told.err
    monkeypatch.setenv("CUTPOINT_SERVE_METRICS_PORT", "9")
    told = cutpoint("serve", "net.onnx", "--port", 9)
    assert "port (--port) and metrics-port (CUTPOINT_SERVE_METRICS_PORT) are both 9" in told.err
    assert told.code == 1


def test_a_check_refuses_what_a_start_would(cutpoint) -> None:
    """An address that others reach takes a guard, whichever of the two doors it is of."""
    for option in ("--host", "--metrics-host"):
        told = cutpoint("serve", "net.onnx", "--check", "--metrics-port", 0, option, "192.0.2.7")
        assert told.code == 1
        assert "--tls-cert FILE" in told.err


def test_the_table_shows_every_setting(cutpoint) -> None:
    """For people: each by its name, with its value and where it was made."""
    told = cutpoint("serve", "net.onnx", "--check", "--workers", 3)
    assert told.code == 0
    rows = {line.split("│")[0].strip(): line for line in told.out.splitlines() if "│" in line}
    assert set(_options()) <= set(rows)
    assert [cell.strip() for cell in rows["workers"].split("│")[1:3]] == ["3", "--workers"]


def test_a_secret_is_never_on_a_command_line() -> None:
    """No option takes a token itself: others on the machine read command lines."""
    assert not [key for key in _options() if re.search("token$|password|secret", key)]


def test_the_reference_page_lists_every_option() -> None:
    """With its flag, its variable and its default, as the code has them."""
    rows = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0].startswith("`"):
            rows[cells[0].strip("`")] = cells
    options = _options()
    assert set(rows) == set(options)
    for key, (_, variable, default, about) in rows.items():
        parameter = options[key]
        assert variable == f"`{variable_of(parameter)}`"
        assert about
        value = json.dumps(parameter.default).strip('"')
        assert default == ("-" if value == "null" else f"`{value}`"), key
