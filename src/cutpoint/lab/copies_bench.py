"""How often a byte that is sent as it is gets copied on its way, on either side."""

import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from cutpoint.lab.copied_bytes import CopiedBytes
from cutpoint.lab.server_process import ServerProcess

_SHAPE = (1, 64, 112, 112)
_SENT_BYTES = 4 * 64 * 112 * 112
_END_S = 30.0


@dataclass(frozen=True)
class Copies:
    """
    Bytes copied within each process per byte that was sent.

    Parameters
    ----------
    sent_bytes
        Of float32 tensors, in all.
    client, server
        Copies per byte in user space; the kernel makes one more on either side.
    """

    sent_bytes: int
    client: float
    server: float


def count_copies(folder: Path, num_inferences: int = 20) -> Copies:
    """
    Send a float32 input of 3.2 MB to a server of its own, as it is, and count.

    The model takes its greatest element: nothing in it copies anything.

    Parameters
    ----------
    folder
        Where the model and the counters go.
    num_inferences
        That are counted; as many go before.

    Raises
    ------
    OSError
        If there is no C compiler.
    RuntimeError
        If not every answer came from the server.
    """
    path = folder / "greatest.onnx"
    onnx.save(_greatest(), path)
    (folder / "client").mkdir()
    (folder / "server").mkdir()
    client, server = CopiedBytes(folder / "client"), CopiedBytes(folder / "server")
    with ExitStack() as stack:
        served = stack.enter_context(ServerProcess([str(path)], environment=server.environment))
        process = stack.enter_context(_client(path, served.address, client))
        _send(process, num_inferences)
        before = client.read(), server.read()
        _send(process, num_inferences)
        after = client.read(), server.read()
    sent_bytes = num_inferences * _SENT_BYTES
    return Copies(
        sent_bytes, (after[0] - before[0]) / sent_bytes, (after[1] - before[1]) / sent_bytes
    )


def _greatest() -> onnx.ModelProto:
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, _SHAPE)
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1,))
    node = helper.make_node("ReduceMax", ["x"], ["y"], axes=[1, 2, 3], keepdims=0)
    graph = helper.make_graph([node], "greatest", [given], [made])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _client(path: Path, address: str, counter: CopiedBytes) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "cutpoint.lab.copies_client", str(path), address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **counter.environment},
    )


def _send(process: "subprocess.Popen[str]", num_inferences: int) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{num_inferences}\n")
    process.stdin.flush()
    answer = process.stdout.readline().strip()
    if answer != str(num_inferences):
        raise RuntimeError(f"{answer or 'none'} of {num_inferences} answers came from the server")
