"""A server's models with kept times: warm sooner, and otherwise the same."""

from pathlib import Path
from typing import Any

import pytest
from tests.server.in_process import Loop

from cutpoint.execution.file_cache import FileCache
from cutpoint.graph import SERVER_ONLY
from cutpoint.profiling import kept_times
from cutpoint.server.edge_server import EdgeServer, ServerSettings
from cutpoint.server.served_model import ServedModel


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Believe what is kept however busy this machine is."""
    monkeypatch.setattr(kept_times, "_ALIKE", 1e9)
    monkeypatch.setattr(kept_times, "_STEADY", 1e9)


def test_a_restart_takes_no_times(
    six_convs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second model's idle times are the first's, batches included."""
    first = ServedModel.load(str(six_convs), num_threads=1, cache=FileCache(tmp_path))

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("timed again")

    monkeypatch.setattr(kept_times, "time_segments", never)
    second = ServedModel.load(str(six_convs), num_threads=1, cache=FileCache(tmp_path))
    assert second.profile() == first.profile()
    assert [second.idle_s(cut) for cut in second.cuts] == [first.idle_s(cut) for cut in first.cuts]
    with pytest.raises(AssertionError, match="timed again"):
        ServedModel.load(str(six_convs), num_threads=2, cache=FileCache(tmp_path))


def test_the_settings_folder_is_used(six_convs: Path, tmp_path: Path) -> None:
    """A server that is told a folder keeps there what it measured, and answers."""
    loop = Loop()
    try:

        async def begun() -> EdgeServer:
            server = EdgeServer(ServerSettings(port=0, num_threads=1, cache=str(tmp_path)))
            await server.start()
            await server.load([str(six_convs)])
            return server

        server = loop.do(begun())
        try:
            assert server.catalog.resolve("six_convs").cut.id == SERVER_ONLY
            # Of segments, and of codecs on what crosses them.
            assert len(list((tmp_path / "cutpoint").glob("*.entry"))) == 2
        finally:
            loop.do(server.stop())
    finally:
        loop.close()
