"""What a server says: events and warnings, one line each, and nothing that a client sent."""

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from cutpoint.wire.channel import open_channel
from cutpoint.wire.protocol import messages, services

CANARY = "CANARY7f3a"
TOKEN = "TOKENc41b9d22"
INJECTED = f'{CANARY}\n{{"event": "ready"}}\nERROR cutpoint: \x1b[31m{CANARY}\x00\x85'


@dataclass
class Server:
    """A server process whose every word is kept."""

    address: str
    metrics_address: str
    process: "subprocess.Popen[bytes]"
    said: tuple[Path, Path]

    def end(self) -> str:
        """End it; give all it said."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0
        return "".join(path.read_text(errors="backslashreplace") for path in self.said)


@pytest.fixture
def server(six_convs: Path, tmp_path: Path) -> Iterator[Server]:
    """Start a server that asks for a token, logs all it can, and keeps times in a folder."""
    (tmp_path / "tokens").write_text(f"{TOKEN}\n")
    command = [
        sys.executable, "-m", "cutpoint.cli.main", "--log-level", "info", "serve", str(six_convs),
        "--port", "0", "--metrics-port", "0", "--threads", "1", "--json",
        "--token-file", str(tmp_path / "tokens"), "--cache", str(tmp_path / "cache"),
    ]  # fmt: skip
    said = (tmp_path / "out", tmp_path / "err")
    with said[0].open("wb") as out, said[1].open("wb") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err)
    try:
        addresses = _addresses(process, said)
        yield Server(addresses["listening"], addresses["metrics"], process, said)
    finally:
        process.kill()
        process.wait(30)


def _addresses(process: "subprocess.Popen[bytes]", said: tuple[Path, Path]) -> dict[str, str]:
    """Wait until it is ready; give what it listens on."""
    while '"ready"' not in said[0].read_text():
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            raise AssertionError(said[1].read_text())
    events = [json.loads(line) for line in said[0].read_text().splitlines()]
    return {each["event"]: each["address"] for each in events if "address" in each}


def odd_requests(request_for: Any, image_of: Any) -> Iterator[Any]:
    """Give requests with a canary wherever a client may write."""
    values = np.full((1, 3, 64, 64), np.float32(0)).view("S1")
    values.flat[: len(CANARY)] = np.frombuffer(CANARY.encode(), "S1")
    canary_image = values.view(np.float32).reshape(1, 3, 64, 64)
    good = image_of(0)
    yield request_for("six_convs", {"image": canary_image})
    yield request_for(INJECTED, good)
    yield request_for(f"six_convs.{CANARY}.{CANARY}", good)
    yield request_for("six_convs", {INJECTED: good["image"]})
    yield request_for("six_convs", {"image": good["image"][:, :2]})
    for field in ("id", "model_version"):
        request = request_for("six_convs", good)
        setattr(request, field, INJECTED)
        yield request
    request = request_for("six_convs", good)
    request.outputs.add(name=INJECTED)
    yield request
    request = request_for("six_convs", good)
    request.inputs[0].datatype = INJECTED
    yield request
    request = request_for("six_convs", good)
    request.parameters["sha256"].string_param = CANARY
    request.parameters[INJECTED].string_param = INJECTED
    yield request


def test_nothing_that_clients_send_is_repeated(server: Server, request_for, image_of) -> None:
    """After odd requests of every kind: no canary and no token in its words or on its page."""
    bearer = (("authorization", f"Bearer {TOKEN}"),)
    with open_channel(server.address) as channel:
        stub = services.GRPCInferenceServiceStub(channel)
        for request in odd_requests(request_for, image_of):
            for metadata in (bearer, (("authorization", f"Bearer {CANARY}"),), ()):
                with suppress(grpc.RpcError):
                    stub.ModelInfer(request, timeout=30, metadata=metadata)
            frames = stub.ModelStreamInfer(iter([request]), timeout=30, metadata=bearer)
            with suppress(grpc.RpcError):
                list(frames)
        for call in (stub.ModelReady, stub.ModelMetadata):
            kind = messages.ModelReadyRequest if call is stub.ModelReady else None
            asked = (kind or messages.ModelMetadataRequest)(name=INJECTED)
            with suppress(grpc.RpcError):
                call(asked, timeout=30, metadata=bearer)
    page = _page(server, f"/metrics?{CANARY}", TOKEN)
    with pytest.raises(urllib.error.HTTPError) as caught:
        _page(server, f"/{CANARY}", TOKEN)
    caught.value.close()
    assert 'cutpoint_requests_total{cut="whole",model="six_convs",outcome="ok"}' in page
    said = server.end()
    for secret in (CANARY, TOKEN):
        assert secret not in page
        assert secret not in said


def _page(server: Server, path: str, token: str) -> str:
    headers = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"http://{server.metrics_address}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return str(response.read().decode())


def test_every_event_is_a_line(server: Server) -> None:
    """Events are one JSON object a line; what is logged begins with its level."""
    server.end()
    out, err = (path.read_text() for path in server.said)
    events = [json.loads(line)["event"] for line in out.splitlines()]
    assert events[:2] == ["listening", "metrics"]
    assert {"model", "ready"} <= set(events)
    for line in err.splitlines():
        assert re.match(r"(INFO|WARNING|ERROR) ", line), line
