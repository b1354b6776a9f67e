"""Asking a server for tails: each cut by itself, and again where nobody answered."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from cutpoint.client.connector import Connector
from cutpoint.estimation import LinkEstimator
from cutpoint.exceptions import LocalProtocolError
from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import Cut, Graph, candidate_cuts
from cutpoint.server.served_model import ServedModel
from cutpoint.wire.holdings import write_holdings
from cutpoint.wire.protocol import messages, model_config, services

Code = grpc.StatusCode


class TailServer(services.GRPCInferenceServiceServicer):
    """
    A server that answers each question about a tail as it is told.

    Parameters
    ----------
    model
        Whose holdings it tells.
    """

    def __init__(self, model: ServedModel) -> None:
        self._model = model
        self.ready: dict[str, bool | grpc.StatusCode] = {}
        self.load: dict[str, grpc.StatusCode] = {}
        self.asked: list[str] = []
        self.loads: list[str] = []

    def ModelReady(self, request, context):  # noqa: N802
        """Tell, or fail."""
        cut_id = request.name.rpartition(".")[2]
        self.asked.append(cut_id)
        answer = self.ready.get(cut_id, False)
        if not isinstance(answer, bool):
            context.abort(answer, f"no answer about {cut_id}")
        return messages.ModelReadyResponse(ready=answer)

    def RepositoryModelLoad(self, request, context):  # noqa: N802
        """Take it up, or fail."""
        cut_id = request.model_name.rpartition(".")[2]
        self.loads.append(cut_id)
        if cut_id in self.load:
            context.abort(self.load[cut_id], f"nothing for {cut_id}")
        return messages.RepositoryModelLoadResponse()

    def ModelConfig(self, request, context):  # noqa: N802
        """Tell what is held."""
        config = model_config.ModelConfig(name=request.name)
        write_holdings(config, self._model.holdings())
        return messages.ModelConfigResponse(config=config)


@pytest.fixture
def graph(model_path) -> Graph:
    """Load the tiny model."""
    return load_graph(ModelFile.open(model_path))


@pytest.fixture
def cuts(graph: Graph) -> tuple[Cut, ...]:
    """Give three cuts that the device wants."""
    cuts = candidate_cuts(graph)[:3]
    assert len(cuts) == 3
    return cuts


@pytest.fixture
def tails(model_path) -> TailServer:
    """Give the server's answers."""
    return TailServer(ServedModel.load(str(model_path)))


@pytest.fixture
def connector(tails: TailServer, graph: Graph, cuts: tuple[Cut, ...]) -> Iterator[Connector]:
    """Give a connector to that server, for which a second passes with each look at the clock."""
    server = grpc.server(ThreadPoolExecutor(4))
    services.add_GRPCInferenceServiceServicer_to_server(tails, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    seconds = iter(range(1_000_000))
    connector = Connector(
        f"127.0.0.1:{port}",
        graph,
        cuts,
        LinkEstimator(),
        lambda: float(next(seconds)),
        lambda error, at_s: None,
        lambda: ({}, {}),
    )
    yield connector
    connector.close()
    server.stop(None).wait()


@pytest.fixture
def renew(connector: Connector) -> Callable[[], Any]:
    """Give what asks once for all the cuts, none of which is there yet."""
    transport: Any = SimpleNamespace(tails=frozenset())
    return lambda: connector.renewed(transport)


@pytest.mark.parametrize(
    "code", [Code.UNKNOWN, Code.INTERNAL, Code.DEADLINE_EXCEEDED, Code.UNAVAILABLE, Code.NOT_FOUND]
)
@pytest.mark.parametrize("troubled", [0, 1, 2])
def test_a_tail_in_trouble_hides_no_other(
    tails: TailServer, cuts: tuple[Cut, ...], renew, caplog, code: grpc.StatusCode, troubled: int
) -> None:
    """Whichever question fails and however, the tails that are ready arrive; it is said once."""
    caplog.set_level(logging.DEBUG, "cutpoint.client.connector")
    tails.ready = {cut.id: True for cut in cuts}
    tails.ready[cuts[troubled].id] = code
    for _ in range(3):
        told = renew()
        assert told is not None
    assert set(tails.asked) == {cut.id for cut in cuts}
    said = [record for record in caplog.records if cuts[troubled].id in record.getMessage()]
    assert len(said) == 1


def test_a_server_that_is_gone_is_not_asked_for_every_tail(
    tails: TailServer, cuts: tuple[Cut, ...], renew
) -> None:
    """Two questions without an answer end the round: each may wait for seconds."""
    tails.ready = {cut.id: Code.DEADLINE_EXCEEDED for cut in cuts}
    assert renew() is None
    assert tails.asked == [cut.id for cut in cuts[:2]]


def test_tails_behind_those_in_trouble_are_asked_for_first_next_time(
    tails: TailServer, cuts: tuple[Cut, ...], renew
) -> None:
    """Two tails that never answer do not hide the third, whose turn comes before theirs."""
    tails.ready = {cut.id: Code.DEADLINE_EXCEEDED for cut in cuts[:2]}
    tails.ready[cuts[2].id] = True
    assert renew() is None
    assert renew() is not None


@pytest.mark.parametrize(
    "code",
    [Code.DEADLINE_EXCEEDED, Code.UNAVAILABLE, Code.CANCELLED, Code.RESOURCE_EXHAUSTED],
)
def test_a_request_nobody_answered_is_made_again(
    tails: TailServer, cuts: tuple[Cut, ...], renew, code: grpc.StatusCode
) -> None:
    """Unheard, or told to come later: it is made until there is an answer, then no more."""
    tails.load = {cuts[1].id: code}
    for _ in range(4):
        assert renew() is None
    assert [tails.loads.count(cut.id) for cut in cuts] == [1, 4, 1]
    tails.load = {}
    for _ in range(4):
        assert renew() is None
    assert [tails.loads.count(cut.id) for cut in cuts] == [1, 5, 1]


@pytest.mark.parametrize(
    "code",
    [
        Code.INVALID_ARGUMENT,
        Code.NOT_FOUND,
        Code.FAILED_PRECONDITION,
        Code.UNIMPLEMENTED,
    ],
)
def test_a_refusal_is_taken_for_one(
    tails: TailServer, cuts: tuple[Cut, ...], renew, caplog, code: grpc.StatusCode
) -> None:
    """A server that said no is not asked to build that tail again; it is said once."""
    tails.load = {cut.id: code for cut in cuts}
    for _ in range(4):
        assert renew() is None
    assert tails.loads == [cut.id for cut in cuts]
    assert len([r for r in caplog.records if "is not to be had" in r.getMessage()]) == 3
    tails.ready = {cuts[0].id: True}
    assert renew() is not None


def test_a_connection_that_was_closed_is_no_tails_trouble(connector: Connector, renew) -> None:
    """Asking on a closed channel is our own doing and ends the round as a typed error."""
    connector.close()
    with pytest.raises(LocalProtocolError, match="closed channel"):
        renew()
