"""Servers that are forked off one that has imported everything."""

import os

import grpc
import pytest

from cutpoint.exceptions import ConnectError
from cutpoint.lab.faults.models import write_two_loops
from cutpoint.lab.fork_server import ForkServer
from cutpoint.wire.channel import open_channel
from cutpoint.wire.protocol import messages, services


@pytest.fixture(scope="module")
def fork_server():
    """Give what forks."""
    with ForkServer() as server:
        yield server


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Give a small model."""
    return str(write_two_loops(tmp_path_factory.mktemp("models") / "small.onnx", 1, 1))


def is_ready(address: str) -> bool:
    """Ask a server whether it has the model."""
    with open_channel(address) as channel:
        stub = services.GRPCInferenceServiceStub(channel)
        request = messages.ModelReadyRequest(name="small")
        return bool(stub.ModelReady(request, timeout=10).ready)


def test_a_server_is_killed_and_comes_back_on_its_port(fork_server, model):
    """Each start is a process of its own."""
    with fork_server.server([model]) as server:
        address, pid = server.address, server.pid
        assert server.is_ready
        assert is_ready(address)
        server.kill()
        with pytest.raises(RuntimeError, match="not running"):
            _ = server.pid
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        server.start()
        server.wait_until_ready()
        assert server.address == address
        assert server.pid != pid
        assert is_ready(address)
        with pytest.raises(RuntimeError, match="running already"):
            server.start()
    assert not server.is_running
    server.close()


def test_a_frozen_server_says_nothing_until_it_goes_on(fork_server, model):
    """Its sockets stay, and so do those who wait."""
    with fork_server.server([model]) as server:
        server.freeze()
        with open_channel(server.address) as channel:
            stub = services.GRPCInferenceServiceStub(channel)
            request = messages.ModelReadyRequest(name="small")
            with pytest.raises(grpc.RpcError):
                stub.ModelReady(request, timeout=0.3)
            server.thaw()
            assert stub.ModelReady(request, timeout=10).ready
        server.freeze()


def test_a_foreign_server_has_the_model_and_no_digest(fork_server, model):
    """What is not cutpoint's is started the same way."""
    with fork_server.foreign_server(model) as server:
        assert is_ready(server.address)


def test_a_server_that_cannot_start_is_an_error(fork_server):
    """A model that is not there is told on standard error, and here."""
    server = fork_server.server(["/nowhere/model.onnx"])
    server.begin()
    with pytest.raises(ConnectError, match="ended before it was ready"):
        server.wait_until_ready()
    assert not server.is_running


def test_no_server_outlives_what_forked_it(model):
    """A campaign that dies without a word leaves nothing running."""
    with ForkServer() as forking:
        server = forking.server([model])
        server.start()
    assert server._reader is not None
    server._reader.join(timeout=10)
    assert not server.is_running


def test_nothing_is_forked_outside_the_block(model):
    """The process that forks must be there."""
    with pytest.raises(RuntimeError, match="in a with block"):
        ForkServer().server([model]).start()
