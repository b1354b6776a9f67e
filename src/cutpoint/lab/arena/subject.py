"""What everyone runs: one net in two files, as published and with its preprocessing inside."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import floor, log10
from pathlib import Path
from threading import Lock
from typing import Any, Literal, TypeVar

import numpy as np

from cutpoint.client.session import InferenceSession
from cutpoint.cost.calibration import Calibration
from cutpoint.cost.tolerance import L2, tolerance_named
from cutpoint.exceptions import ConfigurationError
from cutpoint.execution import ModelFile, Segments, load_graph
from cutpoint.execution.embed import embed
from cutpoint.execution.preprocessing import MEANS, STDS, Preprocessing
from cutpoint.execution.quantiser import runtime_quantiser
from cutpoint.execution.runtime import keep_freed_memory, quiet_options
from cutpoint.graph import SERVER_ONLY, Arrays, Graph
from cutpoint.lab.photos import Pixels, encoded_photo, normalised, photos
from cutpoint.lab.zoo import write
from cutpoint.lab.zoo.catalogue import entry_of
from cutpoint.planning import cuts_to_hold
from cutpoint.profiling.calibrate import calibrate
from cutpoint.profiling.calibration_file import save_calibration
from cutpoint.profiling.quick import time_segments
from cutpoint.records import Profile
from cutpoint.wire.codecs import codec_named
from cutpoint.wire.encoded_image import EncodedImage

T = TypeVar("T")

InputKind = Literal["float32", "uint8", "file"]
"""Normalised floats made elsewhere; pixels; the JPEG that a camera gave."""

INPUT_CODEC = "jpeg:90"
"""How the honest server-only sends pixels, and what `Subject.tolerance` is taken from."""

LOSSY_CODECS = (
    *("zstd", "narrow", "png", "float16", "uint8", "uint8+zstd", "uint8-channel"),
    *("uint8-channel+zstd", "uint4+zstd", INPUT_CODEC),
)
"""What may be used within the tolerance. WebP is left out: the baselines send the input as pixels
or JPEG, and who may use another picture format wins by that and not by where it cuts."""


@dataclass(frozen=True)
class Subject:
    """
    One net, ready to be run by every contender.

    Parameters
    ----------
    name
        In the zoo.
    plain
        File of the net as published: its input is float32.
    pixels
        File of its twin, which takes the picture's bytes and normalises them itself.
    pictures
        Photographs. Shape ``(count, height, width, 3)``.
    calibration
        File that says what codecs do to the twin on these pictures.
    jpeg_error
        What JPEG of quality 90 at the input does to the outputs: relative L2, 95 % of the
        pictures have less.
    """

    name: str
    plain: Path
    pixels: Path
    pictures: Pixels
    calibration: Path
    jpeg_error: float
    _made: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    _lock: Any = field(default_factory=Lock, repr=False, compare=False)

    @property
    def tolerance(self) -> str:
        """No further from the exact outputs than JPEG 90 of the input is."""
        return f"{L2}:{self.jpeg_error:g}"

    def path(self, kind: InputKind) -> Path:
        """Give the file that takes an input of a kind."""
        return self.plain if kind == "float32" else self.pixels

    def graph(self, kind: InputKind) -> Graph:
        """Give the graph of that file."""
        path = self.path(kind)
        return self._once(("graph", path), lambda: load_graph(ModelFile.open(path)))

    def feed(self, kind: InputKind, example: int) -> dict[str, Any]:
        """Give a picture as an input of a kind; numbers beyond the last begin anew."""
        index = example % len(self.pictures)
        return self._once(("feed", kind, index), lambda: self._feed(kind, index))

    def expected(self, kind: InputKind, example: int) -> Arrays:
        """Give the outputs of the uncut model for a feed, by ONNX Runtime itself."""
        index = example % len(self.pictures)
        return self._once(("expected", kind, index), lambda: self._expected(kind, index))

    def profile(self, kind: InputKind, slowdown: float, repeats: int = 8) -> Profile:
        """
        Time the segments of a file as a device slowed by a factor runs them.

        Returns
        -------
        Profile
            Measured once per file and factor: all contenders begin with the same.
        """
        key = "profile", self.path(kind), slowdown
        return self._once(key, lambda: self._profile(kind, slowdown, repeats))

    def keep_profile(self, kind: InputKind, slowdown: float, profile: Profile) -> None:
        """Take a profile that is known for what `profile` would measure."""
        self._once(("profile", self.path(kind), slowdown), lambda: profile)

    def whole_s(self, kind: InputKind, slowdown: float) -> float:
        """Give what all of a model takes on a device slowed by a factor."""
        samples = self.profile(kind, slowdown).samples
        return float(np.median([each.duration_s for each in samples if each.kind == "whole"]))

    def _feed(self, kind: InputKind, index: int) -> dict[str, Any]:
        (name,) = self.graph(kind).inputs
        picture = self.pictures[index]
        if kind == "float32":
            return {name: normalised(picture[np.newaxis])}
        if kind == "uint8":
            return {name: np.ascontiguousarray(picture[np.newaxis])}
        return {name: EncodedImage(encoded_photo(picture, "jpeg", quality=90))}

    def _expected(self, kind: InputKind, index: int) -> Arrays:
        session = self._once(
            ("session", self.path(kind)),
            lambda: InferenceSession(self.path(kind), quiet_options(1), ["CPUExecutionProvider"]),
        )
        names = list(self.graph(kind).outputs)
        return dict(zip(names, session.run(names, self.feed(kind, index)), strict=True))

    def _profile(self, kind: InputKind, slowdown: float, repeats: int) -> Profile:
        graph = self.graph(kind)
        options = quiet_options(1)
        segments = Segments(graph, cuts_to_hold(graph), options=options, slowdown=slowdown)
        feed = None if kind == "file" else self.feed(kind, 0)
        kept = keep_freed_memory()
        return time_segments(segments, feed=feed, repeats=repeats, warm_up=2, malloc_kept=kept)

    def _once(self, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        with self._lock:
            known: T | None = self._made.get(key)
        if known is not None:
            return known
        made = make()
        with self._lock:
            first: T = self._made.setdefault(key, made)
        return first


def prepare_subject(name: str, folder: Path, *, num_pictures: int = 4, seed: int = 0) -> Subject:
    """
    Write a net of the zoo and its twin, and see what codecs do to it.

    Parameters
    ----------
    name
        In the zoo.
    folder
        Where the files go.
    num_pictures
        Photographs to run on, and to calibrate with.
    seed
        Of their crops.

    Raises
    ------
    ModelError
        If there is no such net in the zoo.
    ConfigurationError
        If the net takes no pictures of three colours.
    MissingDependencyError
        If scikit-learn or Pillow is not installed.
    """
    channels, height, width = entry_of(name).image
    if channels != 3:
        raise ConfigurationError(
            f"{name} takes {channels} channels: choose a net that takes photos"
        )
    plain = write(name, folder / f"{name}.onnx")
    pixels = folder / f"{name}-pixels.onnx"
    preprocessing = Preprocessing(mean=MEANS["imagenet"], std=STDS["imagenet"])
    embed(ModelFile.open(plain), preprocessing, pixels, overwrite=True)
    pictures = photos(num_pictures, height, width, seed)
    found = _calibrated(pixels, pictures)
    path = folder / f"{name}.calibration"
    save_calibration(found, path)
    return Subject(name, plain, pixels, pictures, path, _jpeg_error(found))


def slowdown_for(subject: Subject, device_s: float) -> float:
    """
    Give the factor at which the whole model takes so long on the device, pauses and all.

    Returns
    -------
    float
        A whole number; 1 if the model takes longer than that anyway.
    """
    first = max(device_s / subject.whole_s("uint8", 1.0), 1.0)
    # A processor that sleeps between runs finds its caches cold: measured as it will run.
    return float(max(round(first * device_s / subject.whole_s("uint8", first)), 1))


def _calibrated(path: Path, pictures: Pixels) -> Calibration:
    graph = load_graph(ModelFile.open(path))
    segments = Segments(graph, cuts_to_hold(graph), options=quiet_options(1))
    (name,) = graph.inputs
    codecs = [codec_named(each, runtime_quantiser()) for each in LOSSY_CODECS]
    return calibrate(segments, codecs, [{name: each[np.newaxis]} for each in pictures])


def _jpeg_error(found: Calibration) -> float:
    error = found.error(SERVER_ONLY, INPUT_CODEC, tolerance_named(f"{L2}:1"))
    if not error:
        return 0.0
    # Three digits for people, rounded up: JPEG itself has to keep it.
    step = 10.0 ** (floor(log10(error)) - 2)
    return float(f"{(floor(error / step) + 1) * step:.3g}")
