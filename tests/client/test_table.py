"""A session that is given a compiled table."""

import numpy as np
import pytest
from tests.client.conftest import running_server

from cutpoint import InferenceSession
from cutpoint.cost import Limits, cost_table_of, write_cut_table
from cutpoint.exceptions import CostError, InvalidCutError
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.planning import compiled_table
from cutpoint.profiling.quick import time_segments


def write_table(model_path, path, limits=None):
    """Compile a table of the tiny model on this host, and write it."""
    graph = load_graph(ModelFile.open(model_path))
    profile = time_segments(Segments(graph, ()))
    costs = cost_table_of(graph, profile, profile)
    table = compiled_table(graph, costs, limits=limits or Limits())
    write_cut_table(table, graph.name, path)
    return table


def test_the_tables_cuts_are_held(model_path, feed, tmp_path):
    """Segments end at the table's cuts, on both sides, and a cut of it is used at once."""
    table = write_table(model_path, tmp_path / "tiny.table.json")
    assert table.splits
    name = table.splits[-1].crossing[0]
    settings = {"table": tmp_path / "tiny.table.json", "policy": name}
    with (
        running_server(model_path, tables=(str(settings["table"]),)) as address,
        InferenceSession(model_path, server=address, **settings) as session,
    ):
        session.wait_until_ready()
        outputs = session.run(None, feed)
        assert (session.last_record.placement, session.last_record.crossing) == ("split", (name,))
        held = {cut.id for cut in session._engine.cuts}
        assert {cut.id for cut in table.splits} <= held
    np.testing.assert_allclose(InferenceSession(model_path).run(None, feed)[0], outputs[0], 1e-5)


def test_inputs_that_may_not_leave_stay(model_path, feed, tmp_path):
    """A table compiled with a depth of one keeps even policy ``server`` at home, and says why."""
    path = tmp_path / "tiny.table.json"
    write_table(model_path, path, Limits(min_depth=1))
    with (
        running_server(model_path) as address,
        InferenceSession(model_path, server=address, table=path, policy="server") as session,
    ):
        session.wait_until_ready()
        session.run(None, feed)
        record = session.last_record
        assert (record.placement, record.sent_bytes) == ("device", 0)
        assert record.fallback_reason == "the table forbids to send the inputs"


def test_a_value_that_may_not_leave_is_no_policys(model_path, tmp_path):
    """A fixed cut that the limits struck from the table is refused when the session is made."""
    path = tmp_path / "tiny.table.json"
    table = write_table(model_path, path)
    name = table.splits[-1].crossing[0]
    write_table(model_path, path, Limits(never_send=frozenset({name})))
    with pytest.raises(InvalidCutError, match=f"cuts at \\['{name}'\\], which the table"):
        InferenceSession(model_path, server="127.0.0.1:1", table=path, policy=name)


def test_a_table_of_another_model_is_refused(six_convs, model_path, tmp_path):
    """The digest in the table decides, before anything is held."""
    write_table(six_convs, tmp_path / "other.table.json")
    with pytest.raises(CostError, match="is of 'six_convs'"):
        InferenceSession(model_path, server="127.0.0.1:1", table=tmp_path / "other.table.json")
