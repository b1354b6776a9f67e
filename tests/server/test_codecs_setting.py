"""A server that is told which codecs to take: told to devices, and the others are refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.server.in_process import InProcess, Loop

from cutpoint.wire import frames
from cutpoint.wire.channel import open_channel
from cutpoint.wire.chunks import Chunker
from cutpoint.wire.codecs import codec_named
from cutpoint.wire.encoded import Encoded
from cutpoint.wire.holdings import read_holdings
from cutpoint.wire.protocol import messages, services

IMAGE = np.ones((1, 3, 64, 64), np.float32)


@pytest.fixture(scope="module", params=[("raw",), ("uint8",)], ids=["raw alone", "uint8"])
def told(six_convs: Path, request: Any) -> Iterator[tuple[InProcess, tuple[str, ...]]]:
    """Give a server that is told which codecs to take."""
    loop = Loop()
    served = InProcess(loop, [str(six_convs)], num_threads=1, codecs=request.param)
    try:
        yield served, tuple(name for name in request.param if name != "raw")
    finally:
        served.close()
        loop.close()


def test_it_tells_them_and_times_no_others(told, dial) -> None:
    """A device learns them with the handshake."""
    served, codecs = told
    with open_channel(served.address) as channel:
        stub = services.GRPCInferenceServiceStub(channel)
        config = stub.ModelConfig(messages.ModelConfigRequest(name="six_convs"), timeout=60).config
    holdings = read_holdings(config, served.address)
    assert holdings is not None
    assert holdings.codecs == codecs
    assert {sample.subject for sample in holdings.decoding} == set(codecs)
    assert {sample.kind for sample in holdings.profile.samples} == {"whole", "tail"}


@pytest.mark.parametrize("name", ["raw", "uint8", "float16", "zstd"])
def test_it_takes_them_and_refuses_the_others(told, dial, truth, name: str) -> None:
    """Before anything is taken of them, by name; raw values are always taken."""
    served, codecs = told
    peer = dial(served.address)
    try:
        image = ("image", IMAGE) if name == "raw" else Encoded.by(codec_named(name), "image", IMAGE)
        for chunk in Chunker([image]).all():
            peer.send(frames.chunk_request("six_convs", 1, chunk, {}))
        if name == "raw" or name in codecs:
            assert peer.acknowledged(1) > 0
            expected = truth({"image": IMAGE})
            np.testing.assert_allclose(
                peer.answer(1, expected)["classes"], expected["classes"], rtol=1e-2
            )
        else:
            code, words = peer.refusal(1)
            assert code == "INVALID_ARGUMENT"
            assert f"{name!r}, which is not decoded here" in words
    finally:
        peer.close()
