"""A server that is given compiled tables: which model is cut by which, and what is refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cutpoint.cost import table_of_nodes, write_cut_table
from cutpoint.exceptions import CostError
from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import SERVER_ONLY, Cut, Graph
from cutpoint.lab.fork_server import ForkServer
from cutpoint.planning import compiled_table
from cutpoint.server.catalog import Catalog
from cutpoint.server.served_model import ServedModel
from cutpoint.wire.channel import open_channel
from cutpoint.wire.holdings import read_holdings
from cutpoint.wire.protocol import messages, services


def write_table(graph: Graph, path: Path) -> tuple[Cut, ...]:
    """Write a table with times in proportion to operations; give its cuts."""
    flops = np.array([node.flops for node in graph.nodes])
    table = compiled_table(graph, table_of_nodes(graph, [flops / 1e8, flops / 1e10]))
    write_cut_table(table, graph.name, path)
    return table.splits


@pytest.fixture(scope="module")
def own(graph: Graph, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Cut, ...]]:
    """Give a table of the tiny model, and its cuts."""
    path = tmp_path_factory.mktemp("tables") / "own.json"
    return path, write_table(graph, path)


@pytest.fixture(scope="module")
def foreign(counting: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a table of another model."""
    path = tmp_path_factory.mktemp("tables") / "foreign.json"
    write_table(load_graph(ModelFile.open(counting)), path)
    return path


def test_a_model_is_held_at_the_cuts_of_its_table(
    six_convs: Path, own: tuple[Path, tuple[Cut, ...]], foreign: Path
) -> None:
    """Of several tables a model takes its own, and holds those cuts and no others."""
    path, cuts = own
    model = ServedModel.load(str(six_convs), [str(foreign), str(path)])
    assert [cut.id for cut in model.cuts] == [SERVER_ONLY, *(cut.id for cut in cuts)]
    assert len(cuts) >= 2
    Catalog([model]).check_tables([str(path)])


def test_a_table_of_no_model_here_is_refused(
    model: ServedModel, own: tuple[Path, tuple[Cut, ...]], foreign: Path
) -> None:
    """The error names the table and the models that are served."""
    catalog = Catalog([model])
    with pytest.raises(CostError, match=r"foreign\.json is of none .*\(six_convs\)"):
        catalog.check_tables([str(own[0]), str(foreign)])
    catalog.close()


@pytest.mark.parametrize("content", ["", "{]", "[]", '{"format_version": 1}'])
def test_a_damaged_table_is_refused(six_convs: Path, tmp_path: Path, content: str) -> None:
    """No model is served by guess: the error names the file and how to make it anew."""
    path = tmp_path / "damaged.json"
    path.write_text(content)
    with pytest.raises(CostError, match=r"damaged\.json is damaged.*compile it again"):
        ServedModel.load(str(six_convs), [str(path)])


def test_a_process_tells_the_cuts_of_its_table(
    six_convs: Path, own: tuple[Path, tuple[Cut, ...]], fork_server: ForkServer
) -> None:
    """A device learns over the wire that the table's tails are there."""
    path, cuts = own
    with (
        fork_server.server([str(six_convs)], ["--table", str(path)]) as process,
        open_channel(process.address) as channel,
    ):
        stub = services.GRPCInferenceServiceStub(channel)
        told = stub.ModelConfig(messages.ModelConfigRequest(name="six_convs"), timeout=10)
        held = read_holdings(told.config, process.address)
    assert held is not None
    assert {cut.id: cut.crossing for cut in cuts}.items() <= held.tails.items()
    assert len(held.tails) == len(cuts) + 1


def test_a_process_with_a_foreign_table_ends(six_convs: Path, foreign: Path) -> None:
    """``cutpoint serve`` never says that it is ready, and ends with the reason in one line."""
    command = [sys.executable, "-m", "cutpoint.cli.main", "serve", str(six_convs), "--port", "0"]
    ended = subprocess.run(
        [*command, "--table", str(foreign)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert "ready" not in ended.stdout
    assert "CostError" in ended.stderr
    assert "is of none of the models served (six_convs)" in " ".join(ended.stderr.split())
    assert "Traceback" not in ended.stderr
