"""A net served behind an emulated link, and a session that takes rows by lot."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np

from cutpoint.client.session import InferenceSession
from cutpoint.execution import ModelFile
from cutpoint.execution.embed import embed
from cutpoint.execution.preprocessing import Preprocessing
from cutpoint.lab.link_process import LinkProcess
from cutpoint.lab.photos import Pixels, photos
from cutpoint.lab.prediction.drawn import SERVER, Drawn
from cutpoint.lab.prediction.host_speed import whole_cpu_s
from cutpoint.lab.prediction.sample import PredictedSample, sample_of
from cutpoint.lab.server_process import ServerProcess
from cutpoint.lab.zoo import ZOO, write
from cutpoint.lab.zoo.images import IMAGENET_MEAN, IMAGENET_STD
from cutpoint.units import format_bandwidth

DELAY_S = 0.005
"""One way."""

CODECS = ("zstd", "float16", "uint8", "uint8+zstd", "png", "jpeg:90")
_TOLERANCE = "l2:1000"
"""Whatever a codec does to the outputs: times are what is looked at."""

_NUM_FRAMES, _SHIFT_PIXELS = 4, 2
"""Frames of a camera that moves little: what one is encoded as says how large the next will be."""

_LEAST_DEVICE_S, _MOST_SLOWDOWN = 0.06, 8.0
"""A weaker device than this machine, where the net leaves time for that."""

_READY_S = 120.0
_NUM_SETTLING = 5
"""Inferences after which a changed link is learnt."""


class Bed:
    """
    One net of the zoo, its input 8-bit pictures, ready to be asked.

    Parameters
    ----------
    name
        Of the net.
    folder
        For its files.
    seed
        Of the lot, and of the pictures.
    bandwidth_bytes_per_s
        Of the link to begin with.
    slowdown
        Of the emulated device; by default such that the net takes 60 ms at least, as far as a
        factor of eight does that.
    codecs
        That values may travel in.
    more_cuts
        Crossing values of cuts to be held beside those that a session chooses.

    Attributes
    ----------
    policy
        Decides; where it may is to be changed between inferences.
    whole_s
        CPU time of the whole net on this machine.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        seed: int,
        bandwidth_bytes_per_s: float,
        *,
        slowdown: float | None = None,
        codecs: Sequence[str] = CODECS,
        more_cuts: Sequence[Sequence[str]] = (),
    ) -> None:
        self.name = name
        self._stack = ExitStack()
        try:
            path, picture = _pixel_model(name, folder)
            height, width = ZOO[name].image[1:]
            self._frames = _frames(height, width, seed)
            self._picture = picture
            example = self.feed(0)
            self.whole_s = whole_cpu_s(path, example)
            usual = min(max(_LEAST_DEVICE_S / self.whole_s, 1.0), _MOST_SLOWDOWN)
            self.slowdown = usual if slowdown is None else slowdown
            self._rate = bandwidth_bytes_per_s
            server = self._stack.enter_context(ServerProcess([str(path)]))
            self._link = self._stack.enter_context(
                LinkProcess(
                    server.address,
                    delay_s=DELAY_S,
                    up_bytes_per_s=bandwidth_bytes_per_s,
                    down_bytes_per_s=bandwidth_bytes_per_s,
                )
            )
            self.policy = Drawn(seed, more_cuts=more_cuts)
            self._session = InferenceSession(
                path,
                server=self._link.address,
                policy=self.policy,
                slowdown=self.slowdown,
                example=example,
                codecs=codecs,
                tolerance=_TOLERANCE,
                calibrate=[example],
                check_rate=0.0,
            )
            self._stack.callback(self._session.close)
            self._session.wait_until_ready(_READY_S)
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> "Bed":  # noqa: PYI034 (Self needs Python 3.11)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def feed(self, index: int) -> dict[str, Pixels]:
        """Give a frame as the model takes it."""
        return {self._picture: self._frames[index % _NUM_FRAMES]}

    def settle(self, bandwidth_bytes_per_s: float) -> None:
        """Change the link, and let the session learn it."""
        self._rate = bandwidth_bytes_per_s
        self._link.set_rate(bandwidth_bytes_per_s, bandwidth_bytes_per_s)
        # All of the input is sent: of some hundred bytes a link is not learnt.
        before, self.policy.placements = self.policy.placements, SERVER
        try:
            for number in range(_NUM_SETTLING):
                self._session.run(None, self.feed(number))
        finally:
            self.policy.placements = before

    def take(self, number: int) -> PredictedSample:
        """
        Run once, by a row that is drawn.

        Raises
        ------
        RuntimeError
            If the session recorded nothing.
        """
        self._session.run(None, self.feed(number))
        record = self._session.last_record
        if record is None:
            raise RuntimeError("a session with a server records every inference")
        return sample_of(record, format_bandwidth(self._rate))


def _frames(height: int, width: int, seed: int) -> list[Pixels]:
    """Give one photograph, moved by a few pixels from frame to frame."""
    picture = photos(1, height, width, seed)
    return [np.roll(picture, _SHIFT_PIXELS * number, axis=2) for number in range(_NUM_FRAMES)]


def _pixel_model(name: str, folder: Path) -> tuple[Path, str]:
    """Write a net that takes 8-bit pictures; give its file and the name of its input."""
    plain = write(name, folder / f"{name}-float32.onnx")
    preprocessing = Preprocessing(IMAGENET_MEAN, IMAGENET_STD)
    made = embed(ModelFile.open(plain), preprocessing, folder / f"{name}.onnx", verify=False)
    plain.unlink()
    return made.file.path, made.picture
