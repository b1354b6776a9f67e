"""The encoding of what one request sends, of which the first may leave before the last is made."""

import logging
import time
from collections.abc import Callable, Mapping

from cutpoint.client.encoders import Encoders
from cutpoint.graph import Arrays
from cutpoint.wire.encoded import Encoded

_log = logging.getLogger(__name__)

_LEAST_SLEEP_S = 1e-3
"""An emulated device sleeps when so much is due: shorter sleeps end late by as much."""


class Encoding:
    """
    The crossing values of one inference, encoded block by block on the thread that asks.

    What cannot be encoded travels as it is, said in the log: no inference is lost by it. What was
    encoded for one server is kept for the next.

    Parameters
    ----------
    values
        Arrays by name.
    codecs
        Of those values that a plan encodes, by name.
    encoders
        Make the bytes.
    clock
        Gives the session's time in seconds.
    """

    def __init__(
        self,
        values: Arrays,
        codecs: Mapping[str, str],
        encoders: Encoders,
        clock: Callable[[], float],
    ) -> None:
        self._values = values
        self._planned = dict(codecs)
        self._encoders = encoders
        self._clock = clock
        self._kept: dict[str, Encoded] = {}
        self._owed_s = 0.0
        self.encoded: dict[str, Encoded] = {}

    def __repr__(self) -> str:
        return f"<Encoding {list(self.encoded.values())}>"

    @property
    def is_done(self) -> bool:
        """Whether every byte is made."""
        return all(each.is_done for each in self.encoded.values())

    def begin(self, takes: Callable[[str], bool]) -> None:
        """Take what a server decodes for what is sent to it; the rest travels as it is."""
        self.encoded = {
            name: self._kept.get(name) or self._begun(name, codec)
            for name, codec in self._planned.items()
            if takes(codec)
        }
        self._kept.update(self.encoded)

    def run(self, until_s: float = float("inf")) -> None:
        """Make blocks until all are made or a time has come."""
        while not self.is_done and self._clock() < until_s:
            self.step()

    def step(self) -> bool:
        """
        Make a block, of what is not done yet.

        Returns
        -------
        bool
            Whether it went well; else the value is to travel as it is, and what was sent of it
            is worth nothing.
        """
        name, encoded = next(each for each in self.encoded.items() if not each[1].is_done)
        began_s = time.thread_time()  # not by the clock: what holds this thread up is no work
        try:
            encoded.make()
        except Exception as error:
            self.encoded[name] = self._kept[name] = self._as_it_is(name, encoded.codec, error)
            return False
        self._owed_s += (self._encoders.slowdown - 1) * (time.thread_time() - began_s)
        if self._owed_s >= _LEAST_SLEEP_S or self.is_done:
            self._sleep()
        return True

    def _begun(self, name: str, codec: str) -> Encoded:
        try:
            return self._encoders.encoded(name, self._values[name], codec)
        except Exception as error:  # a codec's mistake must not cost the answer
            return self._as_it_is(name, codec, error)

    def _sleep(self) -> None:
        """Take the time that an emulated device would have taken."""
        owed_s, self._owed_s = self._owed_s, 0.0
        if owed_s > 0:
            time.sleep(owed_s)

    def _as_it_is(self, name: str, codec: str, error: Exception) -> Encoded:
        _log.warning("value %r is sent as it is, not as %s: %s", name, codec, error)
        return Encoded.raw(name, self._values[name])
