"""What is done to a picture before a model sees it, as the usual libraries do it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cutpoint.exceptions import ConfigurationError
from cutpoint.execution.resampling import FILTERS, ResizeMode, resized

Layout = Literal["nhwc", "hwc", "nchw", "chw"]
Order = Literal["rgb", "bgr"]

LAYOUTS: tuple[Layout, ...] = ("nhwc", "hwc", "nchw", "chw")
ORDERS: tuple[Order, ...] = ("rgb", "bgr")

BATCHED: Mapping[Layout, Layout] = {"nhwc": "nhwc", "hwc": "nhwc", "nchw": "nchw", "chw": "nchw"}
"""The layout of the same picture among others."""

MEANS: Mapping[str, tuple[float, ...]] = {
    "imagenet": (0.485, 0.456, 0.406),
    "clip": (0.48145466, 0.4578275, 0.40821073),
    "half": (0.5,),
}
"""Means by the names that people know them by, of pixels from 0 to 1, red first."""

STDS: Mapping[str, tuple[float, ...]] = {
    "imagenet": (0.229, 0.224, 0.225),
    "clip": (0.26862954, 0.26130258, 0.27577711),
    "half": (0.5,),
}
"""Standard deviations by the same names."""

_COLOURS = 3


@dataclass(frozen=True)
class Preprocessing:
    """
    How a model's float input is made of 8-bit pictures: ``(pixel * scale - mean) / std``.

    Parameters
    ----------
    mean, std
        Per channel, in the order that the model takes them; one for all, if there is one.
    scale
        What pixels (0 to 255) are multiplied by first.
    layout
        Of the pictures; by default that of frames as cameras and libraries give them: height,
        width, channel, with a batch in front if the model takes one.
    channels
        Order in which the pictures' colours come.
    model_layout
        Of the model's input; by default what its shape says.
    model_channels
        Order in which the model takes colours.
    size
        Width and height to resize frames of any size to; ``None`` leaves them as they are.
    resize_mode
        How: a key of `FILTERS`.

    Raises
    ------
    ConfigurationError
        If one of them is none; names it.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    scale: float = 1 / 255
    layout: Layout | None = None
    channels: Order = "rgb"
    model_layout: Layout | None = None
    model_channels: Order = "rgb"
    size: tuple[int, int] | None = None
    resize_mode: ResizeMode = "linear-antialias"

    def __post_init__(self) -> None:
        for name, known in _WORDS.items():
            _check_word(name, getattr(self, name), known)
        for name in ("mean", "std"):
            _check_numbers(name, getattr(self, name))
        if min(map(abs, self.std)) == 0:
            raise ConfigurationError("std has a 0: nothing can be divided by it")
        if not math.isfinite(self.scale) or self.scale == 0:
            raise ConfigurationError(f"scale {self.scale} is no factor: write one such as 1/255")
        if self.size is not None and min(self.size) < 1:
            raise ConfigurationError(f"size {self.size} has no pixel: write WxH, as 224x224")

    @property
    def num_channels(self) -> int | None:
        """How many channels its numbers are for; ``None`` if any."""
        found = max(len(self.mean), len(self.std))
        return found if found > 1 else None

    @property
    def swaps_colours(self) -> bool:
        """Whether the pictures' colours come in another order than the model takes them."""
        return self.channels != self.model_channels

    def factors(self, num_channels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """
        Give what each channel's pixels are multiplied by, and what is added then.

        Raises
        ------
        ConfigurationError
            If its numbers are for another number of channels, or there are no colours to swap.
        """
        for name in ("mean", "std"):
            count = len(getattr(self, name))
            if count not in (1, num_channels):
                raise ConfigurationError(
                    f"{name} has {count} numbers, the model takes {num_channels} channels: "
                    "give one per channel, or one for all"
                )
        if self.swaps_colours and num_channels != _COLOURS:
            raise ConfigurationError(
                f"a picture of {num_channels} channels has no {self.channels} to change: leave "
                "the order of channels as it is"
            )
        std = np.broadcast_to(np.array(self.std, np.float64), num_channels)
        mean = np.broadcast_to(np.array(self.mean, np.float64), num_channels)
        return self.scale / std, -mean / std

    def applied(
        self, pictures: NDArray[np.uint8], *, layout: Layout, model_layout: Layout
    ) -> NDArray[np.float64]:
        """
        Do it in NumPy, in double precision: what the graph is judged by.

        Parameters
        ----------
        pictures
            In `layout`.
        layout, model_layout
            Of what is taken, and of what is given.
        """
        batch = pictures if layout in BATCHED.values() else pictures[np.newaxis]
        if BATCHED[layout] == "nchw":
            batch = batch.transpose(0, 2, 3, 1)
        if self.size is not None:
            batch = resized(batch, self.size, self.resize_mode)
        if self.swaps_colours:
            batch = batch[..., ::-1]
        factor, shift = self.factors(batch.shape[-1])
        made = batch.astype(np.float64) * factor + shift
        if BATCHED[model_layout] == "nchw":
            made = made.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(made if model_layout in BATCHED.values() else made[0])


_WORDS: Mapping[str, tuple[str | None, ...]] = {
    "layout": (*LAYOUTS, None),
    "model_layout": (*LAYOUTS, None),
    "channels": ORDERS,
    "model_channels": ORDERS,
    "resize_mode": tuple(FILTERS),
}
assert _WORDS.keys() <= {each.name for each in fields(Preprocessing)}


def _check_word(name: str, word: str | None, known: tuple[str | None, ...]) -> None:
    if word not in known:
        words = ", ".join(filter(None, known))
        raise ConfigurationError(f"{name.replace('_', '-')} {word!r} is none of {words}")


def _check_numbers(name: str, numbers: tuple[float, ...]) -> None:
    if not numbers or not all(map(math.isfinite, numbers)):
        raise ConfigurationError(f"{name} {numbers} is not a number per channel, or one for all")
