"""Encoded tensors that are corrupt, oversized, lies or bombs: refused, and nothing is kept."""

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from random import Random
from statistics import median
from typing import Any

import grpc
import numpy as np
import onnx
import pytest
from tests.hostile.encoded import ALWAYS_WRONG, CODECS, SPOILS, Spoil, pieces_of
from tests.hostile.process import WatchedServer, memory_bytes, peak_memory_bytes
from tests.hostile.test_malformed import assert_log_is_clean

from cutpoint.graph import Arrays
from cutpoint.wire import frames
from cutpoint.wire.channel import CLIENT_OPTIONS
from cutpoint.wire.chunks import Assembly, Chunk, Chunker
from cutpoint.wire.codecs import codec_named
from cutpoint.wire.protocol import ERROR, RESULT, get_parameters, services
from cutpoint.wire.tensors import TensorSpec

TEXT = """(uint8[1, 48, 64, 3] picture, int64[1, 200] tokens, float[rows, 64] signal)
    => (float[1, 48, 64, 3] seen, int64[1, 200] read, float[1] loudest) {
        seen = Cast <to = 1> (picture)
        read = Neg (tokens)
        all = ReduceMax <keepdims = 0> (signal)
        loudest = Reshape (all, one)
    }"""

_log = logging.getLogger(__name__)

ROWS = 300
_WARM_UP = 8
_MOST_MORE_BYTES = 45_000_000
"""What was freed stays with the process, for speed: the largest bomb that opens is 34 MB."""
_FEW = 4
_MOST_AT_ONCE_BYTES = 900_000_000
"""What the largest tensor that may come takes a few times over, beside the runtime itself."""


class Attacker:
    """
    A stream on which each request that is spoiled is followed by one that is right.

    One worker takes them in their order: whatever becomes of the first has come by the answer
    to the second.
    """

    def __init__(self, address: str) -> None:
        self._channel = grpc.insecure_channel(address, options=CLIENT_OPTIONS)
        self._leaving: SimpleQueue[Any] = SimpleQueue()
        stub = services.GRPCInferenceServiceStub(self._channel)
        self._call = stub.ModelStreamInfer(iter(self._leaving.get, None), timeout=600)
        self._number = 0

    def ask(self, spoiled: list[Chunk], right: list[Chunk], outputs: Arrays) -> tuple[str, Arrays]:
        """Send both; gives what became of the first, and the answer to the second."""
        self._number += 2
        first, second = self._number, self._number + 1
        for number, chunks in ((first, spoiled), (second, right)):
            for chunk in chunks:
                self._leaving.put(frames.chunk_request("media", number, chunk, {}))
        end, assembly = "nothing", Assembly([TensorSpec.of(*each) for each in outputs.items()], "")
        for message in self._call:
            response, kind = message.infer_response, frames.kind_of(message.infer_response)
            number = int(response.id)
            if number == first and kind == ERROR:
                end = str(get_parameters(response.parameters)["code"])
            elif number == first and kind == RESULT:
                end = "answered"
            assert (number, kind) != (second, ERROR), message.error_message
            if number == second and kind == RESULT:
                assembly.add(frames.response_chunk(response))
            if assembly.is_complete:
                self._leaving.put(frames.cancel_request(first))
                return end, assembly.arrays()
        raise AssertionError("the stream ended")

    def close(self) -> None:
        """Hang up."""
        self._leaving.put(None)
        self._call.cancel()
        self._channel.close()


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory, model_of) -> Path:
    """Give the file of a model that every codec has something to do for."""
    text = TEXT.replace(" {", " <int64[1] one = {1}> {", 1)
    path = tmp_path_factory.mktemp("media") / "media.onnx"
    onnx.save(model_of(text), path)
    return path


@pytest.fixture(scope="module")
def feed() -> Arrays:
    """Give what is sent."""
    rng = np.random.default_rng(3)
    return {
        "picture": rng.integers(0, 255, (1, 48, 64, 3), np.uint8),
        "tokens": rng.integers(0, 500, (1, 200)),
        "signal": rng.standard_normal((ROWS, 64), dtype=np.float32),
    }


@pytest.fixture
def attacked(media: Path, tmp_path: Path) -> Iterator[WatchedServer]:
    """Give a server whose memory and log are looked at."""
    sizes = ("--size", f"rows={ROWS}")
    with WatchedServer([media], tmp_path / "log", arguments=sizes) as server:
        yield server


def _encoded(feed: Arrays, codec_name: str) -> list[list[Chunk]]:
    """Give the pieces of each tensor, encoded where the codec takes it."""
    codec, made = codec_named(codec_name), []
    for value, (name, array) in enumerate(feed.items()):
        spec = TensorSpec.of(name, array)
        if codec.takes(spec):
            raw = b"".join(bytes(block) for block in codec.blocks(array))
            made.append(pieces_of(spec, raw, codec_name, value, len(feed)))
        else:
            whole = Chunker([(name, array)]).next(1 << 30)
            made.append([Chunk(spec, value, len(feed), 0, bytes(whole.payload))])
    return made


def _spoiled(tensors: list[list[Chunk]], spoil: Spoil, name: str, rng: Random) -> list[Chunk]:
    """Spoil one tensor of those that are encoded."""
    encoded = [number for number, pieces in enumerate(tensors) if pieces[0].codec != "raw"]
    which = rng.choice(encoded)
    made = [list(pieces) for pieces in tensors]
    made[which] = spoil(made[which], codec_named(name), rng)
    return [piece for pieces in made for piece in pieces]


@pytest.mark.parametrize("rounds", [16, pytest.param(400, marks=pytest.mark.soak)])
def test_nothing_that_comes_encoded_harms_the_server(
    rounds: int, attacked: WatchedServer, feed: Arrays
) -> None:
    """
    Spoiled in eleven ways in every codec: typed refusals, and right answers for others between.

    The server is the same process after hundreds of them, and its memory is what it was.
    """
    rng, seen, sizes = Random(11), Counter(), []
    right = [piece for pieces in _encoded(feed, "zstd") for piece in pieces]
    outputs = {
        "seen": feed["picture"].astype(np.float32),
        "read": -feed["tokens"],
        "loudest": feed["signal"].max().reshape(1),
    }
    by_codec = {name: _encoded(feed, name) for name in CODECS}
    attacker = Attacker(attacked.address)
    try:
        for number in range(rounds):
            for spoil in SPOILS:
                name = rng.choice(CODECS)
                spoiled = _spoiled(by_codec[name], spoil, name, rng)
                end, answer = attacker.ask(spoiled, right, outputs)
                seen[end] += 1
                _check(end, spoil, name)
                for output, array in outputs.items():
                    np.testing.assert_array_equal(answer[output], array)
            if number >= _WARM_UP:
                sizes.append(memory_bytes(attacked.pid))
    finally:
        attacker.close()
    more_bytes = median(sizes[-_FEW:]) - median(sizes[:_FEW])
    peak_bytes = peak_memory_bytes(attacked.pid)
    _log.info("%s; %.1f MB more, %.0f MB at most", dict(seen), more_bytes / 1e6, peak_bytes / 1e6)
    assert attacked.is_alive
    assert seen["INVALID_ARGUMENT"] > 0.5 * seen.total(), seen
    assert more_bytes < _MOST_MORE_BYTES, sizes
    assert peak_bytes < _MOST_AT_ONCE_BYTES
    assert_log_is_clean(attacked.log)


def _check(end: str, spoil: Spoil, name: str) -> None:
    """Hold an end to what it may be: bytes of a picture that are changed may be another picture."""
    assert end in ("INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "answered", "nothing"), (spoil, name)
    if spoil in ALWAYS_WRONG and name.partition(":")[0] not in ("jpeg", "webp"):
        assert end == "INVALID_ARGUMENT", (spoil, name)


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_right_is_answered(codec: str, media: Path, feed: Arrays) -> None:
    """The requests that are spoiled are no lies before: each tensor decodes to what it was."""
    made = _encoded(feed, codec)
    assert any(pieces[0].codec == codec for pieces in made)
    specs = [TensorSpec.of(name, array) for name, array in feed.items()]
    assembly = Assembly(specs, "m", codec_named=codec_named)
    for pieces in made:
        for piece in pieces:
            assembly.add(piece)
    for undecoded in assembly.undecoded():
        array = feed[undecoded.spec.name]
        most = codec_named(codec).most_error(array)
        assert np.abs(undecoded.decode().astype(float) - array.astype(float)).max() <= most
