"""The encoding of one request: block by block, once for all servers, and never at any cost."""

from collections.abc import Iterator

import numpy as np
import pytest

from cutpoint.client import encoding as encoding_module
from cutpoint.client.encoders import Encoders
from cutpoint.client.encoding import Encoding
from cutpoint.exceptions import CodecError
from cutpoint.graph import Arrays
from cutpoint.wire.encoded import Encoded
from cutpoint.wire.tensors import TensorSpec

VALUES: Arrays = {"a": np.arange(4, dtype=np.float32), "b": np.ones(3, np.float32)}


class Clock:
    """A clock that blocks move."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now_s


class BlockEncoders(Encoders):
    """
    Encodes each value as blocks of a second each; some fail.

    Parameters
    ----------
    clock
        Is moved.
    fails_at
        Block that raises, by value.
    """

    def __init__(self, clock: Clock, slowdown: float = 1.0, **fails_at: int) -> None:
        super().__init__(slowdown=slowdown)
        self.made: list[str] = []
        self._clock = clock
        self._fails_at = fails_at

    def encoded(self, name: str, array: object, codec_name: str) -> Encoded:
        """Give the value in three blocks."""

        def blocks() -> Iterator[bytes]:
            for number in range(3):
                self._clock.now_s += 1.0
                if self._fails_at.get(name) == number:
                    raise CodecError("no such number")
                self.made.append(name)
                yield b"xy"

        if self._fails_at.get(name) == -1:
            raise CodecError("no such codec")
        return Encoded(TensorSpec.of(name, VALUES[name]), codec_name, blocks())


@pytest.fixture
def clock() -> Clock:
    """Give a made-up clock."""
    return Clock()


def _encoding(clock: Clock, slowdown: float = 1.0, **fails_at: int) -> Encoding:
    encoders = BlockEncoders(clock, slowdown, **fails_at)
    made = Encoding(VALUES, {"a": "uint8", "b": "zstd"}, encoders, clock)
    made.begin(lambda codec: True)
    return made


def test_it_stops_between_blocks_when_its_time_has_come(clock: Clock) -> None:
    """What is left is made by steps; one value after the other."""
    encoding = _encoding(clock)
    encoding.run(clock.now_s + 2.0)
    assert (encoding.is_done, encoding.encoded["a"].made_bytes) == (False, 4)
    while not encoding.is_done:
        assert encoding.step()
    assert encoding._encoders.made == ["a"] * 3 + ["b"] * 3
    assert clock.now_s == 6.0


def test_a_server_is_sent_what_it_decodes(clock: Clock) -> None:
    """The rest travels as it is; what was made for one server is kept for the next."""
    encoding = _encoding(clock)
    encoding.run()
    first = encoding.encoded
    encoding.begin(lambda codec: codec == "zstd")
    assert list(encoding.encoded) == ["b"]
    encoding.begin(lambda codec: True)
    assert encoding.encoded == first
    assert encoding.is_done
    encoding.begin(lambda codec: False)
    assert encoding.encoded == {}
    assert encoding.is_done


@pytest.mark.parametrize("fails_at", [-1, 0, 2])
def test_what_fails_travels_as_it_is(
    fails_at: int, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Before the first block or later: said once, and the others are encoded."""
    encoding = _encoding(clock, a=fails_at)
    went_well = []
    while not encoding.is_done:
        went_well.append(encoding.step())
    assert went_well.count(False) == (fails_at >= 0)
    assert {name: each.codec for name, each in encoding.encoded.items()} == {
        "a": "raw",
        "b": "zstd",
    }
    assert encoding.encoded["a"].made_bytes == VALUES["a"].nbytes
    assert caplog.text.count("'a' is sent as it is, not as uint8") == 1
    encoding.begin(lambda codec: True)
    assert encoding.is_done


def test_a_mistake_of_a_codec_costs_no_answer(clock: Clock, caplog) -> None:
    """Whatever it raises: the value travels as it is."""

    class Broken(BlockEncoders):
        def encoded(self, name: str, array: object, codec_name: str) -> Encoded:
            raise ZeroDivisionError("a bug")

    encoding = Encoding(VALUES, {"a": "uint8"}, Broken(clock), clock)
    encoding.begin(lambda codec: True)
    assert encoding.encoded["a"].codec == "raw"
    assert "a bug" in caplog.text


def test_an_emulated_device_takes_its_time(clock: Clock, monkeypatch) -> None:
    """Ten times slower: nine seconds are slept for each that was worked."""
    slept = []
    monkeypatch.setattr(encoding_module.time, "sleep", slept.append)
    monkeypatch.setattr(encoding_module.time, "thread_time", clock)
    encoding = _encoding(clock, slowdown=10.0)
    encoding.run()
    assert sum(slept) == pytest.approx(9.0 * 6)
