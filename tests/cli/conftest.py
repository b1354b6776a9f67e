"""The program called as a user calls it, inside the test."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cutpoint import InferenceSession
from cutpoint.cli.main import main
from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import cut_at, segments_of
from cutpoint.lab.fork_server import ForkServer
from cutpoint.lab.forked_server import ForkedServer
from cutpoint.profiling import save_profile
from cutpoint.records import FORMAT_VERSION, Environment, Profile, Sample


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and what it said."""

    code: int
    out: str
    err: str


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no server that is known not to be there: a user's might be starting, no test's."""
    wait = InferenceSession.wait_until_ready

    def until_known(session: InferenceSession, timeout_s: float) -> None:
        engine, until_s = session._engine, time.perf_counter() + timeout_s
        is_known = engine is None
        while not is_known and time.perf_counter() < until_s:
            time.sleep(0.005)
            problem = str(engine.server.problem)
            is_lasting = any(words in problem for words in ("cannot be reached", "not speak TLS"))
            is_known = is_lasting or engine.server.is_connected
        is_there = engine is None or engine.server.is_connected
        wait(session, max(until_s - time.perf_counter(), 0.0) if is_there else 0.0)

    monkeypatch.setattr(InferenceSession, "wait_until_ready", until_known)


@pytest.fixture
def cutpoint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], impatient: None
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
def served(six_convs: Path, fork_server: ForkServer) -> Iterator[ForkedServer]:
    """Give a running server process that holds the tiny model."""
    with fork_server.server([str(six_convs)]) as process:
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
