"""The program called as a user calls it, inside the test."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cutpoint.cli.main import main
from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import cut_at, segments_of
from cutpoint.lab.server_process import ServerProcess
from cutpoint.profiling import save_profile
from cutpoint.records import FORMAT_VERSION, Environment, Profile, Sample


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and what it said."""

    code: int
    out: str
    err: str


@pytest.fixture
def cutpoint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Give what runs a command line to its end."""
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("FORCE_COLOR", "GITHUB_ACTIONS", "PY_COLORS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["cutpoint", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture(scope="session")
def served(six_convs: Path) -> Iterator[ServerProcess]:
    """Give a running server process that holds the tiny model."""
    with ServerProcess([str(six_convs)]) as process:
        yield process


@pytest.fixture(scope="session")
def slow_device(six_convs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the profile of a device that takes 0.1 s up to ``pool1``, and 1 s behind it."""
    graph = load_graph(ModelFile.open(six_convs))
    head, tail = segments_of(graph, [cut_at(graph, ["pool1"])])
    profile = Profile(
        format_version=FORMAT_VERSION,
        model_sha256=graph.sha256,
        model_name=graph.name,
        host="pi",
        environment=Environment("1.20", ("CPUExecutionProvider",), 1, "slow", 4, None, True),
        cuts=(("pool1",),),
        samples=(
            Sample("whole", "", 1.1),
            Sample("segment", head.id, 0.1),
            Sample("segment", tail.id, 1.0),
            Sample("node", graph.nodes[0].name, 0.1),
            Sample("node", graph.nodes[-1].name, 1.0),
        ),
        contention=1.0,
    )
    path = tmp_path_factory.mktemp("profiles") / "slow.json"
    save_profile(profile, path)
    return path
